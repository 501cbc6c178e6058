//! The first twelve bytes of a frame.

use std::fmt;

use crate::DecodeError;

/// The first twelve bytes of a frame, without the magic byte.
///
/// Kept as they are on the wire: version, reserved bits and unused status values come out as they went in.
///
/// ```
/// use trunkline_wire::{Header, SerializeType, Status};
///
/// let request = Header::request(SerializeType::MSGPACK).with_seq(3);
/// let response = request.response_to().with_status(Status::Error);
/// assert!(response.is_response());
/// assert_eq!(response.seq(), request.seq());
/// assert_eq!(response.to_bytes(), [8, 0, 0x81, 0x30, 0, 0, 0, 0, 0, 0, 0, 3]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    version: u8,
    flags: u8,
    codec: u8,
    /// Native-endian; bytes rather than a `u64` so that a header takes eleven bytes and needs no alignment.
    seq: [u8; 8],
}

impl Header {
    /// The length of an encoded header.
    pub const LEN: usize = 12;
    /// Where in the header the sequence number stands, for a frame that is encoded before its number is known.
    pub const SEQ: std::ops::Range<usize> = 4..12;
    /// The first byte of every frame.
    pub const MAGIC: u8 = 8;

    const fn plain(flags: u8, serialize: SerializeType) -> Self {
        Self { version: 0, flags, codec: serialize.0 << 4, seq: [0; 8] }
    }

    /// A request, with sequence number 0.
    #[must_use]
    pub const fn request(serialize: SerializeType) -> Self {
        Self::plain(0, serialize)
    }

    /// A heartbeat request. Go always sends these as MessagePack; its payload may be anything.
    #[must_use]
    pub const fn heartbeat() -> Self {
        Self::plain(HEARTBEAT, SerializeType::MSGPACK)
    }

    /// A message that a server sends unasked: raw bytes, not to be answered.
    #[must_use]
    pub const fn push() -> Self {
        Self::plain(ONEWAY, SerializeType::RAW)
    }

    /// The header of the response to this request: a copy without compression and status, marked as a response.
    ///
    /// Version, reserved bits, serialize type, sequence number, oneway and heartbeat bits are carried over.
    #[must_use]
    pub const fn response_to(self) -> Self {
        Self { flags: (self.flags & !(COMPRESS | STATUS)) | RESPONSE, ..self }
    }

    /// The header of a heartbeat's echo: the same, marked as a response. The payload is sent back as it came, so the
    /// compress type stays.
    #[must_use]
    pub const fn echo(self) -> Self {
        Self { flags: self.flags | RESPONSE, ..self }
    }

