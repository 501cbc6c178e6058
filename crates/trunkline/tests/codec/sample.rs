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
