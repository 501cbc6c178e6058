//! Why bytes are not a frame, and why a message does not fit into one.

use std::fmt;

/// Why the bytes are not an acceptable frame. The stream is out of step afterwards: close the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The first byte of a frame is not rpcx's.
    BadMagic {
        /// The byte that was there.
        found: u8,
    },
    /// The total length leaves no room for the four length fields of the body.
    FrameTooShort {
        /// The total length field.
        total: usize,
    },
    /// The total length is over the limit.
    FrameTooLong {
        /// The total length field.
        total: usize,
        /// [`Limits::frame`](crate::Limits::frame).
        limit: usize,
    },
    /// A field is longer than the body that holds it.
    FieldOverrun {
        /// Which field.
        field: Field,
        /// Its length field.
        len: usize,
        /// The bytes the body has left for it.
        left: usize,
    },
    /// The metadata block is over the limit.
    MetadataTooLong {
        /// Its length field.
        len: usize,
        /// [`Limits::metadata`](crate::Limits::metadata).
        limit: usize,
    },
    /// A pair does not fit into the metadata block.
    MetadataTruncated {
        /// What part of the pair is cut off.
        part: MetadataPart,
        /// Where in the block that part begins.
        offset: usize,
        /// How long it should be.
        len: usize,
        /// The bytes the block has left for it.
        left: usize,
    },
    /// The payload's length field disagrees with the frame's length.
    PayloadLengthMismatch {
        /// The payload's length field.
        declared: usize,
        /// The bytes left in the body.
        present: usize,
    },
    /// The decoder refused a frame before; where the next one begins is not known.
    Failed,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic { found } => {
                write!(f, "not an rpcx frame: first byte is {found:#04x}, expected 0x08")?;
                // The types of TLS records, RFC 8446 section 5.1.
                if matches!(found, 0x14..=0x17) {
                    f.write_str("; it looks like TLS, which the far end speaks and this end does not")?;
                }
                Ok(())
            }
            Self::FrameTooShort { total } => {
                write!(
                    f,
                    "frame total length is {total} bytes, expected at least 16 for its four length fields"
                )
            }
            Self::FrameTooLong { total, limit } => {
                write!(f, "frame total length is {total} bytes, the limit is {limit}")
            }
            Self::FieldOverrun { field, len, left } => {
                write!(f, "{field} length is {len} bytes, but the frame has {left} left for it")
            }
            Self::MetadataTooLong { len, limit } => {
                write!(f, "metadata length is {len} bytes, the limit is {limit}")
            }
            Self::MetadataTruncated { part, offset, len, left } => {
                write!(
                    f,
                    "metadata {part} at offset {offset} takes {len} bytes, but the block has {left} left for it"
                )
            }
            Self::PayloadLengthMismatch { declared, present } => {
                write!(f, "payload length is {declared} bytes, but the frame holds {present}")
            }
            Self::Failed => f.write_str("the stream is out of step: a frame before this one was refused"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A field of the frame's body that has a length of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The service path.
    ServicePath,
    /// The service method.
    ServiceMethod,
    /// The metadata block.
    Metadata,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServicePath => "service path",
            Self::ServiceMethod => "service method",
            Self::Metadata => "metadata",
        })
    }
}

/// A part of a metadata pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataPart {
    /// The four bytes of the key's length.
    KeyLength,
    /// The key.
    Key,
    /// The four bytes of the value's length.
    ValueLength,
    /// The value.
    Value,
}

impl fmt::Display for MetadataPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyLength => "key length",
            Self::Key => "key",
            Self::ValueLength => "value length",
            Self::Value => "value",
        })
    }
}

/// Why a message does not fit into a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The total length does not fit into its 32-bit field.
    TooLarge {
        /// The total length the frame would have.
        bytes: u64,
        /// The largest total length there is.
        limit: u64,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => {
                write!(f, "message is too large: {bytes} bytes, a frame holds {limit} at most")
            }
        }
    }
}

impl std::error::Error for EncodeError {}