    /// Whether this is a response rather than a request.
    #[inline]
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.flags & RESPONSE != 0
    }

    /// Whether this is a heartbeat, or the echo of one.
    #[inline]
    #[must_use]
    pub const fn is_heartbeat(self) -> bool {
        self.flags & HEARTBEAT != 0
    }

    /// Whether no response is wanted. Means nothing in a heartbeat.
    #[inline]
    #[must_use]
    pub const fn is_oneway(self) -> bool {
        self.flags & ONEWAY != 0
    }

    /// Whether a client that receives this takes it for a server's push: a request, not a heartbeat, oneway.
    /// On its way to a server the same header is a oneway call.
    #[inline]
    #[must_use]
    pub const fn is_push(self) -> bool {
        self.flags & (RESPONSE | HEARTBEAT | ONEWAY) == ONEWAY
    }

    /// How the payload is compressed.
    #[inline]
    #[must_use]
    pub const fn compress(self) -> CompressType {
        CompressType((self.flags & COMPRESS) >> COMPRESS_SHIFT)
    }

    /// The status; means something in responses only.
    #[inline]
    #[must_use]
    pub const fn status(self) -> Status {
        match self.flags & STATUS {
            0 => Status::Normal,
            1 => Status::Error,
            other => Status::Reserved(other),
        }
    }

    /// The payload's codec.
    #[inline]
    #[must_use]
    pub const fn serialize(self) -> SerializeType {
        SerializeType(self.codec >> 4)
    }

    /// What ties a response to its request, on one connection.
    #[inline]
    #[must_use]
    pub const fn seq(self) -> u64 {
        u64::from_ne_bytes(self.seq)
    }

    /// The version byte: 0, and nobody checks it.
    #[inline]
    #[must_use]
    pub const fn version(self) -> u8 {
        self.version
    }

    /// The four bits beside the serialize type: 0, and nobody checks them.
    #[inline]
    #[must_use]
    pub const fn reserved(self) -> u8 {
        self.codec & 0x0f
    }

    /// The same header with this sequence number.
    #[inline]
    #[must_use]
    pub const fn with_seq(self, seq: u64) -> Self {
        Self { seq: seq.to_ne_bytes(), ..self }
    }

    /// The same header with the oneway bit set or cleared.
    #[inline]
    #[must_use]
    pub const fn with_oneway(self, oneway: bool) -> Self {
        Self { flags: (self.flags & !ONEWAY) | if oneway { ONEWAY } else { 0 }, ..self }
    }

    /// The same header with this compress type. Says how the payload *is* compressed; compresses nothing.
    #[inline]
    #[must_use]
    pub const fn with_compress(self, compress: CompressType) -> Self {
        Self { flags: (self.flags & !COMPRESS) | (compress.0 << COMPRESS_SHIFT), ..self }
    }

    /// The same header with this serialize type.
    #[inline]
    #[must_use]
    pub const fn with_serialize(self, serialize: SerializeType) -> Self {
        Self { codec: (self.codec & 0x0f) | (serialize.0 << 4), ..self }
    }

    /// The same header with this status. Of a reserved status the lower two bits are taken.
    #[inline]
    #[must_use]
    pub const fn with_status(self, status: Status) -> Self {
        let bits = match status {
            Status::Normal => 0,
            Status::Error => 1,
            Status::Reserved(bits) => bits & STATUS,
        };
        Self { flags: (self.flags & !STATUS) | bits, ..self }
    }

    /// The header's bytes.
    #[inline]
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.seq().to_be_bytes();
        [Self::MAGIC, self.version, self.flags, self.codec, s0, s1, s2, s3, s4, s5, s6, s7]
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// When the first byte is not [`Header::MAGIC`]; everything else is accepted.
    #[inline]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Result<Self, DecodeError> {
        let [magic, version, flags, codec, s0, s1, s2, s3, s4, s5, s6, s7] = bytes;
        if magic != Self::MAGIC {
            return Err(DecodeError::BadMagic { found: magic });
        }
        let seq = u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        Ok(Self { version, flags, codec, seq: seq.to_ne_bytes() })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("version", &self.version)
            .field("response", &self.is_response())
            .field("heartbeat", &self.is_heartbeat())
            .field("oneway", &self.is_oneway())
            .field("compress", &self.compress())
            .field("status", &self.status())
            .field("serialize", &self.serialize())
            .field("reserved", &self.reserved())
            .field("seq", &self.seq())
            .finish()
    }
}

/// The codec of a payload, 0 to 15.
///
/// ```
/// use trunkline_wire::SerializeType;
///
/// assert_eq!(SerializeType::MSGPACK.to_string(), "msgpack");
/// assert_eq!(SerializeType::new(7).unwrap().to_string(), "codec 7");
/// assert!(SerializeType::new(16).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SerializeType(u8);

impl SerializeType {
    /// Raw bytes.
    pub const RAW: Self = Self(0);
    /// JSON.
    pub const JSON: Self = Self(1);
    /// Protocol buffers.
    pub const PROTOBUF: Self = Self(2);
    /// MessagePack, what clients use unless told otherwise.
    pub const MSGPACK: Self = Self(3);
    /// Thrift structs in the binary protocol.
    pub const THRIFT: Self = Self(4);

    /// The codec with this number, if it fits into the header's four bits. 5 to 15 are free for users' codecs.
    #[inline]
    #[must_use]
    pub const fn new(id: u8) -> Option<Self> {
        if id < 16 { Some(Self(id)) } else { None }
    }

    /// The number on the wire.
    #[inline]
    #[must_use]
    pub const fn id(self) -> u8 {
        self.0
    }
}

impl fmt::Display for SerializeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RAW => f.write_str("raw"),
            Self::JSON => f.write_str("json"),
            Self::PROTOBUF => f.write_str("protobuf"),
            Self::MSGPACK => f.write_str("msgpack"),
            Self::THRIFT => f.write_str("thrift"),
            Self(id) => write!(f, "codec {id}"),
        }
    }
}

impl fmt::Debug for SerializeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The compressor of a payload, 0 to 7.
///
/// ```
/// use trunkline_wire::CompressType;
///
/// assert_eq!(CompressType::GZIP.to_string(), "gzip");
/// assert_eq!(CompressType::new(3).unwrap().to_string(), "compressor 3");
/// assert!(CompressType::new(8).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompressType(u8);

