//! JSON, with the conventions of Go's encoding/json.
//!
//! Written: compact; `<`, `>`, `&` escaped; a byte slice as base64 and a byte array as numbers; floats in their
//! shortest form. The keys of a map stand in the map's own order: take a `BTreeMap` for Go's sorted ones.
//!
//! Read: null for the zero value of anything; field names that differ in case only, where none matches exactly;
//! the first value of the payload, whatever follows it. Fields a type does not have are skipped.

mod access;
mod base64;
mod de;
mod key;
mod member;
mod read;
mod ser;
mod write;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use super::unknown::Unknown;
use super::{CodecError, Decode, Direction, Encode, Format, SerializeType};

/// Serialize type 1: JSON.
///
/// ```
/// # use trunkline::codec::{Decode, Encode, Json};
/// let mut payload = Vec::new();
/// Json::encode("a < b", &mut payload)?;
/// assert_eq!(payload, br#""a \u003c b""#);
///
/// let none: Vec<String> = Json::decode(&"null".into())?;
/// assert!(none.is_empty());
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Format for Json {
    const TYPE: SerializeType = SerializeType::JSON;
    const NAME: &'static str = "json";
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Encode<T> for Json {
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        ser::to_vec(value, out)
            .map_err(|fault| CodecError::from_fault::<T>(Self::NAME, Direction::Encode, &fault))
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode<T> for Json {
    fn decode(payload: &Bytes) -> Result<T, CodecError> {
        decode(payload, None)
    }

    fn decode_reporting_unknown(payload: &Bytes, unknown: &mut Vec<String>) -> Result<T, CodecError> {
        decode(payload, Some(Unknown::into(unknown)))
    }
}

fn decode<T: DeserializeOwned>(payload: &[u8], unknown: Option<Unknown<'_>>) -> Result<T, CodecError> {
    let mut de = de::Deserializer::new(payload, unknown);
    let result = match de.reader.peek() {
        Some(_) => T::deserialize(&mut de),
        None => Err(Fault::new("EOF")),
    };
    result.map_err(|fault| CodecError::from_fault::<T>(Json::NAME, Direction::Decode, &fault))
}
