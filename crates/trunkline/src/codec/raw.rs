//! Bytes as they are.

use bytes::Bytes;

use super::{CodecError, Decode, Encode, Format, SerializeType};

/// Serialize type 0: the payload is the value. Decoding into [`Bytes`] shares the frame's memory.
///
/// ```
/// # use trunkline::codec::{Decode, Encode, Raw};
/// let mut payload = Vec::new();
/// Raw::encode(&b"abc"[..], &mut payload)?;
/// let back: Vec<u8> = Raw::decode(&payload.into())?;
/// assert_eq!(back, b"abc");
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Format for Raw {
    const TYPE: SerializeType = SerializeType::RAW;
    const NAME: &'static str = "raw";
}

#[diagnostic::do_not_recommend]
impl Encode<[u8]> for Raw {
    fn encode(value: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(value);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Encode<&[u8]> for Raw {
    fn encode(value: &&[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(value);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Encode<Vec<u8>> for Raw {
    fn encode(value: &Vec<u8>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(value);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Encode<Bytes> for Raw {
    fn encode(value: &Bytes, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(value);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Decode<Vec<u8>> for Raw {
    fn decode(payload: &Bytes) -> Result<Vec<u8>, CodecError> {
        Ok(payload.to_vec())
    }
}

#[diagnostic::do_not_recommend]
impl Decode<Bytes> for Raw {
    fn decode(payload: &Bytes) -> Result<Bytes, CodecError> {
        Ok(payload.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_to_bytes_copies_nothing() {
        let payload = Bytes::from(vec![1, 2, 3]);
        let value: Bytes = Raw::decode(&payload).unwrap();
        assert_eq!(value.as_ptr(), payload.as_ptr());
    }

    #[test]
    fn encoding_appends() {
        let mut out = vec![9];
        Raw::encode(&Bytes::from_static(b"\x00\xff"), &mut out).unwrap();
        Raw::encode(&vec![1_u8], &mut out).unwrap();
        assert_eq!(out, [9, 0, 255, 1]);
    }

    #[test]
    fn an_empty_payload_is_empty_bytes() {
        assert_eq!(<Raw as Decode<Vec<u8>>>::decode(&Bytes::new()).unwrap(), b"");
    }
}
