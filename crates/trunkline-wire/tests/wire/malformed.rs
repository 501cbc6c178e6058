//! Recorded frames that must be refused, and after how many bytes.

use bytes::Bytes;
use bytes::BytesMut;
use trunkline_wire::{Compressors, DecodeError, Decoder, Field, Limits, MetadataPart};

use crate::golden::{decode_whole, encoded, entries, frame, name, refusal};

/// What is wrong, after how many bytes it is known, and what the message must name.
fn refused() -> Vec<(&'static str, usize, DecodeError, &'static [&'static str])> {
    vec![
        ("90_bad_magic", 1, DecodeError::BadMagic { found: 9 }, &["first byte", "0x09", "0x08"]),
        (
            "91_path_overrun",
            20,
            DecodeError::FieldOverrun { field: Field::ServicePath, len: 200, left: 5 },
            &["service path", "200", " 5 "],
        ),
        ("92_zero_total", 16, DecodeError::FrameTooShort { total: 0 }, &["total", " 0 ", "16"]),
        (
            "93_metadata_truncated",
            59,
            DecodeError::MetadataTruncated { part: MetadataPart::Key, offset: 4, len: 9, left: 0 },
            &["metadata key", " 9 bytes", "offset 4", " 0 left"],
        ),
        (
            "94_metadata_key_without_value",
            60,
            DecodeError::MetadataTruncated { part: MetadataPart::ValueLength, offset: 5, len: 4, left: 0 },
            &["metadata value length", "offset 5", " 0 left"],
        ),
        (
            "97_payload_length_short",
            40,
            DecodeError::PayloadLengthMismatch { declared: 3, present: 15 },
            &["payload", " 3 ", "15"],
        ),
        (
            "98_huge_total",
            16,
            DecodeError::FrameTooLong { total: 0x4000_0000, limit: 64 << 20 },
            &["total", "1073741824", "67108864"],
        ),
    ]
}

#[test]
fn each_is_refused_as_soon_as_it_is_known_and_names_field_and_numbers() {
    for (name, after, expected, words) in refused() {
        let (len, error) =
            refusal(&frame(name), &Limits::default()).unwrap_or_else(|| panic!("{name} was accepted"));
        assert_eq!(error, expected, "{name}");
        assert_eq!(len, after, "{name} is refused after {len} bytes");
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{name}: no {word:?} in {text:?}");
        }
        assert!(text.starts_with(char::is_lowercase) && !text.ends_with('.'), "{text:?}");
    }
}

#[test]
fn no_recorded_frame_is_forgotten() {
    let mut known: Vec<_> = refused().into_iter().map(|(name, ..)| name).collect();
    known.extend(["95_unknown_compressor", "96_gzip_garbage"]);
    known.sort_unstable();
    let entries = entries("malformed");
    assert_eq!(entries.iter().map(name).collect::<Vec<_>>(), known);
}

#[test]
fn an_unknown_compressor_leaves_the_frame_standing() {
    let message = decode_whole(&frame("95_unknown_compressor"), Limits::default());
    let error = Compressors::default()
        .decompress(message.header().compress(), &Bytes::copy_from_slice(message.payload()), usize::MAX)
        .unwrap_err();
    let known = if cfg!(feature = "gzip") { "1 gzip" } else { "none" };
    assert_eq!(error.to_string(), format!("unsupported compressor 3 (known: {known})"));
}

#[test]
#[cfg(feature = "gzip")]
fn gzip_garbage_leaves_the_frame_standing() {
    let message = decode_whole(&frame("96_gzip_garbage"), Limits::default());
    let error = Compressors::default()
        .decompress(message.header().compress(), &Bytes::copy_from_slice(message.payload()), usize::MAX)
        .unwrap_err();
    assert!(error.to_string().starts_with("payload is not valid gzip: "), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_wrong_payload_length_can_be_accepted_and_is_put_right() {
    let bytes = frame("97_payload_length_short");
    let message = decode_whole(&bytes, Limits::default().with_accept_payload_length_mismatch(true));
    assert_eq!(message.payload().len(), 15);
    let repaired = encoded(&message);
    assert_eq!(repaired.len(), bytes.len());
    assert_eq!(decode_whole(&repaired, Limits::default()).payload(), message.payload());
}

#[test]
fn a_huge_total_within_the_limit_waits_without_reserving() {
    let bytes = frame("98_huge_total");
    let mut decoder = Decoder::new(Limits::default().with_frame(usize::MAX));
    let mut buf = BytesMut::from(&bytes[..]);
    let capacity = buf.capacity();
    assert!(decoder.decode(&mut buf).unwrap().is_none());
    assert_eq!(decoder.missing(&buf), 0x4000_0000);
    assert_eq!((buf.len(), buf.capacity()), (16, capacity));
}

#[test]
fn after_a_refusal_the_decoder_stays_failed() {
    for (name, ..) in refused() {
        let mut decoder = Decoder::new(Limits::default());
        assert!(decoder.decode(&mut BytesMut::from(&frame(name)[..])).is_err(), "{name}");
        let mut good = BytesMut::from(&frame("01_request_msgpack")[..]);
        assert_eq!(decoder.decode(&mut good).unwrap_err(), DecodeError::Failed, "{name}");
    }
}
