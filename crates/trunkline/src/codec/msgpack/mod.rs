//! MessagePack, as Go's vmihailenco/msgpack writes and reads it without options.
//!
//! Written: structs as maps with their fields' names in declaration order; integers in their smallest form, the
//! non-negative ones unsigned; bytes, and any sequence whose elements are `u8`, as bin; times as extension -1.
//!
//! Read: any form of integer into any type it fits; integers and smaller floats into floats; str for bin and bin
//! for str; nil for the zero value of anything; a struct also as an array with exactly as many elements as it
//! has fields. Fields a type does not have are skipped, and what follows the value is ignored.

mod access;
mod de;
mod marker;
mod read;
mod ser;
mod write;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use super::unknown::Unknown;
use super::{CodecError, Decode, Direction, Encode, Format, SerializeType};

/// Serialize type 3: MessagePack, the default of Go clients.
///
/// ```
/// # use trunkline::codec::{Decode, Encode, MsgPack};
/// let mut payload = Vec::new();
/// MsgPack::encode(&vec![1_u8, 2, 3], &mut payload)?;
/// assert_eq!(payload, b"\xc4\x03\x01\x02\x03");
///
/// let error = <MsgPack as Decode<i8>>::decode(&b"\xcd\x01\x2c"[..].into()).unwrap_err();
/// assert_eq!(error.to_string(), "msgpack: cannot decode i8: 300 does not fit in i8");
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgPack;

impl Format for MsgPack {
    const TYPE: SerializeType = SerializeType::MSGPACK;
    const NAME: &'static str = "msgpack";
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Encode<T> for MsgPack {
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        ser::to_vec(value, out)
            .map_err(|fault| CodecError::from_fault::<T>(Self::NAME, Direction::Encode, &fault))
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode<T> for MsgPack {
    fn decode(payload: &Bytes) -> Result<T, CodecError> {
        decode(payload, None)
    }

    fn decode_reporting_unknown(payload: &Bytes, unknown: &mut Vec<String>) -> Result<T, CodecError> {
        decode(payload, Some(Unknown::into(unknown)))
    }
}

fn decode<T: DeserializeOwned>(payload: &[u8], unknown: Option<Unknown<'_>>) -> Result<T, CodecError> {
    let mut de = de::Deserializer::new(payload, unknown);
    let result = if de.is_empty() { Err(Fault::new("EOF")) } else { T::deserialize(&mut de) };
    result.map_err(|fault| CodecError::from_fault::<T>(MsgPack::NAME, Direction::Decode, &fault))
}
