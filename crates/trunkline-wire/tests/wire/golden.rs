//! Recorded frames: `index.json` says what each holds.

use bytes::Bytes;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use serde_json::Value;
use trunkline_wire::{DecodeError, Decoder, Limits, Message, Status};

#[test]
fn every_field_is_as_recorded() {
    for entry in frames() {
        let name = name(&entry);
        let message = decode_whole(&frame(name), Limits::default());
        let header = message.header();
        let number = |key: &str| entry[key].as_u64().unwrap_or_else(|| panic!("{name} has no {key}"));
        let flag = |key: &str| entry[key].as_bool().unwrap_or_else(|| panic!("{name} has no {key}"));

        assert_eq!(message.wire_len() as u64, number("bytes"), "{name}");
        assert_eq!(header.seq(), number("seq"), "{name}");
        assert_eq!(header.is_response(), flag("response"), "{name}");
        assert_eq!(header.is_heartbeat(), flag("heartbeat"), "{name}");
        assert_eq!(header.is_oneway(), flag("oneway"), "{name}");
        assert_eq!(u64::from(header.compress().id()), number("compress"), "{name}");
        assert_eq!(header.status() == Status::Error, number("status") == 1, "{name}");
        assert_eq!(u64::from(header.serialize().id()), number("serialize"), "{name}");
        assert_eq!(u64::from(header.version()), number("version"), "{name}");
        assert_eq!(u64::from(header.reserved()), number("reserved"), "{name}");
        assert_eq!(message.service_path(), text(&entry, "service_path").as_bytes(), "{name}");
        assert_eq!(message.service_method(), text(&entry, "service_method").as_bytes(), "{name}");

        let metadata = message.metadata();
        let expected = entry["metadata"].as_object().unwrap();
        assert_eq!(metadata.len(), expected.len(), "{name}");
        assert_eq!(metadata.encoded(), message.metadata_block(), "{name}");
        for (key, value) in expected {
            assert_eq!(metadata.get(key), value.as_str(), "{name}: {key}");
        }
    }
}

#[test]
#[cfg(feature = "gzip")]
fn every_payload_is_as_recorded_once_decompressed() {
    let compressors = trunkline_wire::Compressors::default();
    for entry in frames() {
        let message = decode_whole(&frame(name(&entry)), Limits::default());
        let payload = compressors
            .decompress(
                message.header().compress(),
                &Bytes::copy_from_slice(message.payload()),
                Limits::default().inflated,
            )
            .unwrap();
        assert_eq!(payload, unhex(text(&entry, "payload_hex")), "{}", name(&entry));
    }
}

/// The frames whose compressed bytes are not canonical are re-encoded too: we keep the payload as it came.
#[test]
fn every_frame_encodes_to_the_bytes_it_came_from() {
    let mut flagged = 0;
    for entry in frames() {
        let bytes = frame(name(&entry));
        let mut out = b"before".to_vec();
        decode_whole(&bytes, Limits::default()).encode(&mut out);
        assert_eq!(&out[6..], bytes, "{}", name(&entry));
        flagged += usize::from(entry["reencodes_identically"] == true);
    }
    assert_eq!(flagged, 20);
}

#[test]
fn a_frame_may_be_split_at_every_byte() {
    for entry in frames() {
        let name = name(&entry);
        let bytes = frame(name);
        for split in 0..bytes.len() {
            let mut decoder = Decoder::new(Limits::default());
            let mut buf = BytesMut::from(&bytes[..split]);
            assert!(decoder.decode(&mut buf).unwrap().is_none(), "{name} is not whole after {split} bytes");
            let missing = decoder.missing(&buf);
            assert!((1..=bytes.len() - split).contains(&missing), "{name} misses {missing} after {split}");
            if split >= 16 {
                assert_eq!(missing, bytes.len() - split, "{name}: its length is known after 16 bytes");
            }
            buf.extend_from_slice(&bytes[split..]);
            let message =
                decoder.decode(&mut buf).unwrap().unwrap_or_else(|| panic!("{name} split at {split}"));
            assert_eq!(encoded(&message), bytes, "{name} split at {split}");
            assert!(buf.is_empty());
        }
    }
}

#[test]
fn frames_may_follow_one_another_byte_by_byte() {
    let names: Vec<_> = frames().map(|entry| name(&entry).to_owned()).collect();
    let stream: Vec<u8> = names.iter().flat_map(|name| frame(name)).collect();
    let mut decoder = Decoder::new(Limits::default());
    let mut buf = BytesMut::new();
    let mut decoded = Vec::new();
    let mut count = 0;
    for byte in &stream {
        buf.extend_from_slice(&[*byte]);
        while let Some(message) = decoder.decode(&mut buf).unwrap() {
            message.encode(&mut decoded);
            count += 1;
        }
    }
    assert_eq!((count, decoded), (names.len(), stream));
}

pub(crate) fn decode_whole(bytes: &[u8], limits: Limits) -> Message {
    let mut buf = BytesMut::from(bytes);
    let message = Decoder::new(limits).decode(&mut buf).unwrap().unwrap();
    assert!(buf.is_empty());
    message
}

/// The shortest prefix of `bytes` that is refused, and why.
pub(crate) fn refusal(bytes: &[u8], limits: &Limits) -> Option<(usize, DecodeError)> {
    (0..=bytes.len()).find_map(|len| {
        let mut buf = BytesMut::from(&bytes[..len]);
        let error = Decoder::new(limits.clone()).decode(&mut buf).err()?;
        Some((len, error))
    })
}

pub(crate) fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}

/// The bytes of a recorded frame.
pub(crate) fn frame(name: &str) -> Vec<u8> {
    let path = folder().join(name).with_extension("hex");
    unhex(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The entries of a kind in the index.
pub(crate) fn entries(kind: &str) -> Vec<Value> {
    let index = std::fs::read_to_string(folder().join("index.json")).unwrap();
    let Value::Array(entries) = serde_json::from_str(&index).unwrap() else { panic!("the index is a list") };
    entries.into_iter().filter(|entry| entry["kind"] == kind).collect()
}

pub(crate) fn name(entry: &Value) -> &str {
    text(entry, "name")
}

fn frames() -> impl Iterator<Item = Value> {
    let frames = entries("frame");
    assert_eq!(frames.len(), 22);
    frames.into_iter()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("no {key} in {entry}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
