//! Gzip: what Go writes, what RFC 1952 allows, and what an attacker sends.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use trunkline_wire::{CompressError, CompressType, Compressor, Compressors, Gzip};

fn gzip(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Gzip::default().compress(input, &mut out).unwrap();
    out
}

fn gunzip(input: &[u8]) -> Vec<u8> {
    Gzip::default().decompress(input, usize::MAX).unwrap()
}

fn is_corrupt(input: &[u8]) -> bool {
    matches!(Gzip::default().decompress(input, 1 << 20), Err(CompressError::Corrupt { .. }))
}

#[test]
fn compressing_appends_one_member_with_a_plain_header() {
    let mut out = b"before".to_vec();
    Gzip::default().compress(b"text", &mut out).unwrap();
    // Magic, deflate, no flags, no time: as Go writes it.
    assert_eq!(out[6..14], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(gunzip(&out[6..]), b"text");
}

#[test]
fn flush_blocks_are_accepted() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for part in [&b"one "[..], b"two ", b"", b"three"] {
        encoder.write_all(part).unwrap();
        encoder.flush().unwrap();
    }
    let packed = encoder.finish().unwrap();
    assert!(packed.windows(4).any(|window| window == [0, 0, 0xff, 0xff]), "an empty stored block is in it");
    assert_eq!(gunzip(&packed), b"one two three");
}

#[test]
fn several_members_are_one_stream() {
    let packed = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
    assert_eq!(gunzip(&packed), b"one two");
    assert_eq!(Gzip::default().decompress(&packed, 7).unwrap(), b"one two");
    assert!(matches!(Gzip::default().decompress(&packed, 6), Err(CompressError::TooLarge { limit: 6 })));
}

#[test]
fn the_limit_is_exact() {
    for len in [0, 1, 511, 512, 513, 5000, 100_000] {
        let packed = gzip(&vec![b'x'; len]);
        assert_eq!(Gzip::default().decompress(&packed, len).unwrap().len(), len);
        if let Some(limit) = len.checked_sub(1) {
            let error = Gzip::default().decompress(&packed, limit).unwrap_err();
            assert_eq!(error.to_string(), format!("decompressed payload is over the limit of {limit} bytes"));
        }
    }
}

#[test]
fn a_damaged_stream_is_corrupt() {
    let good = gzip(b"some text that is long enough to be worth it");
    assert!(is_corrupt(b""), "no member at all");
    assert!(is_corrupt(b"plain text"));
    for cut in 0..good.len() {
        assert!(is_corrupt(&good[..cut]), "cut at {cut}");
    }
    for (what, at) in [("checksum", 8), ("length", 4)] {
        let mut bad = good.clone();
        let at = bad.len() - at;
        bad[at] ^= 1;
        assert!(is_corrupt(&bad), "wrong {what}");
    }
    assert!(is_corrupt(&[&good[..], b"trailing"].concat()), "bytes behind the last member");
}

/// The checksum counts also when the output ends exactly at the limit.
#[test]
fn a_wrong_checksum_at_the_limit_is_corrupt() {
    let mut bad = gzip(&[b'x'; 100]);
    let at = bad.len() - 8;
    bad[at] ^= 1;
    assert!(matches!(Gzip::default().decompress(&bad, 100), Err(CompressError::Corrupt { .. })));
}

#[test]
fn the_table_keeps_zero_for_nothing() {
    let error = Compressors::none().with(CompressType::NONE, Gzip::default()).unwrap_err();
    assert!(error.to_string().contains("compress type 0"), "{error}");
    assert!(Compressors::default().get(CompressType::NONE).is_none());
    let payload = "as it is".into();
    assert_eq!(Compressors::none().decompress(CompressType::NONE, &payload, 0).unwrap(), payload);
}

#[test]
fn each_clone_of_a_table_is_its_own() {
    let two = CompressType::new(2).unwrap();
    let plain = Compressors::default();
    let more = plain.clone().with(two, Gzip::with_level(9)).unwrap();
    assert!(plain.get(two).is_none());
    assert_eq!(more.get(two).map(Compressor::name), Some("gzip"));
    assert_eq!(format!("{more:?}"), r#"{1: "gzip", 2: "gzip"}"#);
}

/// A compressor that ignores the limit is caught by the table.
#[test]
fn the_table_enforces_the_limit() {
    struct Careless;
    impl Compressor for Careless {
        fn name(&self) -> &str {
            "careless"
        }
        fn compress(&self, _: &[u8], _: &mut Vec<u8>) -> Result<(), CompressError> {
            Err(CompressError::failed("careless", "cannot"))
        }
        fn decompress(&self, _: &[u8], _: usize) -> Result<Vec<u8>, CompressError> {
            Ok(vec![0; 11])
        }
    }
    let two = CompressType::new(2).unwrap();
    let table = Compressors::none().with(two, Careless).unwrap();
    assert!(table.decompress(two, &"".into(), 11).is_ok());
    assert!(matches!(table.decompress(two, &"".into(), 10), Err(CompressError::TooLarge { limit: 10 })));
}

proptest! {
    #[test]
    fn what_is_compressed_is_decompressed_within_its_length(
        input in prop_oneof![vec(any::<u8>(), 0..3000), vec(b'a'..=b'b', 0..3000)],
        level in 0..12_u32,
    ) {
        let mut packed = Vec::new();
        Gzip::with_level(level).compress(&input, &mut packed).unwrap();
        prop_assert_eq!(&Gzip::default().decompress(&packed, input.len()).unwrap(), &input);
        if let Some(limit) = input.len().checked_sub(1) {
            let cut = Gzip::default().decompress(&packed, limit);
            let refused = matches!(cut, Err(CompressError::TooLarge { .. }));
            prop_assert!(refused, "{cut:?}");
        }
    }

    #[test]
    fn any_bytes_are_inflated_or_refused(mut bytes in vec(any::<u8>(), 0..100), limit in 0..5000_usize) {
        let _ = Gzip::default().decompress(&bytes, limit);
        bytes.splice(0..0, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
        if let Ok(inflated) = Gzip::default().decompress(&bytes, limit) {
            prop_assert!(inflated.len() <= limit);
        }
    }
}

#[test]
fn the_hint_is_the_length_and_no_more_than_the_input_can_become() {
    for len in [0, 1, 5_000, 3 << 20] {
        let packed = gzip(&vec![7; len]);
        assert_eq!(Gzip::default().inflated_len_hint(&packed), Some(len));
    }
    let mut liar = gzip(&[7; 100]);
    let at = liar.len() - 4;
    liar[at..].copy_from_slice(&[0xff; 4]);
    let hint = Gzip::default().inflated_len_hint(&liar).unwrap();
    assert!(hint <= liar.len() * 1_032, "{hint}");
    assert_eq!(Gzip::default().inflated_len_hint(&[1, 2, 3]), None);
}
