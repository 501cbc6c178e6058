//! MessagePack: one test for each rule of the wire.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use trunkline::codec::{CodecError, Decode, MsgPack};

use crate::sample;

fn to<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    sample::encoded::<MsgPack, T>(value)
}

fn from<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, CodecError> {
    sample::decoded::<MsgPack, T>(payload)
}

fn refusal<T: serde::de::DeserializeOwned + std::fmt::Debug>(payload: &[u8]) -> String {
    from::<T>(payload).unwrap_err().to_string()
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Pair(i64, i64),
    Rect { w: i64, h: i64 },
}

#[test]
fn structs_are_maps_of_named_fields_in_declaration_order() {
    assert_eq!(to(&Args { a: 10, b: 20 }), b"\x82\xa1A\x0a\xa1B\x14");
}

#[test]
fn integers_are_compact_and_unsigned_when_they_can_be() {
    let cases: &[(i64, &[u8])] = &[
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\xcc\x80"),
        (200, b"\xcc\xc8"),
        (255, b"\xcc\xff"),
        (256, b"\xcd\x01\x00"),
        (65535, b"\xcd\xff\xff"),
        (65536, b"\xce\x00\x01\x00\x00"),
        (4294967295, b"\xce\xff\xff\xff\xff"),
        (4294967296, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        (-1, b"\xff"),
        (-32, b"\xe0"),
        (-33, b"\xd0\xdf"),
        (-128, b"\xd0\x80"),
        (-129, b"\xd1\xff\x7f"),
        (-32768, b"\xd1\x80\x00"),
        (-32769, b"\xd2\xff\xff\x7f\xff"),
        (-2147483648, b"\xd2\x80\x00\x00\x00"),
        (-2147483649, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        (i64::MIN, b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    ];
    for (value, bytes) in cases {
        assert_eq!(&to(value), bytes, "{value}");
        assert_eq!(from::<i64>(bytes).unwrap(), *value);
    }
    assert_eq!(to(&u64::MAX), b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(to(&5_i128), b"\x05");
    assert!(sample::decoded::<MsgPack, u64>(&to(&u64::MAX)).is_ok());
}

#[test]
fn gos_full_width_integers_are_read() {
    for bytes in [
        &b"\xd0\x05"[..],
        b"\xd1\x00\x05",
        b"\xd2\x00\x00\x00\x05",
        b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05",
        b"\xcc\x05",
        b"\xcd\x00\x05",
        b"\xce\x00\x00\x00\x05",
        b"\xcf\x00\x00\x00\x00\x00\x00\x00\x05",
        b"\x05",
    ] {
        assert_eq!(from::<i8>(bytes).unwrap(), 5);
        assert_eq!(from::<u8>(bytes).unwrap(), 5);
        assert_eq!(from::<i64>(bytes).unwrap(), 5);
        assert_eq!(from::<u128>(bytes).unwrap(), 5);
        assert_eq!(from::<f32>(bytes).unwrap(), 5.0);
        assert_eq!(from::<f64>(bytes).unwrap(), 5.0);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_field_and_value() {
    assert_eq!(
        refusal::<Args>(b"\x82\xa1A\x0a\xa1B\xcd\x01\x2c"),
        "msgpack: cannot decode Args: field B: 300 does not fit in i8"
    );
    assert_eq!(refusal::<i8>(b"\xcc\xff"), "msgpack: cannot decode i8: 255 does not fit in i8");
    assert_eq!(refusal::<u8>(b"\xff"), "msgpack: cannot decode u8: -1 does not fit in u8");
    assert_eq!(
        refusal::<BTreeMap<String, Vec<Args>>>(b"\x81\xa1k\x92\xc0\x82\xa1A\x0a\xa1B\xd1\xff\x00"),
        "msgpack: cannot decode BTreeMap<String, Vec<Args>>: field k[1].B: -256 does not fit in i8"
    );
    assert_eq!(
        refusal::<Vec<u16>>(b"\x92\x01\xce\x00\x01\x00\x00"),
        "msgpack: cannot decode Vec<u16>: element [1]: 65536 does not fit in u16"
    );
}

#[test]
fn floats_take_smaller_numbers_and_nothing_takes_floats() {
    assert_eq!(to(&1.5_f32), b"\xca\x3f\xc0\x00\x00");
    assert_eq!(to(&1.5_f64), b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00");
    assert_eq!(from::<f64>(b"\xca\x3f\xc0\x00\x00").unwrap(), 1.5);
    assert_eq!(from::<f32>(b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00").unwrap(), 1.5);
    assert_eq!(refusal::<f32>(&to(&0.1_f64)), "msgpack: cannot decode f32: 0.1 does not fit in f32");
    assert_eq!(refusal::<i64>(&to(&1.0_f64)), "msgpack: cannot decode i64: found float64 1, expected i64");
}

#[test]
fn strings_take_the_shortest_header() {
    for (len, header) in [
        (0, &b"\xa0"[..]),
        (31, b"\xbf"),
        (32, b"\xd9\x20"),
        (255, b"\xd9\xff"),
        (256, b"\xda\x01\x00"),
        (65535, b"\xda\xff\xff"),
        (65536, b"\xdb\x00\x01\x00\x00"),
    ] {
        let text = "x".repeat(len);
        let bytes = to(&text);
        assert!(bytes.starts_with(header) && bytes.len() == header.len() + len);
        assert_eq!(from::<String>(&bytes).unwrap(), text);
    }
}

#[test]
fn sequences_of_u8_are_bin() {
    assert_eq!(to(&vec![1_u8, 2, 255]), b"\xc4\x03\x01\x02\xff");
    assert_eq!(to(&[1_u8, 2]), b"\xc4\x02\x01\x02");
    assert_eq!(to(&[9_u8; 300][..])[..3], *b"\xc5\x01\x2c");
    assert_eq!(to(&vec![0_u8; 70_000])[..5], *b"\xc6\x00\x01\x11\x70");
    assert_eq!(to(&bytes::Bytes::from_static(b"ab")), b"\xc4\x02ab");
    assert_eq!(to(&vec![vec![1_u8], vec![]]), b"\x92\xc4\x01\x01\xc4\x00");
    assert_eq!(to(&Some(Vec::<u8>::new())), b"\xc4\x00");
    assert_eq!(to(&Vec::<u8>::new()), b"\xc4\x00");
    assert_eq!(to::<[u8]>(&[]), b"\xc4\x00");
    assert_eq!(to(&Vec::<i8>::new()), b"\x90");
    assert_eq!(to(&Vec::<Vec<u8>>::new()), b"\x90");
    assert_eq!(to(&(1_u8, "a", 200_u8)), b"\x93\x01\xa1a\xcc\xc8");
    assert_eq!(to(&(200_u8, 1_u8, 300_u16)), b"\x93\xcc\xc8\x01\xcd\x01\x2c");
}

#[test]
fn bytes_come_as_bin_str_or_numbers() {
    for payload in [&b"\xc4\x02hi"[..], b"\xa2hi", b"\x92\x68\x69", b"\xd9\x02hi"] {
        assert_eq!(from::<Vec<u8>>(payload).unwrap(), b"hi");
        assert_eq!(from::<bytes::Bytes>(payload).unwrap(), &b"hi"[..]);
    }
    assert_eq!(from::<[u8; 2]>(b"\xc4\x02hi").unwrap(), *b"hi");
    assert_eq!(from::<String>(b"\xc4\x02hi").unwrap(), "hi");
    assert_eq!(
        refusal::<String>(b"\xc4\x02h\xff"),
        "msgpack: cannot decode String: the string \"h\u{fffd}\" is not UTF-8; take it as bytes instead"
    );
}

#[test]
fn keys_may_be_bin_too() {
    assert_eq!(from::<Args>(b"\x82\xc4\x01A\x0a\xd9\x01B\x14").unwrap(), Args { a: 10, b: 20 });
    let map: HashMap<String, i64> = from(b"\x81\xc4\x01k\x01").unwrap();
    assert_eq!(map["k"], 1);
    let map: HashMap<i64, String> = from(b"\x81\xd3\x00\x00\x00\x00\x00\x00\x00\x07\xa1v").unwrap();
    assert_eq!(map[&7], "v");
}

#[test]
fn nil_is_the_zero_value_of_anything() {
    assert_eq!(from::<i64>(b"\xc0").unwrap(), 0);
    assert_eq!(from::<f64>(b"\xc0").unwrap(), 0.0);
    assert!(!from::<bool>(b"\xc0").unwrap());
    assert_eq!(from::<String>(b"\xc0").unwrap(), "");
    assert_eq!(from::<Vec<u8>>(b"\xc0").unwrap(), b"");
    assert_eq!(from::<Vec<String>>(b"\xc0").unwrap(), Vec::<String>::new());
    assert_eq!(from::<HashMap<String, i64>>(b"\xc0").unwrap(), HashMap::new());
    assert_eq!(from::<Option<i64>>(b"\xc0").unwrap(), None);
    assert_eq!(from::<Args>(b"\xc0").unwrap(), Args { a: 0, b: 0 });
    assert_eq!(from::<Args>(b"\x82\xa1A\xc0\xa1B\xc0").unwrap(), Args { a: 0, b: 0 });
    assert_eq!(from::<(i64, [u16; 2])>(b"\xc0").unwrap(), (0, [0; 2]));
    assert_eq!(from::<Shape>(b"\xc0").unwrap(), Shape::Point);
    assert_eq!(from::<char>(b"\xc0").unwrap(), '\0');
    from::<()>(b"\xc0").unwrap();
}

#[test]
fn unknown_keys_are_skipped_and_keys_are_case_sensitive() {
    assert_eq!(from::<Args>(b"\x83\xa1A\x0a\xa1X\x92\x01\x81\x01\x02\xa1B\x14").unwrap().b, 20);
    assert_eq!(refusal::<Args>(b"\x82\xa1a\x0a\xa1B\x14"), "msgpack: cannot decode Args: missing field `A`");
}

#[test]
fn a_struct_may_be_an_array_of_exactly_its_fields() {
    assert_eq!(from::<Args>(b"\x92\x0a\x14").unwrap(), Args { a: 10, b: 20 });
    for payload in [&b"\x91\x0a"[..], b"\x93\x0a\x14\x00", b"\x90"] {
        assert_eq!(
            from::<Args>(payload).unwrap_err().text(),
            "number of fields in array-encoded struct has changed"
        );
    }
    assert_eq!(
        refusal::<Args>(b"\x92\x0a\xcd\x01\x2c"),
        "msgpack: cannot decode Args: field B: 300 does not fit in i8"
    );
}

#[test]
fn trailing_bytes_are_ignored() {
    assert_eq!(from::<i64>(b"\x05garbage").unwrap(), 5);
}

#[test]
fn an_empty_payload_gives_gos_text() {
    assert_eq!(from::<Args>(b"").unwrap_err().text(), "EOF");
    assert_eq!(refusal::<()>(b""), "msgpack: cannot decode (): EOF");
}

#[test]
fn enums_are_a_name_or_one_entry() {
    for (value, bytes) in [
        (Shape::Point, &b"\xa5Point"[..]),
        (Shape::Circle(1.0), b"\x81\xa6Circle\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
        (Shape::Pair(1, -1), b"\x81\xa4Pair\x92\x01\xff"),
        (Shape::Rect { w: 1, h: 2 }, b"\x81\xa4Rect\x82\xa1w\x01\xa1h\x02"),
    ] {
        assert_eq!(to(&value), bytes);
        assert_eq!(from::<Shape>(bytes).unwrap(), value);
    }
    assert_eq!(from::<Shape>(b"\x00").unwrap(), Shape::Point);
    assert!(from::<Shape>(b"\x82\xa5Point\xc0\xa4Pair\xc0").is_err());
}

#[test]
fn nothing_and_empty_structs() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Empty;
    assert_eq!(to(&()), b"\xc0");
    assert_eq!(to(&Empty), b"\x80");
    for anything in [&b"\xc0"[..], b"\x80", b"\x01", b"\x81\xa1A\x01"] {
        assert_eq!(from::<Empty>(anything).unwrap(), Empty);
        from::<()>(anything).unwrap();
    }
}

#[test]
fn maps_of_a_length_nobody_told() {
    struct Many(usize);
    impl Serialize for Many {
        fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = s.serialize_map(None)?;
            for i in 0..self.0 {
                map.serialize_entry(&i, &i)?;
            }
            map.end()
        }
    }
    for n in [0, 1, 15, 16, 17, 70_000] {
        let back: BTreeMap<usize, usize> = from(&to(&Many(n))).unwrap();
        assert_eq!(back.len(), n);
        assert!(back.iter().all(|(k, v)| k == v));
    }
}

#[test]
fn sequences_of_a_length_nobody_told() {
    struct Many<T>(usize, T);
    impl<T: Serialize> Serialize for Many<T> {
        fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(std::iter::repeat_n(&self.1, self.0).filter(|_| true))
        }
    }
    for n in [0, 1, 15, 16, 255, 256, 65_536] {
        assert_eq!(from::<Vec<u8>>(&to(&Many(n, 7_u8))).unwrap(), vec![7; n]);
        assert_eq!(from::<Vec<String>>(&to(&Many(n, "a"))).unwrap(), vec!["a"; n]);
    }
}

#[test]
fn numbers_beyond_64_bits_do_not_travel() {
    let mut out = Vec::new();
    let error = <MsgPack as trunkline::codec::Encode<u128>>::encode(&u128::MAX, &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "msgpack: cannot encode u128: 340282366920938463463374607431768211455 does not fit in MessagePack's 64 bits"
    );
}

#[test]
fn hostile_lengths_are_refused_at_once() {
    for payload in [
        &b"\xdd\x7f\xff\xff\xff"[..],
        b"\xdf\x7f\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\x81\xa1A\xdd\x7f\xff\xff\xff\xc0\xc0",
    ] {
        assert!(from::<Vec<String>>(payload).is_err());
        assert!(from::<HashMap<String, String>>(payload).is_err());
        assert!(from::<String>(payload).is_err());
        assert!(from::<Args>(payload).is_err());
        assert!(from::<Vec<u8>>(payload).is_err());
    }
}

#[derive(Debug, Deserialize)]
struct Tree {
    #[allow(dead_code)]
    #[serde(default)]
    kids: Vec<Self>,
}

#[test]
fn nesting_is_bounded_where_it_is_decoded_and_free_where_it_is_skipped() {
    // A struct of one field may come as an array of one element: two levels for each tree.
    let mut deep = vec![0x91; 200_000];
    deep.push(0x90);
    let text = refusal::<Tree>(&deep);
    assert!(text.ends_with("arrays and maps nest deeper than 128"), "{text}");
    assert!(from::<Tree>(&[vec![0x91; 127], vec![0x90]].concat()).is_ok());

    let mut skipped = b"\x83\xa1A\x0a\xa1X".to_vec();
    skipped.extend(vec![0x91; 200_000]);
    skipped.extend(b"\xc0\xa1B\x14");
    assert_eq!(from::<Args>(&skipped).unwrap(), Args { a: 10, b: 20 });
}

#[test]
fn unknown_fields_are_reported_with_their_path() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code)]
        items: Vec<Args>,
    }
    let payload = b"\x82\xa5items\x92\x82\xa1A\x01\xa1B\x02\x83\xa1A\x01\xa1B\x02\xa1C\x03\xa3odd\xc0";
    let mut unknown = Vec::new();
    <MsgPack as Decode<Outer>>::decode_reporting_unknown(&payload[..].into(), &mut unknown).unwrap();
    assert_eq!(unknown, ["items[1].C", "odd"]);
}
