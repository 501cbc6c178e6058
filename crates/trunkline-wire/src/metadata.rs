//! The metadata block: string pairs that travel beside a payload.
//!
//! On the wire it is `u32 length | key | u32 length | value`, back to back, without a count. Keys and values should be
//! UTF-8 but may be any bytes, and may be empty. When a key comes twice, the last one counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;

use crate::error::{DecodeError, MetadataPart};
use crate::keys;

/// The pairs that travel beside a payload, kept as they are on the wire.
///
/// Received metadata shares the frame's memory and is copied at the first write; nothing is allocated per pair.
/// Looking up walks the block, which beats a hash map at the handful of pairs that calls carry.
///
/// `Debug` shows the values except those of [secret keys](keys::is_secret).
///
/// ```
/// use trunkline_wire::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("k", "v");
/// assert_eq!(metadata.get("k"), Some("v"));
/// assert_eq!(metadata.encoded(), b"\0\0\0\x01k\0\0\0\x01v");
///
/// let received = Metadata::from_encoded(metadata.encoded().to_vec().into())?;
/// assert_eq!(received, metadata);
/// # Ok::<(), trunkline_wire::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Metadata(Block);

/// Always well-formed pairs.
#[derive(Clone)]
enum Block {
    Shared(Bytes),
    Owned(Vec<u8>),
}

impl Metadata {
    /// No pairs. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Block::Shared(Bytes::new()))
    }

    /// Takes an encoded block, after one pass over its lengths.
    ///
    /// # Errors
    ///
    /// When a length runs over the end of the block, or the block ends inside a pair.
    pub fn from_encoded(block: Bytes) -> Result<Self, DecodeError> {
        validate(&block)?;
        Ok(Self::from_validated(block))
    }

    pub(crate) const fn from_validated(block: Bytes) -> Self {
        Self(Block::Shared(block))
    }

    #[inline]
    pub(crate) fn copy_validated(&mut self, block: &[u8]) {
        match &mut self.0 {
            Block::Owned(vec) => {
                vec.clear();
                vec.extend_from_slice(block);
            }
            Block::Shared(_) if block.is_empty() => *self = Self::new(),
            Block::Shared(_) => self.0 = Block::Owned(block.to_vec()),
        }
    }

    /// Whether there are no pairs.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.encoded().is_empty()
    }

    /// The number of pairs, a key that was received twice counting twice. Walks the block.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The value of a key. When the key was received more than once, the last one counts. `None` also when the value
    /// is not UTF-8; see [`get_bytes`](Self::get_bytes).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        std::str::from_utf8(self.get_bytes(key.as_bytes())?).ok()
    }

    /// The bytes of a key's value. When the key was received more than once, the last one counts.
    #[must_use]
    pub fn get_bytes(&self, key: &[u8]) -> Option<&[u8]> {
        lookup(self.encoded(), key)
    }

    /// Sets the value of a key: at the place of the key's first pair if there is one, else at the end.
    ///
    /// A key or value of 4 GiB or more does not fit the format; a message with one is refused when it is encoded.
    pub fn insert(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        insert(self.to_mut(), key.as_ref(), value.as_ref());
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> bool {
        let key = key.as_ref();
        if self.get_bytes(key).is_none() {
            return false;
        }
        remove_from(self.to_mut(), 0, key);
        true
    }

    /// The pairs, in the order of the wire. A key that was received twice comes twice; the last one counts.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: self.encoded() }
    }

    /// The pairs whose key and value are both UTF-8, in the order of the wire.
    #[must_use]
    pub fn iter_str(&self) -> IterStr<'_> {
        IterStr(self.iter())
    }

    /// Takes over all pairs of another metadata: they replace those with the same keys and stand at the end.
    ///
    /// The work grows with the sum of both sizes, not their product, so the other may come from a peer.
    pub fn extend(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other.clone();
            return;
        }
        let replaced: BTreeSet<&[u8]> = other.iter().map(|(key, _)| key).collect();
        let mut block = Vec::with_capacity(self.encoded_len() + other.encoded_len());
        for (key, value) in self.iter().filter(|(key, _)| !replaced.contains(key)) {
            push_pair(&mut block, key, value);
        }
        block.extend_from_slice(other.encoded());
        self.0 = Block::Owned(block);
    }

    /// The block as it goes on the wire.
    #[inline]
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        match &self.0 {
            Block::Shared(bytes) => bytes,
            Block::Owned(vec) => vec,
        }
    }

    /// The length of the block on the wire.
    #[inline]
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.encoded().len()
    }

    fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Block::Shared(bytes) = &self.0 {
            self.0 = Block::Owned(bytes.to_vec());
        }
        match &mut self.0 {
            Block::Owned(vec) => vec,
            Block::Shared(_) => unreachable!("a shared block was copied above"),
        }
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal as maps: the order of the pairs means nothing on the wire, and the last of equal keys counts.
impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.encoded() == other.encoded()
            || self.iter().collect::<BTreeMap<_, _>>() == other.iter().collect::<BTreeMap<_, _>>()
    }
}

