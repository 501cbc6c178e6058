//! Protocol buffers, over prost.

use bytes::Bytes;
use prost::Message;

use super::{CodecError, Decode, Encode, Format, SerializeType};

/// Serialize type 2: a bare protobuf message, without a length before it. An empty payload is an empty message.
///
/// ```
/// # use trunkline::codec::{Decode, Encode, Protobuf};
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Args {
///     #[prost(int32, tag = "1")]
///     a: i32,
///     #[prost(int32, tag = "2")]
///     b: i32,
/// }
///
/// let mut payload = Vec::new();
/// Protobuf::encode(&Args { a: 10, b: 20 }, &mut payload)?;
/// assert_eq!(payload, b"\x08\x0a\x10\x14");
/// let args: Args = Protobuf::decode(&payload.into())?;
/// assert_eq!(args.b, 20);
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Protobuf;

impl Format for Protobuf {
    const TYPE: SerializeType = SerializeType::PROTOBUF;
    const NAME: &'static str = "protobuf";
}

#[diagnostic::do_not_recommend]
impl<T: Message> Encode<T> for Protobuf {
    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if out.capacity() - out.len() < ROOM {
            out.reserve(value.encoded_len());
        }
        // What `Message::encode` does behind a check of the room, for which it would work out the
        // length: there always is room in a vector.
        value.encode_raw(out);
        Ok(())
    }
}

/// A buffer with this much room has had messages before, and mostly has room for another. Where it has not, it doubles
/// as it is written. To measure a message of small fields costs half of what it costs to write it.
const ROOM: usize = 1024;

/// Below this size a payload is read from a plain slice: copying what its `bytes::Bytes` fields hold is cheaper than the
/// counters that sharing it takes.
const SHARE: usize = 4 * 1024;

/// Fields of type `bytes::Bytes` share the memory of payloads from 4 KiB on.
#[diagnostic::do_not_recommend]
impl<T: Message + Default> Decode<T> for Protobuf {
    #[inline]
    fn decode(payload: &Bytes) -> Result<T, CodecError> {
        let mut value = T::default();
        let merged =
            if payload.len() < SHARE { value.merge(&payload[..]) } else { value.merge(payload.clone()) };
        match merged {
            Ok(()) => Ok(value),
            Err(error) => Err(CodecError::decode::<T>(Self::NAME, error.to_string()).with_source(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Node {
        #[prost(bytes = "bytes", tag = "1")]
        raw: Bytes,
        #[prost(message, optional, boxed, tag = "2")]
        next: Option<Box<Self>>,
    }

    fn decoded(payload: impl Into<Bytes>) -> Result<Node, CodecError> {
        Protobuf::decode(&payload.into())
    }

    #[test]
    fn an_empty_payload_is_an_empty_message() {
        assert_eq!(decoded(Bytes::new()).unwrap(), Node::default());
    }

    #[test]
    fn bytes_share_a_large_payload() {
        let mut payload = Vec::new();
        Protobuf::encode(&Node { raw: Bytes::from(vec![7; SHARE]), next: None }, &mut payload).unwrap();
        let payload = Bytes::from(payload);
        let node = decoded(payload.clone()).unwrap();
        assert_eq!(node.raw.as_ptr(), payload[payload.len() - SHARE..].as_ptr());
    }

    #[test]
    fn encoding_appends() {
        let mut out = b"x".to_vec();
        Protobuf::encode(&Node { raw: Bytes::from_static(b"hi"), next: None }, &mut out).unwrap();
        assert_eq!(out, b"x\x0a\x02hi");
    }

    #[test]
    fn a_buffer_has_room_for_any_message() {
        let nested = |of: Node| Node { raw: Bytes::from_static(b"ring"), next: Some(Box::new(of)) };
        let message =
            (0..50).fold(Node { raw: Bytes::from(vec![7; 3 * ROOM]), next: None }, |of, _| nested(of));
        for capacity in [0, ROOM - 1, ROOM, 2 * ROOM, 10 * ROOM] {
            let mut out = Vec::with_capacity(capacity);
            Protobuf::encode(&message, &mut out).unwrap();
            assert_eq!(out, message.encode_to_vec(), "into {capacity} bytes");
        }
    }

    #[test]
    fn hostile_payloads_are_refused() {
        for payload in
            [&b"\x0a\xff\xff\xff\xff\x07"[..], b"\x0a\x05hi", b"\x00", b"\x0b", b"\xff\xff\xff\xff\xff"]
        {
            let error = decoded(payload).unwrap_err();
            assert!(error.to_string().starts_with("protobuf: cannot decode Node: "), "{error}");
            assert!(std::error::Error::source(&error).is_some());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let mut deep = Vec::new();
        for _ in 0..200 {
            let mut outer = vec![0x12];
            prost::encoding::encode_varint(deep.len() as u64, &mut outer);
            outer.append(&mut deep);
            deep = outer;
        }
        assert!(decoded(deep).unwrap_err().text().contains("recursion limit"));
    }
}
