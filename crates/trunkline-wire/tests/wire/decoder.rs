//! Limits, buffers and sharing of the decoder.

use bytes::{Bytes, BytesMut};
use trunkline_wire::{DecodeError, Decoder, Field, Header, Limits, Message, Metadata, SerializeType};

use crate::golden::{decode_whole, encoded, refusal};

fn request(metadata: &Metadata, payload: &'static [u8]) -> Vec<u8> {
    let header = Header::request(SerializeType::RAW).with_seq(9);
    encoded(&Message::new(header, "path", "method", metadata, Bytes::from_static(payload)).unwrap())
}

/// Overwrites a big-endian length field.
fn set(mut bytes: Vec<u8>, at: usize, value: u32) -> Vec<u8> {
    bytes[at..][..4].copy_from_slice(&value.to_be_bytes());
    bytes
}

#[test]
fn the_frame_limit_compares_the_total_field() {
    let bytes = request(&Metadata::new(), b"0123456789");
    let total = bytes.len() - 16;
    assert!(refusal(&bytes, &Limits::default().with_frame(total)).is_none());
    let expected = DecodeError::FrameTooLong { total, limit: total - 1 };
    assert_eq!(refusal(&bytes, &Limits::default().with_frame(total - 1)), Some((16, expected)));
}

#[test]
fn the_metadata_limit_is_checked_before_the_block_arrives() {
    let metadata: Metadata = [("key", "value")].into_iter().collect();
    let bytes = request(&metadata, b"");
    assert!(refusal(&bytes, &Limits::default().with_metadata(16)).is_none());
    let expected = DecodeError::MetadataTooLong { len: 16, limit: 15 };
    assert_eq!(refusal(&bytes, &Limits::default().with_metadata(15)), Some((16 + 8 + 10 + 4, expected)));
}

#[test]
fn each_field_is_bounded_by_what_the_ones_before_left() {
    // Behind the four length fields: 4 bytes of path, 6 of method, 0 of metadata, 10 of payload.
    let bytes = request(&Metadata::new(), b"0123456789");
    let (path, method, metadata, payload) = (16, 24, 34, 38);
    for (at, field, left) in
        [(path, Field::ServicePath, 20), (method, Field::ServiceMethod, 16), (metadata, Field::Metadata, 10)]
    {
        for len in [left as u32 + 1, 1 << 31, u32::MAX] {
            let expected = DecodeError::FieldOverrun { field, len: len as usize, left };
            assert_eq!(refusal(&set(bytes.clone(), at, len), &Limits::default()), Some((at + 4, expected)));
        }
    }
    for declared in [0, 9, 11, u32::MAX] {
        let expected = DecodeError::PayloadLengthMismatch { declared: declared as usize, present: 10 };
        let refused = refusal(&set(bytes.clone(), payload, declared), &Limits::default());
        assert_eq!(refused, Some((42, expected)));
    }
    for total in 0..16 {
        let expected = DecodeError::FrameTooShort { total: total as usize };
        assert_eq!(refusal(&set(bytes.clone(), 12, total), &Limits::default()), Some((16, expected)));
    }
}

#[test]
fn a_strange_first_byte_is_refused_alone() {
    for byte in (0..=u8::MAX).filter(|byte| *byte != Header::MAGIC) {
        let mut buf = BytesMut::from(&[byte][..]);
        let error = Decoder::new(Limits::default()).decode(&mut buf).unwrap_err();
        assert_eq!(error, DecodeError::BadMagic { found: byte });
    }
}

#[test]
fn a_frame_before_a_bad_one_is_still_delivered() {
    let mut buf = BytesMut::from(&request(&Metadata::new(), b"x")[..]);
    buf.extend_from_slice(b"HTTP");
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().payload(), b"x");
    assert_eq!(decoder.decode(&mut buf).unwrap_err(), DecodeError::BadMagic { found: b'H' });
}

#[test]
fn fields_need_not_be_utf8() {
    let mut bytes = request(&Metadata::new(), b"");
    bytes[20..24].copy_from_slice(&[0xff, 0xfe, 0, 0x80]);
    assert_eq!(decode_whole(&bytes, Limits::default()).service_path(), [0xff, 0xfe, 0, 0x80]);
}

#[test]
fn a_message_shares_the_memory_it_was_read_into() {
    let metadata: Metadata = [("key", "value")].into_iter().collect();
    let bytes = request(&metadata, b"payload");
    let mut buf = BytesMut::from(&bytes[..]);
    let read = buf.as_ptr() as usize..buf.as_ptr() as usize + buf.len();
    let message = Decoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    let metadata = message.metadata();
    for part in [message.service_path(), message.service_method(), message.payload(), metadata.encoded()] {
        assert!(read.contains(&(part.as_ptr() as usize)));
    }
    drop(message);
    assert_eq!(metadata.get("key"), Some("value"), "metadata keeps the memory it shares");
}

#[test]
fn the_decoder_leaves_room_for_the_next_read() {
    let bytes = request(&Metadata::new(), b"x");
    let mut buf = BytesMut::with_capacity(4096);
    buf.extend_from_slice(&bytes);
    Decoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    assert_eq!(buf.capacity(), 4096 - bytes.len());
}

#[test]
fn missing_is_a_lower_bound_until_the_length_is_known() {
    let bytes = request(&Metadata::new(), b"0123456789");
    let decoder = Decoder::new(Limits::default().with_frame(64));
    for (len, expected) in [(0, 32), (15, 17), (16, bytes.len() - 16), (bytes.len(), 1)] {
        assert_eq!(decoder.missing(&BytesMut::from(&bytes[..len])), expected, "after {len} bytes");
    }
    let lying = set(bytes, 12, 65);
    assert!(decoder.missing(&BytesMut::from(&lying[..16])) <= 16, "a total over the limit is not believed");
}

#[test]
fn debug_shows_neither_payload_nor_token() {
    let metadata: Metadata = [("__AUTH", "bearer tk"), ("k", "v")].into_iter().collect();
    let shown = format!("{:?}", decode_whole(&request(&metadata, b"secret payload"), Limits::default()));
    assert!(
        shown.contains("\"path\"") && shown.contains("\"method\"") && shown.contains("\"k\": \"v\""),
        "{shown}"
    );
    assert!(shown.contains("\"__AUTH\": \"***\"") && shown.contains("payload_len: 14"), "{shown}");
    assert!(!shown.contains("bearer") && !shown.contains("secret"), "{shown}");
}

#[test]
fn public_types_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Decoder>();
    check::<DecodeError>();
    check::<Limits>();
    check::<Message>();
    check::<Metadata>();
    check::<trunkline_wire::Compressors>();
    check::<trunkline_wire::CompressError>();
    check::<trunkline_wire::EncodeError>();
}
