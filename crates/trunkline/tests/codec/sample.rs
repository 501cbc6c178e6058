//! What several tests need.

use bytes::Bytes;
use trunkline::codec::{CodecError, Decode, Encode};

/// The bytes of `value` in the format `F`.
pub(crate) fn encoded<F: Encode<T>, T: ?Sized>(value: &T) -> Vec<u8> {
    let mut out = b"before".to_vec();
    F::encode(value, &mut out).unwrap();
    assert_eq!(&out[..6], b"before", "encoding appends");
    out.split_off(6)
}

/// The value of `payload` in the format `F`.
pub(crate) fn decoded<F: Decode<T>, T>(payload: &[u8]) -> Result<T, CodecError> {
    F::decode(&Bytes::copy_from_slice(payload))
}

/// What a value is in the two formats of serde's.
#[cfg(all(feature = "json", feature = "msgpack"))]
#[derive(Clone, Copy)]
pub(crate) struct Both<'a> {
    pub(crate) json: &'a str,
    pub(crate) msgpack: &'a [u8],
}

/// Checks both directions of both.
#[cfg(all(feature = "json", feature = "msgpack"))]
pub(crate) fn both<T>(value: &T, wire: Both<'_>)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    use trunkline::codec::{Json, MsgPack};
    assert_eq!(String::from_utf8(encoded::<Json, T>(value)).unwrap(), wire.json);
    let (found, expected) = (encoded::<MsgPack, T>(value), wire.msgpack);
    assert_eq!(found, expected, "{:?} is not {:?}", found.escape_ascii(), expected.escape_ascii());
    assert_eq!(&decoded::<Json, T>(wire.json.as_bytes()).unwrap(), value);
    assert_eq!(&decoded::<MsgPack, T>(wire.msgpack).unwrap(), value);
}
