//! Messages to bytes.

use std::fmt;

use crate::error::EncodeError;
use crate::header::Header;
use crate::metadata::push_pair;

/// Writes one frame behind whatever the caller's buffer holds, in one pass; the lengths are filled in at the end.
///
/// Allocates nothing beyond the buffer's own growth. Until [`payload`](Self::payload) or [`detached`](Self::detached)
/// has returned `Ok` the frame does not exist: an encoder that fails or is dropped takes its bytes out of the buffer
/// again, so that no torn frame can get between whole ones.
///
/// ```
/// use trunkline_wire::{FrameEncoder, Header, SerializeType};
///
/// let mut out = Vec::new();
/// let mut frame = FrameEncoder::begin(&mut out, Header::request(SerializeType::RAW), b"Echo", b"Raw");
/// frame.pair(b"k", b"v");
/// frame.payload(b"bytes")?;
/// assert_eq!(out.len(), 16 + 16 + 4 + 3 + 10 + 5);
/// # Ok::<(), trunkline_wire::EncodeError>(())
/// ```
#[must_use = "a frame that is not finished by `payload` or `detached` is taken back"]
pub struct FrameEncoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the frame begins.
    start: usize,
    /// Where the metadata's length field stands.
    metadata: usize,
    finished: bool,
}

impl<'a> FrameEncoder<'a> {
    /// Writes the header, the service path and the service method.
    pub fn begin(out: &'a mut Vec<u8>, header: Header, path: &[u8], method: &[u8]) -> Self {
        let start = out.len();
        out.reserve(EMPTY_FRAME + path.len() + method.len());
        let mut head = [0; PREFIX + 4];
        head[..Header::LEN].copy_from_slice(&header.to_bytes());
        head[PREFIX..].copy_from_slice(&length(path.len()));
        out.extend_from_slice(&head);
        out.extend_from_slice(path);
        out.extend_from_slice(&length(method.len()));
        out.extend_from_slice(method);
        Self::after_names(out, start)
    }

    /// Writes the header and both names, which are encoded already as [`Message::names`](crate::Message::names) has
    /// them. They are not checked again.
    pub fn named(out: &'a mut Vec<u8>, header: Header, names: &[u8]) -> Self {
        let start = out.len();
        out.reserve(EMPTY_FRAME + names.len());
        let mut head = [0; PREFIX];
        head[..Header::LEN].copy_from_slice(&header.to_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(names);
        Self::after_names(out, start)
    }

    #[inline]
    fn after_names(out: &'a mut Vec<u8>, start: usize) -> Self {
        let metadata = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, start, metadata, finished: false }
    }

    /// Appends a metadata pair. Of pairs with equal keys the receiver takes the last.
    #[inline]
    pub fn pair(&mut self, key: &[u8], value: &[u8]) {
        push_pair(self.out, key, value);
    }

    /// Appends pairs that are encoded already, such as [`Metadata::encoded`](crate::Metadata::encoded). They are not
    /// checked again.
    #[inline]
    pub fn block(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// Writes the payload and finishes the frame.
    ///
    /// # Errors
    ///
    /// When the frame is too large for its 32-bit length; the buffer is then as it was before.
    pub fn payload(mut self, payload: &[u8]) -> Result<(), EncodeError> {
        self.finish(payload.len(), payload.len())?;
        self.out.extend_from_slice(payload);
        Ok(())
    }

    /// Lets `write` append the payload where it belongs, and finishes the frame: a payload that is made for this frame
    /// need not be copied into it. Returns where in the buffer the payload begins.
    ///
    /// # Errors
    ///
    /// What `write` returns, or when the frame is too large; the buffer is then as it was before.
    pub fn payload_with<E: From<EncodeError>>(
        mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        write(self.out)?;
        let payload_at = length_at + 4;
        let payload_len = self.out.len().checked_sub(payload_at).expect("`write` only appends");
        self.close(length_at, payload_len)?;
        self.out[length_at..][..4].copy_from_slice(&length(payload_len));
        Ok(payload_at)
    }

    /// Finishes the frame but for the payload's bytes, which the caller sends right behind: a large payload need not
    /// be copied.
    ///
    /// # Errors
    ///
    /// As [`payload`](Self::payload).
    pub fn detached(mut self, payload_len: usize) -> Result<(), EncodeError> {
        self.finish(payload_len, 0)
    }

    fn finish(&mut self, payload_len: usize, room: usize) -> Result<(), EncodeError> {
        self.close(self.out.len(), payload_len)?;
        self.out.reserve(4 + room);
        self.out.extend_from_slice(&length(payload_len));
        Ok(())
    }

    /// Fills in the lengths that precede the payload's, whose field stands at `length_at`.
    fn close(&mut self, length_at: usize, payload_len: usize) -> Result<(), EncodeError> {
        let total = (length_at - self.start - PREFIX + 4) as u64 + payload_len as u64;
        if total > MAX_TOTAL {
            return Err(EncodeError::TooLarge { bytes: total, limit: MAX_TOTAL });
        }
        let metadata_len = length_at - self.metadata - 4;
        self.out[self.metadata..][..4].copy_from_slice(&length(metadata_len));
        self.out[self.start + Header::LEN..][..4].copy_from_slice(&(total as u32).to_be_bytes());
        self.finished = true;
        Ok(())
    }
}

impl Drop for FrameEncoder<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

impl fmt::Debug for FrameEncoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameEncoder")
            .field("start", &self.start)
            .field("written", &(self.out.len() - self.start))
            .finish_non_exhaustive()
    }
}

/// Header and total length: what the total length does not count.
pub(crate) const PREFIX: usize = Header::LEN + 4;
/// The shortest frame: the prefix and four length fields of zero.
pub(crate) const EMPTY_FRAME: usize = PREFIX + 16;
const MAX_TOTAL: u64 = u32::MAX as u64;

/// A length field. Truncates, which is harmless: what does not fit makes the total too large, and that is refused.
fn length(len: usize) -> [u8; 4] {
    (len as u32).to_be_bytes()
}
