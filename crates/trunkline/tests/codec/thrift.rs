//! Thrift's binary protocol: the same bytes as Go's, and no trust in what arrives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use trunkline::codec::{CodecError, Encode, Thrift};

use crate::sample::{decoded, encoded};

#[derive(Debug, Clone, PartialEq, trunkline::Thrift)]
struct Args {
    #[thrift(1)]
    a: i32,
    #[thrift(2)]
    b: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, trunkline::Thrift)]
enum Level {
    Low = 1,
    High,
    None = 0,
}

#[derive(Debug, PartialEq, trunkline::Thrift)]
struct Everything {
    #[thrift(1)]
    flag: bool,
    #[thrift(2)]
    tiny: i8,
    #[thrift(3)]
    small: i16,
    #[thrift(4)]
    big: i64,
    #[thrift(5)]
    ratio: f64,
    #[thrift(6)]
    text: String,
    #[thrift(7)]
    raw: Vec<u8>,
    #[thrift(8)]
    shared: Bytes,
    #[thrift(9)]
    list: Vec<Args>,
    #[thrift(10)]
    set: BTreeSet<String>,
    #[thrift(11)]
    table: BTreeMap<String, Vec<i64>>,
    #[thrift(12)]
    maybe: Option<Box<Args>>,
    #[thrift(300)]
    level: Level,
    #[thrift(301)]
    hashed: HashMap<i32, Level>,
}

fn everything() -> Everything {
    Everything {
        flag: true,
        tiny: -1,
        small: 2,
        big: -3,
        ratio: 1.5,
        text: "hi".into(),
        raw: vec![0, 255],
        shared: Bytes::from_static(b"ab"),
        list: vec![Args { a: 1, b: 2 }],
        set: BTreeSet::from(["x".to_owned()]),
        table: BTreeMap::from([("k".to_owned(), vec![7])]),
        maybe: Some(Box::new(Args { a: 3, b: 4 })),
        level: Level::High,
        hashed: HashMap::from([(1, Level::Low)]),
    }
}

const GOLDEN: &[u8] = b"\x08\x00\x01\x00\x00\x00\x0a\x08\x00\x02\x00\x00\x00\x14\x00";

#[test]
fn the_golden_call() {
    assert_eq!(encoded::<Thrift, _>(&Args { a: 10, b: 20 }), GOLDEN);
    assert_eq!(decoded::<Thrift, Args>(GOLDEN).unwrap(), Args { a: 10, b: 20 });
}

#[test]
fn every_type_in_its_bytes() {
    let bytes = [
        &b"\x02\x00\x01\x01"[..],
        b"\x03\x00\x02\xff",
        b"\x06\x00\x03\x00\x02",
        b"\x0a\x00\x04\xff\xff\xff\xff\xff\xff\xff\xfd",
        b"\x04\x00\x05\x3f\xf8\x00\x00\x00\x00\x00\x00",
        b"\x0b\x00\x06\x00\x00\x00\x02hi",
        b"\x0b\x00\x07\x00\x00\x00\x02\x00\xff",
        b"\x0b\x00\x08\x00\x00\x00\x02ab",
        b"\x0f\x00\x09\x0c\x00\x00\x00\x01\x08\x00\x01\x00\x00\x00\x01\x08\x00\x02\x00\x00\x00\x02\x00",
        b"\x0e\x00\x0a\x0b\x00\x00\x00\x01\x00\x00\x00\x01x",
        b"\x0d\x00\x0b\x0b\x0f\x00\x00\x00\x01\x00\x00\x00\x01k\x0a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x07",
        b"\x0c\x00\x0c\x08\x00\x01\x00\x00\x00\x03\x08\x00\x02\x00\x00\x00\x04\x00",
        b"\x08\x01\x2c\x00\x00\x00\x02",
        b"\x0d\x01\x2d\x08\x08\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01",
        b"\x00",
    ]
    .concat();
    assert_eq!(encoded::<Thrift, _>(&everything()), bytes);
    assert_eq!(decoded::<Thrift, Everything>(&bytes).unwrap(), everything());
    for cut in 1..bytes.len() {
        let error = decoded::<Thrift, Everything>(&bytes[..cut]).unwrap_err();
        assert!(!error.text().is_empty(), "cut at {cut}");
    }
}

