//! A decoded frame.

use std::fmt;

use bytes::{Buf, Bytes};

use crate::encode::{EMPTY_FRAME, FrameEncoder, PREFIX};
use crate::error::EncodeError;
use crate::header::Header;
use crate::metadata::Metadata;

/// A decoded frame, sharing the memory it was read into.
///
/// `Debug` shows everything but the payload, and no [secret](crate::keys::is_secret) metadata.
///
/// ```
/// use trunkline_wire::{Header, Message, Metadata, SerializeType};
///
/// let header = Header::request(SerializeType::RAW);
/// let message = Message::new(header, "Echo", "Raw", &Metadata::new(), "bytes".into())?;
/// assert_eq!(message.service_method(), b"Raw");
///
/// let mut out = Vec::new();
/// message.encode(&mut out);
/// assert_eq!(out.len(), message.wire_len());
/// # Ok::<(), trunkline_wire::EncodeError>(())
/// ```
#[derive(Clone)]
pub struct Message {
    /// The whole frame behind one reference count. The header in it is as received; `header` counts.
    frame: Bytes,
    payload_at: usize,
    path_len: u32,
    method_len: u32,
    header: Header,
}

impl Message {
    /// A message with these fields. The payload goes in as given: the header says how it is encoded and compressed.
    ///
    /// # Errors
    ///
    /// When the frame is too large for its 32-bit length.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers have a payload of their own; a frame is one piece of memory"
    )]
    pub fn new(
        header: Header,
        path: &str,
        method: &str,
        metadata: &Metadata,
        payload: Bytes,
    ) -> Result<Self, EncodeError> {
        let mut out = Vec::with_capacity(
            EMPTY_FRAME + path.len() + method.len() + metadata.encoded_len() + payload.len(),
        );
        let mut frame = FrameEncoder::begin(&mut out, header, path.as_bytes(), method.as_bytes());
        frame.block(metadata.encoded());
        frame.payload(&payload)?;
        let payload_at = out.len() - payload.len();
        Ok(Self::from_parts(header, out.into(), path.len() as u32, method.len() as u32, payload_at))
    }

    /// `frame` is a whole frame whose lengths have been checked.
    #[inline]
    pub(crate) const fn from_parts(
        header: Header,
        frame: Bytes,
        path_len: u32,
        method_len: u32,
        payload_at: usize,
    ) -> Self {
        Self { frame, payload_at, path_len, method_len, header }
    }

    /// The header.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The service path, as on the wire: not necessarily UTF-8.
    #[inline]
    #[must_use]
    pub fn service_path(&self) -> &[u8] {
        &self.frame[PATH..][..self.path_len as usize]
    }

    /// The service method, as on the wire: not necessarily UTF-8.
    #[inline]
    #[must_use]
    pub fn service_method(&self) -> &[u8] {
        &self.frame[PATH + self.path_len as usize + 4..][..self.method_len as usize]
    }

    /// Service path and method as they stand in the frame, each behind its length: both at once, to be compared or to
    /// begin an answer [with](FrameEncoder::named).
    #[inline]
    #[must_use]
    pub fn names(&self) -> &[u8] {
        &self.frame[PREFIX..self.metadata_at() - 4]
    }

    /// The metadata block, for [`lookup`](crate::lookup). It was validated: well-formed pairs to its end.
    #[inline]
    #[must_use]
    pub fn metadata_block(&self) -> &[u8] {
        &self.frame[self.metadata_at()..self.payload_at - 4]
    }

    /// The metadata, sharing the frame's memory.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        if self.metadata_block().is_empty() {
            return Metadata::new();
        }
        Metadata::from_validated(self.frame.slice(self.metadata_at()..self.payload_at - 4))
    }

    /// Makes `metadata` the message's, in the memory it has: for who handles one message after the other.
    #[inline]
    pub fn copy_metadata(&self, metadata: &mut Metadata) {
        metadata.copy_validated(self.metadata_block());
    }

    /// The payload as on the wire: compressed, if the header says so.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.frame[self.payload_at..]
    }

    /// The payload as on the wire, without touching its reference count.
    #[inline]
    #[must_use]
    pub fn into_payload(mut self) -> Bytes {
        self.frame.advance(self.payload_at);
        self.frame
    }

    /// The same message in memory of its own: it keeps nothing of what it arrived with.
    #[must_use]
    pub fn compact(self) -> Self {
        Self { frame: Bytes::copy_from_slice(&self.frame), ..self }
    }

    /// The metadata and the payload. Where there is no metadata, no reference count is touched.
    #[inline]
    #[must_use]
    pub fn into_parts(self) -> (Metadata, Bytes) {
        let metadata = self.metadata();
        (metadata, self.into_payload())
    }

    /// The length of the whole frame on the wire.
    #[inline]
    #[must_use]
    pub const fn wire_len(&self) -> usize {
        self.frame.len()
    }

    /// The same message under another header.
    #[must_use]
    pub fn with_header(self, header: Header) -> Self {
        Self { header, ..self }
    }

    /// Appends the frame to a buffer: the bytes it was decoded from, unless its header was replaced.
    ///
    /// A payload length that was wrong and [accepted](crate::Limits::accept_payload_length_mismatch) is put right.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.wire_len());
        out.extend_from_slice(&self.header.to_bytes());
        out.extend_from_slice(&self.frame[Header::LEN..self.payload_at - 4]);
        out.extend_from_slice(&(self.payload().len() as u32).to_be_bytes());
        out.extend_from_slice(self.payload());
    }

    #[inline]
    const fn metadata_at(&self) -> usize {
        PATH + self.path_len as usize + 4 + self.method_len as usize + 4
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("header", &self.header)
            .field("service_path", &String::from_utf8_lossy(self.service_path()))
            .field("service_method", &String::from_utf8_lossy(self.service_method()))
            .field("metadata", &self.metadata())
            .field("payload_len", &self.payload().len())
            .finish()
    }
}

