//! Formats: typed values to payload bytes and back.
//!
//! A format is a type: [`MsgPack`], [`Json`], [`Protobuf`], [`Thrift`], [`Raw`]. That a value can travel in it
//! is a trait bound: `MsgPack: Encode<Args> + Decode<Args>`, so what a service says it speaks is checked by the
//! compiler. A user's own format is one more zero-sized type that implements [`Format`], [`Encode`] and
//! [`Decode`]; its [`Format::TYPE`] is a free id (5 to 15) or that of a format it stands in for.
//!
//! What is promised of every format here: it reads what Go's rpcx wrote and writes what Go's rpcx reads; bytes
//! from the far end never panic it, never make it allocate ahead of what arrived, and never nest it too deep.
//!
//! ```
//! # #[cfg(all(feature = "msgpack", feature = "macros"))] {
//! use trunkline::codec::{Decode, Encode, MsgPack};
//!
//! #[trunkline::message]
//! #[derive(Debug, PartialEq)]
//! struct Args { a: i64, b: i64 }
//!
//! let mut payload = Vec::new();
//! MsgPack::encode(&Args { a: 10, b: 20 }, &mut payload)?;
//! assert_eq!(payload, b"\x82\xa1A\x0a\xa1B\x14");
//! let args: Args = MsgPack::decode(&payload.into())?;
//! assert_eq!(args, Args { a: 10, b: 20 });
//! # }
//! # Ok::<(), trunkline::codec::CodecError>(())
//! ```

use std::any::type_name;
use std::fmt;

use bytes::Bytes;

pub use trunkline_wire::SerializeType;

#[cfg(any(feature = "msgpack", feature = "json"))]
mod byte_probe;
mod error;
#[cfg(any(feature = "msgpack", feature = "json"))]
mod fault;
#[cfg(feature = "json")]
mod json;
mod message;
#[cfg(feature = "msgpack")]
mod msgpack;
mod printable;
#[cfg(feature = "protobuf")]
mod protobuf;
mod raw;
mod set;
#[cfg(any(feature = "msgpack", feature = "json"))]
mod tagged;
#[cfg(feature = "thrift")]
mod thrift;
#[cfg(any(feature = "msgpack", feature = "json"))]
mod unknown;
mod zero;

/// For what `#[trunkline::message]` writes; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use super::message::*;

    /// For `#[derive(trunkline::Thrift)]`.
    #[cfg(feature = "thrift")]
    pub mod thrift {
        pub use crate::codec::thrift::{ThriftField, ThriftValue, in_field, missing, unknown};
        pub use ::thrift::{Result, protocol};
    }
}

pub use error::{CodecError, Direction};
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "msgpack")]
pub use msgpack::MsgPack;
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;
pub use raw::Raw;
pub use set::{CodecSet, DecodeFn, DecodeSet, EncodeSet, FormatSet, ReportingDecodeFn, SetError};
#[cfg(feature = "thrift")]
pub use thrift::Thrift;

/// A payload format. Implemented by zero-sized types.
pub trait Format: Send + Sync + 'static {
    /// The number in the frame's header.
    const TYPE: SerializeType;
    /// The name in errors, logs and metrics.
    const NAME: &'static str;
}