impl CompressType {
    /// Not compressed.
    pub const NONE: Self = Self(0);
    /// Gzip, RFC 1952.
    pub const GZIP: Self = Self(1);

    /// The compressor with this number, if it fits into the header's three bits. 2 to 7 are free for users'
    /// compressors.
    #[inline]
    #[must_use]
    pub const fn new(id: u8) -> Option<Self> {
        if id < 8 { Some(Self(id)) } else { None }
    }

    /// The number on the wire.
    #[inline]
    #[must_use]
    pub const fn id(self) -> u8 {
        self.0
    }
}

impl fmt::Display for CompressType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("none"),
            Self::GZIP => f.write_str("gzip"),
            Self(id) => write!(f, "compressor {id}"),
        }
    }
}

impl fmt::Debug for CompressType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a response is a reply or an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// A reply.
    Normal,
    /// An error: its text is in the metadata under [`keys::ERROR`](crate::keys::ERROR).
    Error,
    /// 2 or 3, which nobody sends.
    Reserved(u8),
}

const RESPONSE: u8 = 0b1000_0000;
const HEARTBEAT: u8 = 0b0100_0000;
const ONEWAY: u8 = 0b0010_0000;
const COMPRESS: u8 = 0b0001_1100;
const COMPRESS_SHIFT: u32 = 2;
const STATUS: u8 = 0b0000_0011;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_survives_decoding_and_encoding() {
        for flags in 0..=u8::MAX {
            for codec in 0..=u8::MAX {
                let bytes = [8, 5, flags, codec, 1, 2, 3, 4, 5, 6, 7, 8];
                let header = Header::from_bytes(bytes).unwrap();
                assert_eq!(header.to_bytes(), bytes);
                assert_eq!(header.seq(), 0x0102_0304_0506_0708);
                assert_eq!(header.version(), 5);
            }
        }
    }

    #[test]
    fn each_setter_changes_its_own_bits_only() {
        for flags in 0..=u8::MAX {
            let header = Header::from_bytes([8, 5, flags, 0x3f, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
            for id in 0..8 {
                let set = header.with_compress(CompressType(id));
                assert_eq!(set.compress().id(), id);
                assert_eq!(set.with_compress(header.compress()), header);
            }
            for bits in 0..4 {
                let set = header.with_status(Status::Reserved(bits));
                assert_eq!(set.to_bytes()[2] & 3, bits);
                assert_eq!(set.with_status(header.status()), header);
            }
            for id in 0..16 {
                let set = header.with_serialize(SerializeType(id));
                assert_eq!((set.serialize().id(), set.reserved()), (id, 15));
                assert_eq!(set.with_serialize(header.serialize()), header);
            }
            assert!(header.with_oneway(true).is_oneway());
            assert_eq!(header.with_oneway(false).with_oneway(header.is_oneway()), header);
            assert_eq!(header.with_seq(u64::MAX).with_seq(1), header);
        }
    }

    #[test]
    fn a_response_clears_compression_and_status_and_keeps_the_rest() {
        for flags in 0..=u8::MAX {
            let request = Header::from_bytes([8, 5, flags, 0x3f, 9, 0, 0, 0, 0, 0, 0, 1]).unwrap();
            let response = request.response_to();
            assert!(response.is_response());
            assert_eq!(response.compress(), CompressType::NONE);
            assert_eq!(response.status(), Status::Normal);
            assert_eq!(response.to_bytes()[2] & 0x60, flags & 0x60);
            assert_eq!(response.to_bytes()[3..], request.to_bytes()[3..]);
            assert_eq!(response.version(), 5);
            assert_eq!(request.echo().to_bytes()[2], flags | 0x80);
        }
    }

    #[test]
    fn a_push_is_a_oneway_request_that_is_no_heartbeat() {
        assert!(Header::push().is_push());
        assert_eq!(Header::push().serialize(), SerializeType::RAW);
        for flags in 0..=u8::MAX {
            let header = Header::from_bytes([8, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
            let expected = !header.is_response() && !header.is_heartbeat() && header.is_oneway();
            assert_eq!(header.is_push(), expected);
        }
    }

    #[test]
    fn stays_small() {
        assert_eq!(size_of::<Header>(), 11);
    }
}
