//! The rpcx wire format: bytes to messages and back.
//!
//! A connection is a plain sequence of frames in each direction; there is no handshake and no trailer.
//! All integers are big-endian and unsigned.
//!
//! ```text
//!  0        1        2        3        4            12           16
//! +--------+--------+--------+--------+------------+------------+--------------------
//! | magic 8| version| flags  | ser/rsv| seq (u64)  | total (u32)| body (total bytes)
//! +--------+--------+--------+--------+------------+------------+--------------------
//! body = u32 length | service path
//!        u32 length | service method
//!        u32 length | metadata: pairs of (u32 length | key | u32 length | value)
//!        u32 length | payload, compressed if the header says so
//! ```
//!
//! # What is promised
//!
//! - No I/O, no async, no clock: bytes and limits come in, messages and bytes go out. Builds for `wasm32`.
//! - The [`Decoder`] never panics, never allocates ahead of the bytes that arrived, and refuses a frame as soon
//!   as one of its fields' lengths is known to be wrong; the pairs inside the metadata are checked in one pass once
//!   the frame is whole. The [`DecodeError`] names the field and the numbers.
//! - A decoded [`Message`] shares the read buffer's memory; what it does not look at, it does not touch:
//!   version, reserved bits and unknown flags come out as they went in, and re-encoding gives the same bytes.
//! - The [`FrameEncoder`] writes into the caller's buffer in one pass and never truncates a length silently.
//! - Inflating stops at a [limit](Limits::inflated), whatever the compressed bytes claim.
//!
//! What the payload means, and what a peer should do about an error, is for the crates above.
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use trunkline_wire::{Decoder, FrameEncoder, Header, Limits, SerializeType};
//!
//! // A call of Arith.Mul with one metadata pair and a JSON argument.
//! let mut out = Vec::new();
//! let header = Header::request(SerializeType::JSON).with_seq(7);
//! let mut frame = FrameEncoder::begin(&mut out, header, b"Arith", b"Mul");
//! frame.pair(b"__ServerTimeout", b"2000");
//! frame.payload(br#"{"A":10,"B":20}"#)?;
//!
//! // The far end takes the bytes as they come.
//! let mut decoder = Decoder::new(Limits::default());
//! let mut received = BytesMut::from(&out[..20]);
//! assert!(decoder.decode(&mut received)?.is_none());
//! received.extend_from_slice(&out[20..]);
//! let message = decoder.decode(&mut received)?.expect("the whole frame is there");
//!
//! assert_eq!(message.header().seq(), 7);
//! assert_eq!(message.service_path(), b"Arith");
//! assert_eq!(message.service_method(), b"Mul");
//! assert_eq!(message.metadata().get("__ServerTimeout"), Some("2000"));
//! assert_eq!(&message.payload()[..], br#"{"A":10,"B":20}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `gzip` (default): [`Gzip`], compress type 1.

mod compress;
mod decode;
mod encode;
mod error;
#[cfg(feature = "gzip")]
mod gzip;
mod header;
pub mod keys;
mod limits;
mod message;
mod metadata;

pub use compress::{COMPRESS_THRESHOLD, CompressError, Compressor, Compressors, UnsupportedCompressor};
pub use decode::Decoder;
pub use encode::FrameEncoder;
pub use error::{DecodeError, EncodeError, Field, MetadataPart};
#[cfg(feature = "gzip")]
pub use gzip::Gzip;
pub use header::{CompressType, Header, SerializeType, Status};
pub use limits::Limits;
pub use message::Message;
pub use metadata::{Iter, IterStr, Metadata, lookup};