#[test]
fn a_missing_field_is_zero_unless_it_is_required() {
    let zero = decoded::<Thrift, Everything>(b"\x00").unwrap();
    assert_eq!((zero.big, zero.level, zero.maybe), (0, Level::None, None));

    #[derive(Debug, trunkline::Thrift)]
    struct Strict {
        #[thrift(1, required)]
        #[allow(dead_code)]
        a: i32,
    }
    let error = decoded::<Thrift, Strict>(b"\x00").unwrap_err();
    assert_eq!(error.to_string(), "thrift: cannot decode Strict: missing required field a");
}

#[test]
fn an_absent_option_is_not_written() {
    #[derive(Debug, PartialEq, trunkline::Thrift)]
    struct Maybe {
        #[thrift(1)]
        a: Option<i32>,
    }
    assert_eq!(encoded::<Thrift, _>(&Maybe { a: None }), b"\x00");
    assert_eq!(decoded::<Thrift, Maybe>(b"\x00").unwrap(), Maybe { a: None });
    assert_eq!(decoded::<Thrift, Maybe>(b"\x08\x00\x01\x00\x00\x00\x00\x00").unwrap(), Maybe { a: Some(0) });
}

#[test]
fn unknown_fields_and_fields_of_another_type_are_skipped() {
    let payload = b"\x0b\x00\x01\x00\x00\x00\x02hi\x08\x00\x02\x00\x00\x00\x14\x0f\x00\x09\x08\x00\x00\x00\x01\x00\x00\x00\x07\x00";
    assert_eq!(decoded::<Thrift, Args>(payload).unwrap(), Args { a: 0, b: 20 });
}

#[test]
fn errors_say_where() {
    #[derive(Debug, PartialEq, trunkline::Thrift)]
    struct Outer {
        #[thrift(1)]
        inner: Inner,
    }
    #[derive(Debug, PartialEq, trunkline::Thrift)]
    struct Inner {
        #[thrift(1)]
        level: Level,
    }
    let error: CodecError =
        decoded::<Thrift, Outer>(b"\x0c\x00\x01\x08\x00\x01\x00\x00\x00\x09\x00\x00").unwrap_err();
    assert_eq!(
        error.to_string(),
        "thrift: cannot decode Outer: field inner.level: 9 is no Level; known are Low, High, None"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn an_empty_payload_gives_gos_text() {
    assert_eq!(decoded::<Thrift, Args>(b"").unwrap_err().text(), "EOF");
    assert_eq!(decoded::<Thrift, Args>(b"\x08\x00").unwrap_err().text(), "unexpected EOF");
}

#[test]
fn hostile_lengths_are_refused_at_once() {
    for payload in [
        &b"\x0b\x00\x06\x7f\xff\xff\xff"[..],
        b"\x0b\x00\x07\xff\xff\xff\xff",
        b"\x0f\x00\x09\x0c\x7f\xff\xff\xff",
        b"\x0f\x00\x09\x02\x7f\xff\xff\xff",
        b"\x0e\x00\x0a\x0b\x7f\xff\xff\xff",
        b"\x0d\x00\x0b\x0b\x0f\x7f\xff\xff\xff",
        b"\x0f\x00\x77\x02\x7f\xff\xff\xff",
        b"\x0d\x00\x77\x01\x01\x7f\xff\xff\xff",
    ] {
        assert!(decoded::<Thrift, Everything>(payload).is_err(), "{payload:02x?}");
    }
}

#[test]
fn nesting_is_bounded_known_and_unknown() {
    #[derive(Debug, PartialEq, trunkline::Thrift)]
    struct Node {
        #[thrift(1)]
        next: Option<Box<Self>>,
    }
    for id in [1, 9] {
        let mut deep = [0x0c, 0x00, id].repeat(200_000);
        deep.extend(vec![0; 200_001]);
        assert!(decoded::<Thrift, Node>(&deep).is_err());
    }
    let mut chain = Node { next: None };
    for _ in 0..50 {
        chain = Node { next: Some(Box::new(chain)) };
    }
    assert_eq!(decoded::<Thrift, Node>(&encoded::<Thrift, _>(&chain)).unwrap(), chain);
    for _ in 0..50 {
        chain = Node { next: Some(Box::new(chain)) };
    }
    assert!(Thrift::encode(&chain, &mut Vec::new()).is_err());
}