impl Eq for Metadata {}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(K, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut metadata = Self::new();
        for (key, value) in pairs {
            metadata.insert(key, value);
        }
        metadata
    }
}

impl<'a> IntoIterator for &'a Metadata {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self {
            map.key(&String::from_utf8_lossy(key));
            if keys::is_secret(key) {
                map.value(&"***");
            } else {
                map.value(&String::from_utf8_lossy(value));
            }
        }
        map.finish()
    }
}

/// The pairs of a metadata block, as bytes.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = split_field(self.rest)?;
        let (value, rest) = split_field(rest)?;
        self.rest = rest;
        Some((key, value))
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("bytes_left", &self.rest.len()).finish()
    }
}

/// The pairs of a metadata block that are UTF-8.
#[derive(Clone, Debug)]
pub struct IterStr<'a>(Iter<'a>);

impl<'a> Iterator for IterStr<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .find_map(|(key, value)| Some((std::str::from_utf8(key).ok()?, std::str::from_utf8(value).ok()?)))
    }
}

/// The value of a key in an encoded metadata block; the last one of equal keys. Allocates nothing.
///
/// Meant for a block that was validated, such as [`Message::metadata_block`](crate::Message::metadata_block). In any
/// other bytes the search ends at the first pair that is not well-formed.
///
/// ```
/// assert_eq!(trunkline_wire::lookup(b"\0\0\0\x01k\0\0\0\x01v", b"k"), Some(&b"v"[..]));
/// ```
#[must_use]
pub fn lookup<'a>(block: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    for (candidate, value) in (Iter { rest: block }) {
        if candidate == key {
            found = Some(value);
        }
    }
    found
}

/// Checks that a block is well-formed pairs to its end.
pub(crate) fn validate(block: &[u8]) -> Result<(), DecodeError> {
    let mut rest = block;
    while !rest.is_empty() {
        rest = skip_field(block, rest, MetadataPart::KeyLength, MetadataPart::Key)?;
        rest = skip_field(block, rest, MetadataPart::ValueLength, MetadataPart::Value)?;
    }
    Ok(())
}

/// Appends an encoded pair. A length over `u32::MAX` is written as that: no such block fits into a frame, and the frame
/// encoder refuses it by its size.
#[inline]
pub(crate) fn push_pair(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    out.reserve(8 + key.len() + value.len());
    for field in [key, value] {
        out.extend_from_slice(&length(field));
        out.extend_from_slice(field);
    }
}

fn length(field: &[u8]) -> [u8; 4] {
    u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// A field and what follows it.
#[inline]
fn split_field(block: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = block.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

fn skip_field<'a>(
    block: &[u8],
    rest: &'a [u8],
    length: MetadataPart,
    part: MetadataPart,
) -> Result<&'a [u8], DecodeError> {
    let truncated = |part, rest: &[u8], len| DecodeError::MetadataTruncated {
        part,
        offset: block.len() - rest.len(),
        len,
        left: rest.len(),
    };
    let (len, rest) = rest.split_first_chunk().ok_or_else(|| truncated(length, rest, 4))?;
    let len = u32::from_be_bytes(*len) as usize;
    rest.get(len..).ok_or_else(|| truncated(part, rest, len))
}

fn insert(block: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let mut pairs = Iter { rest: block };
    let Some((_, old)) = pairs.find(|(candidate, _)| *candidate == key) else {
        push_pair(block, key, value);
        return;
    };
    let end = block.len() - pairs.rest.len();
    let start = end - old.len();
    block.splice(start - 4..end, length(value).into_iter().chain(value.iter().copied()));
    remove_from(block, start + value.len(), key);
}

/// Removes every pair with this key that begins at `from` or behind it, in one pass.
fn remove_from(block: &mut Vec<u8>, from: usize, key: &[u8]) {
    let (mut read, mut write) = (from, from);
    while let Some((candidate, value)) = (Iter { rest: &block[read..] }).next() {
        let end = read + 8 + candidate.len() + value.len();
        if candidate != key {
            block.copy_within(read..end, write);
            write += end - read;
        }
        read = end;
    }
    block.truncate(write);
}
