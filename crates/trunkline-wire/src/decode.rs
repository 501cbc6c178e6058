//! Bytes to messages.

use bytes::BytesMut;

use crate::encode::{EMPTY_FRAME, PREFIX};
use crate::error::{DecodeError, Field};
use crate::header::Header;
use crate::limits::Limits;
use crate::message::Message;
use crate::metadata::validate;

/// Splits frames off a stream of bytes, within [`Limits`].
///
/// Knows nothing of where the bytes come from: the caller reads into a [`BytesMut`] and asks again. Never panics and
/// never reserves memory; how much a frame *claims* to need is told by [`missing`](Self::missing).
///
/// ```
/// use bytes::BytesMut;
/// use trunkline_wire::{DecodeError, Decoder, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
/// let mut received = BytesMut::from(&b"GET / HTTP/1.1\r\n"[..]);
/// let error = decoder.decode(&mut received).unwrap_err();
/// assert_eq!(error, DecodeError::BadMagic { found: b'G' });
/// assert_eq!(decoder.decode(&mut received).unwrap_err(), DecodeError::Failed);
/// ```
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    failed: bool,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, failed: false }
    }

    /// Takes the next frame off the front of `buf`; `None` when it is not all there yet.
    ///
    /// # Errors
    ///
    /// As soon as the bytes that are there cannot become an acceptable frame. Where the next frame begins is then not
    /// known: every later call fails as well, and the connection should be closed.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Message>, DecodeError> {
        if self.failed {
            return Err(DecodeError::Failed);
        }
        let result = self.split_frame(buf);
        self.failed = result.is_err();
        result
    }

    /// How many bytes must at least be added to `buf` before [`decode`](Self::decode) can return a frame; at least 1.
    ///
    /// A hint for how much to read. It is within the frame limit but still only the peer's word: do not reserve all of
    /// it before anything came.
    #[must_use]
    pub fn missing(&self, buf: &BytesMut) -> usize {
        let frame = match prefix(buf) {
            Some((_, total, _)) if total <= self.max_total() => PREFIX + total,
            _ => EMPTY_FRAME,
        };
        frame.saturating_sub(buf.len()).max(1)
    }

    fn split_frame(&self, buf: &mut BytesMut) -> Result<Option<Message>, DecodeError> {
        let Some((header, total, body)) = prefix(buf) else {
            // One byte is enough to know a stranger.
            return match buf.first() {
                Some(&found) if found != Header::MAGIC => Err(DecodeError::BadMagic { found }),
                _ => Ok(None),
            };
        };
        let header = Header::from_bytes(header)?;
        if total < EMPTY_FRAME - PREFIX {
            return Err(DecodeError::FrameTooShort { total });
        }
        if total > self.max_total() {
            return Err(DecodeError::FrameTooLong { total, limit: self.limits.frame });
        }
        let Some(lengths) = self.lengths(body, total)? else { return Ok(None) };
        let Some(body) = body.get(..total) else { return Ok(None) };
        let metadata_at = lengths.path + lengths.method + 12;
        validate(&body[metadata_at..][..lengths.metadata])?;

        let mut head = buf.split_to(PREFIX + total).freeze();
        let payload = head.split_off(PREFIX + metadata_at + lengths.metadata + 4);
        Ok(Some(Message::from_parts(header, head, lengths.path as u32, lengths.method as u32, payload)))
    }

    /// Reads the body's length fields, each checked as soon as it is there; `None` while one is missing.
    #[inline]
    fn lengths(&self, body: &[u8], total: usize) -> Result<Option<Lengths>, DecodeError> {
        let mut left = total - (EMPTY_FRAME - PREFIX);
        let mut at = 0;
        let mut next = |field| {
            let Some(len) = body.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
            let len = u32::from_be_bytes(*len) as usize;
            if len > left {
                return Err(DecodeError::FieldOverrun { field, len, left });
            }
            left -= len;
            at += 4 + len;
            Ok(Some(len))
        };
        let Some(path) = next(Field::ServicePath)? else { return Ok(None) };
        let Some(method) = next(Field::ServiceMethod)? else { return Ok(None) };
        let Some(metadata) = next(Field::Metadata)? else { return Ok(None) };
        if metadata > self.limits.metadata {
            return Err(DecodeError::MetadataTooLong { len: metadata, limit: self.limits.metadata });
        }
        let Some(declared) = body.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        let declared = u32::from_be_bytes(*declared) as usize;
        if declared != left && !self.limits.accept_payload_length_mismatch {
            return Err(DecodeError::PayloadLengthMismatch { declared, present: left });
        }
        Ok(Some(Lengths { path, method, metadata }))
    }

    /// The largest total that is accepted. A 32-bit machine cannot address a frame of 4 GiB.
    #[inline]
    fn max_total(&self) -> usize {
        self.limits.frame.min(usize::MAX - PREFIX)
    }
}

/// The checked lengths of a body's fields; the payload is what remains.
struct Lengths {
    path: usize,
    method: usize,
    metadata: usize,
}

/// The header's bytes, the total length, and what is there of the body.
#[inline]
fn prefix(buf: &[u8]) -> Option<([u8; Header::LEN], usize, &[u8])> {
    let (header, rest) = buf.split_first_chunk()?;
    let (total, body) = rest.split_first_chunk()?;
    Some((*header, u32::from_be_bytes(*total) as usize, body))
}