/// Where the service path begins, behind its length field.
const PATH: usize = PREFIX + 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_the_accessors_show() {
        for metadata in [Metadata::new(), Metadata::from_iter([("k", "v"), ("", "x")])] {
            let header = Header::request(crate::SerializeType::RAW);
            let message = Message::new(header, "Svc", "Do", &metadata, Bytes::from_static(b"body")).unwrap();
            let (shown, payload) = (message.metadata(), message.payload().to_vec());
            let (taken, body) = message.into_parts();
            assert_eq!(taken.encoded(), shown.encoded());
            assert_eq!(&body[..], &payload[..]);
        }
    }

    #[test]
    fn a_frame_begun_with_anothers_names_has_them() {
        let header = Header::request(crate::SerializeType::RAW);
        let message =
            Message::new(header, "Svc", "Do", &Metadata::new(), Bytes::from_static(b"body")).unwrap();
        let (mut named, mut begun) = (vec![1], vec![1]);
        FrameEncoder::named(&mut named, header, message.names()).payload(b"x").unwrap();
        FrameEncoder::begin(&mut begun, header, b"Svc", b"Do").payload(b"x").unwrap();
        assert_eq!(named, begun);
    }

    #[test]
    fn metadata_is_copied_into_what_is_there() {
        let header = Header::request(crate::SerializeType::RAW);
        let mut copy = Metadata::from_iter([("of", "another call"), ("and", "longer")]);
        for pairs in [&[("k", "v")][..], &[], &[("k", "v"), ("l", "w")]] {
            let metadata = pairs.iter().copied().collect();
            let message = Message::new(header, "Svc", "Do", &metadata, Bytes::new()).unwrap();
            message.copy_metadata(&mut copy);
            assert_eq!(copy.encoded(), metadata.encoded());
        }
    }

    #[test]
    fn stays_small() {
        assert!(size_of::<Message>() <= 64, "{}", size_of::<Message>());
        assert!(size_of::<Metadata>() <= 32, "{}", size_of::<Metadata>());
    }
}
