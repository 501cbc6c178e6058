//! Metadata: rules of the block, by example.

use bytes::Bytes;
use trunkline_wire::{DecodeError, Metadata, MetadataPart, lookup};

/// An encoded block of these pairs, duplicates kept.
pub(crate) fn block(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in pairs.iter().flat_map(|(key, value)| [key, value]) {
        out.extend((field.len() as u32).to_be_bytes());
        out.extend(*field);
    }
    out
}

fn received(pairs: &[(&[u8], &[u8])]) -> Metadata {
    Metadata::from_encoded(block(pairs).into()).unwrap()
}

fn pairs(metadata: &Metadata) -> Vec<(&str, &str)> {
    metadata.iter_str().collect()
}

#[test]
fn of_equal_keys_the_last_counts() {
    let metadata = received(&[(b"k", b"1"), (b"x", b"y"), (b"k", b"2")]);
    assert_eq!(metadata.get("k"), Some("2"));
    assert_eq!(metadata.len(), 3);
    assert_eq!(metadata, received(&[(b"k", b"2"), (b"x", b"y")]));
    assert_ne!(metadata, received(&[(b"k", b"1"), (b"x", b"y")]));
}

#[test]
fn insert_replaces_in_place_and_leaves_one_pair() {
    for value in ["", "2", "a longer value"] {
        let mut metadata =
            received(&[(b"a", b"1"), (b"k", b"old"), (b"b", b"1"), (b"k", b"older"), (b"c", b"1")]);
        metadata.insert("k", value);
        assert_eq!(pairs(&metadata), [("a", "1"), ("k", value), ("b", "1"), ("c", "1")]);
    }
}

#[test]
fn remove_takes_every_pair_of_the_key() {
    let mut metadata = received(&[(b"k", b"1"), (b"a", b"1"), (b"k", b"2")]);
    assert!(metadata.remove("k"));
    assert!(!metadata.remove("k"));
    assert_eq!(pairs(&metadata), [("a", "1")]);
    assert!(metadata.remove("a"));
    assert!(metadata.is_empty());
}

#[test]
fn extend_replaces_and_adds() {
    let mut metadata: Metadata = [("a", "1"), ("b", "2")].into_iter().collect();
    metadata.extend(&[("b", "3"), ("c", "4")].into_iter().collect());
    assert_eq!(pairs(&metadata), [("a", "1"), ("b", "3"), ("c", "4")]);
    metadata.extend(&Metadata::new());
    assert_eq!(metadata.len(), 3);
}

/// A peer fills its metadata up to the limit and a server merges it into its own: this must not take minutes.
#[test]
fn extend_does_not_multiply_the_sizes() {
    let many = |prefix: u32| -> Metadata {
        let pairs = (0..60_000_u32)
            .flat_map(|key| [0, 0, 0, 5, prefix as u8].into_iter().chain(key.to_be_bytes()).chain([0; 4]));
        Metadata::from_encoded(pairs.collect::<Vec<_>>().into()).unwrap()
    };
    let mut metadata = many(0);
    metadata.extend(&many(1));
    metadata.extend(&many(0));
    assert_eq!(metadata.len(), 120_000);
}

#[test]
fn a_write_does_not_touch_the_shared_block() {
    let block = Bytes::from(block(&[(b"k", b"1")]));
    let mut first = Metadata::from_encoded(block.clone()).unwrap();
    let second = first.clone();
    assert_eq!(first.encoded().as_ptr(), block.as_ptr(), "nothing is copied before the first write");
    first.insert("k", "2");
    assert_eq!((first.get("k"), second.get("k")), (Some("2"), Some("1")));
}

#[test]
fn empty_and_binary_keys_and_values_are_legal() {
    let mut metadata = Metadata::new();
    metadata.insert("", "");
    metadata.insert([0xff], [0, 0xfe]);
    assert_eq!(metadata.encoded(), block(&[(b"", b""), (&[0xff], &[0, 0xfe])]));
    assert_eq!(metadata.get(""), Some(""));
    assert_eq!(metadata.get_bytes(&[0xff]), Some(&[0, 0xfe][..]));
    metadata.insert("binary", [0xff]);
    assert_eq!(metadata.get("binary"), None, "not UTF-8");
    assert_eq!(pairs(&metadata), [("", "")]);
}

#[test]
fn each_way_to_cut_a_block_short_is_named() {
    let block = block(&[(b"key", b"value"), (b"k", b"v")]);
    // The second pair begins at 16: length, key at 20, length at 21, value at 25.
    for cut in 0..=block.len() {
        let result = Metadata::from_encoded(Bytes::copy_from_slice(&block[..cut]));
        let (part, offset, len) = match cut {
            0 | 16 | 26 => {
                assert!(result.is_ok(), "whole pairs after {cut} bytes");
                continue;
            }
            1..4 => (MetadataPart::KeyLength, 0, 4),
            4..7 => (MetadataPart::Key, 4, 3),
            7..11 => (MetadataPart::ValueLength, 7, 4),
            11..16 => (MetadataPart::Value, 11, 5),
            17..20 => (MetadataPart::KeyLength, 16, 4),
            20 => (MetadataPart::Key, 20, 1),
            21..=24 => (MetadataPart::ValueLength, 21, 4),
            _ => (MetadataPart::Value, 25, 1),
        };
        let expected = DecodeError::MetadataTruncated { part, offset, len, left: cut - offset };
        assert_eq!(result.unwrap_err(), expected, "cut at {cut}");
    }
}

#[test]
fn lookup_stops_at_the_first_broken_pair() {
    let mut bytes = block(&[(b"a", b"1")]);
    bytes.extend([0xff; 7]);
    assert_eq!(lookup(&bytes, b"a"), Some(&b"1"[..]));
    assert_eq!(lookup(&bytes, b"b"), None);
    assert_eq!(lookup(&[0xff; 3], b""), None);
}

#[test]
fn debug_hides_what_is_secret() {
    let metadata: Metadata = [("__AUTH", "tk1"), ("authorization", "tk2"), ("k", "v")].into_iter().collect();
    let shown = format!("{metadata:?}");
    assert_eq!(shown, r#"{"__AUTH": "***", "authorization": "***", "k": "v"}"#);
}