/// A format that a `T` can be written in.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot travel as {Self}: {Self} does not know how to encode it",
    label = "`{T}` cannot be encoded as {Self}",
    note = "MsgPack and Json take any type with `#[trunkline::message]` (or `serde::Serialize`), Protobuf takes `prost::Message`, Thrift takes `#[derive(trunkline::Thrift)]`, Raw takes bytes",
    note = "give the type what {Self} asks for, or take the format out of `codecs(..)`"
)]
pub trait Encode<T: ?Sized>: Format {
    /// Appends `value` to `out`, where others' bytes stand already. After an error `out` may hold part of it.
    ///
    /// # Errors
    /// When the format has no form for this value, such as a number that is not finite in JSON.
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// A format that a `T` can be read from.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot travel as {Self}: {Self} does not know how to decode it",
    label = "`{T}` cannot be decoded from {Self}",
    note = "MsgPack and Json take any type with `#[trunkline::message]` (or `serde::Deserialize`, owning its data), Protobuf takes `prost::Message`, Thrift takes `#[derive(trunkline::Thrift)]`, Raw takes `Bytes` and `Vec<u8>`",
    note = "give the type what {Self} asks for, or take the format out of `codecs(..)`"
)]
pub trait Decode<T>: Format {
    /// Reads a value from a whole payload.
    ///
    /// # Errors
    /// When the bytes are not this format's, or do not fit the type.
    fn decode(payload: &Bytes) -> Result<T, CodecError>;

    /// Decodes, and adds to `unknown` the paths of fields that the payload has and `T` has not, such as
    /// `Items[3].Colour`, where the format can tell. Slower than [`decode`](Self::decode); meant for a method's
    /// first calls, to find a misspelt field.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_reporting_unknown(payload: &Bytes, unknown: &mut Vec<String>) -> Result<T, CodecError> {
        let _ = unknown;
        Self::decode(payload)
    }
}

/// What a client call carries: one format's way of encoding an `A` and decoding an `R`.
///
/// ```
/// # #[cfg(feature = "msgpack")] {
/// # use trunkline::codec::{Codec, MsgPack};
/// const CODEC: Codec<str, u32> = Codec::of::<MsgPack>();
/// let mut payload = Vec::new();
/// CODEC.encode("seven", &mut payload)?;
/// assert_eq!(CODEC.decode(&vec![7].into())?, 7);
/// # }
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
pub struct Codec<A: ?Sized, R> {
    /// One pointer for both: a codec lies in every call under way.
    format: &'static (SerializeType, &'static str),
    encode: fn(&A, &mut Vec<u8>) -> Result<(), CodecError>,
    decode: fn(&Bytes) -> Result<R, CodecError>,
}

impl<A: ?Sized, R> Codec<A, R> {
    /// The functions of the format `F`.
    pub const fn of<F: Encode<A> + Decode<R>>() -> Self {
        Self { format: const { &(F::TYPE, F::NAME) }, encode: F::encode, decode: F::decode }
    }

    /// The same functions, asked for one by one: where one is missing, the compiler points at the type that lacks it.
    #[doc(hidden)]
    pub const fn of_both<E: Encode<A>, D: Decode<R>>() -> Self {
        Self { format: const { &(E::TYPE, E::NAME) }, encode: E::encode, decode: D::decode }
    }

    /// The functions of a call whose two directions are not of one format's making.
    pub(crate) const fn from_parts(
        format: &'static (SerializeType, &'static str),
        encode: fn(&A, &mut Vec<u8>) -> Result<(), CodecError>,
        decode: fn(&Bytes) -> Result<R, CodecError>,
    ) -> Self {
        Self { format, encode, decode }
    }

    /// The number in the frame's header.
    pub const fn serialize_type(&self) -> SerializeType {
        self.format.0
    }

    /// The format's name.
    pub const fn name(&self) -> &'static str {
        self.format.1
    }

    /// Appends `args` to `out`.
    ///
    /// # Errors
    /// As [`Encode::encode`].
    pub fn encode(&self, args: &A, out: &mut Vec<u8>) -> Result<(), CodecError> {
        (self.encode)(args, out)
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    pub fn decode(&self, payload: &Bytes) -> Result<R, CodecError> {
        (self.decode)(payload)
    }
}

impl<A: ?Sized, R> Clone for Codec<A, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: ?Sized, R> Copy for Codec<A, R> {}

impl<A: ?Sized, R> fmt::Debug for Codec<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec<{} -> {}>({})", type_name::<A>(), type_name::<R>(), self.name())
    }
}
