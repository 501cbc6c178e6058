//! The encoder leaves whole frames in the buffer, or nothing.

use trunkline_wire::{EncodeError, FrameEncoder, Header, Limits, Message, Metadata, SerializeType};

use crate::golden::{decode_whole, encoded, frame};

fn header() -> Header {
    Header::request(SerializeType::JSON).with_seq(1234567890)
}

#[test]
fn a_recorded_frame_can_be_built_pair_by_pair_and_from_a_block() {
    let mut by_pair = Vec::new();
    let mut encoder = FrameEncoder::begin(&mut by_pair, header(), b"Arith", b"Mul");
    encoder.pair(b"__AUTH", b"bearer tk");
    encoder.pair(b"__ServerTimeout", b"2000");
    encoder.payload(br#"{"A":10,"B":20}"#).unwrap();
    assert_eq!(by_pair, frame("03_request_json_metadata"));

    let auth: Metadata = [("__AUTH", "bearer tk")].into_iter().collect();
    let mut by_block = Vec::new();
    let mut encoder = FrameEncoder::begin(&mut by_block, header(), b"Arith", b"Mul");
    encoder.block(auth.encoded());
    encoder.pair(b"__ServerTimeout", b"2000");
    encoder.payload(br#"{"A":10,"B":20}"#).unwrap();
    assert_eq!(by_block, by_pair);
}

#[test]
fn a_detached_payload_goes_right_behind() {
    let mut out = b"before".to_vec();
    FrameEncoder::begin(&mut out, header(), b"Arith", b"Mul").detached(7).unwrap();
    let ahead = out.len();
    out.extend_from_slice(b"payload");
    let message = decode_whole(&out[6..], Limits::default());
    assert_eq!(message.payload(), b"payload");
    assert_eq!(message.wire_len(), ahead - 6 + 7);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_total_over_32_bits_is_refused_and_leaves_the_buffer_as_it_was() {
    // Path, method and four length fields take 16 + 8 bytes of the total.
    let room = u32::MAX as usize - 24;
    let mut out = b"before".to_vec();
    FrameEncoder::begin(&mut out, header(), b"Arith", b"Mul").detached(room).unwrap();
    assert_eq!(out[6 + 12..][..4], [0xff; 4]);

    for (payload_len, bytes) in [(room + 1, 1 << 32), (usize::MAX >> 1, (u64::MAX >> 1) + 24)] {
        let mut out = b"before".to_vec();
        let error =
            FrameEncoder::begin(&mut out, header(), b"Arith", b"Mul").detached(payload_len).unwrap_err();
        assert_eq!(error, EncodeError::TooLarge { bytes, limit: u64::from(u32::MAX) });
        assert_eq!(out, b"before");
        let text = error.to_string();
        assert!(text.contains(&bytes.to_string()) && text.contains("4294967295"), "{text}");
    }
}

#[test]
fn an_encoder_that_is_dropped_takes_its_bytes_back() {
    let mut out = b"before".to_vec();
    let mut encoder = FrameEncoder::begin(&mut out, header(), b"Arith", b"Mul");
    encoder.pair(b"k", b"v");
    drop(encoder);
    assert_eq!(out, b"before");
}

#[test]
fn a_message_built_from_its_parts_equals_the_encoded_frame() {
    let metadata: Metadata = [("__AUTH", "bearer tk"), ("__ServerTimeout", "2000")].into_iter().collect();
    let message = Message::new(header(), "Arith", "Mul", &metadata, r#"{"A":10,"B":20}"#.into()).unwrap();
    assert_eq!(encoded(&message), frame("03_request_json_metadata"));
    assert_eq!(message.service_path(), b"Arith");
    assert_eq!(message.service_method(), b"Mul");
    assert_eq!(message.metadata(), metadata);
}

#[test]
fn a_heartbeat_is_echoed_whole_under_the_response_bit() {
    let request = decode_whole(&frame("09_heartbeat_request"), Limits::default());
    let header = request.header().echo();
    assert_eq!(encoded(&request.with_header(header)), frame("10_heartbeat_response"));
}
