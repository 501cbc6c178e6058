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
        match self.layout(buf) {
            Ok(Some(layout)) => Ok(Some(layout.split_off(buf))),
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        }
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

    /// Finds the fields of the frame at the front of `buf`, each length checked as soon as it is there; `None` while
    /// the frame is not whole.
    fn layout(&self, buf: &[u8]) -> Result<Option<Layout>, DecodeError> {
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

        let mut left = total - (EMPTY_FRAME - PREFIX);
        let mut at = 0;
        let mut next = |field| {
            let Some(len) = length_at(body, at) else { return Ok(None) };
            if len > left {
                return Err(DecodeError::FieldOverrun { field, len, left });
            }
            left -= len;
            at += 4 + len;
            Ok(Some(len))
        };
        let Some(path_len) = next(Field::ServicePath)? else { return Ok(None) };
        let Some(method_len) = next(Field::ServiceMethod)? else { return Ok(None) };
        let Some(metadata_len) = next(Field::Metadata)? else { return Ok(None) };
        if metadata_len > self.limits.metadata {
            return Err(DecodeError::MetadataTooLong { len: metadata_len, limit: self.limits.metadata });
        }
        let Some(declared) = length_at(body, at) else { return Ok(None) };
        if declared != left && !self.limits.accept_payload_length_mismatch {
            return Err(DecodeError::PayloadLengthMismatch { declared, present: left });
        }
        if body.len() < total {
            return Ok(None);
        }
        validate(&body[at - metadata_len..at])?;
        Ok(Some(Layout {
            header,
            path_len: path_len as u32,
            method_len: method_len as u32,
            payload_at: PREFIX + at + 4,
            end: PREFIX + total,
        }))
    }

    /// The largest total that is accepted. A 32-bit machine cannot address a frame of 4 GiB.
    #[inline]
    fn max_total(&self) -> usize {
        self.limits.frame.min(usize::MAX - PREFIX)
    }
}

/// Where the fields of a whole frame are. Small, so that the message itself is built only once and in place.
struct Layout {
    header: Header,
    path_len: u32,
    method_len: u32,
    payload_at: usize,
    end: usize,
}

impl Layout {
    #[inline]
    fn split_off(self, buf: &mut BytesMut) -> Message {
        let frame = buf.split_to(self.end).freeze();
        Message::from_parts(self.header, frame, self.path_len, self.method_len, self.payload_at)
    }
}

/// The header's bytes, the total length, and what is there of the body.
#[inline]
fn prefix(buf: &[u8]) -> Option<([u8; Header::LEN], usize, &[u8])> {
    let (header, rest) = buf.split_first_chunk()?;
    let (total, body) = rest.split_first_chunk()?;
    Some((*header, u32::from_be_bytes(*total) as usize, body))
}

/// The length field that begins at `at`, if it is all there.
#[inline]
fn length_at(body: &[u8], at: usize) -> Option<usize> {
    let len = body.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*len) as usize)
}
