//! Properties: what was written is read back, and whatever arrives is answered, not crashed on.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use proptest::prelude::*;
use trunkline::codec::{Json, MsgPack};
use trunkline::message;
use trunkline::types::{Any, Time};

use crate::sample::{decoded, encoded};

#[message]
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    small: i8,
    id: i64,
    unsigned: u64,
    ratio: f64,
    single: f32,
    flag: bool,
    text: String,
    raw: Vec<u8>,
    shared: Bytes,
    array: [u8; 5],
    list: Vec<String>,
    bytes: Vec<Vec<u8>>,
    table: BTreeMap<String, i32>,
    numbered: HashMap<i64, Vec<i64>>,
    maybe: Option<i64>,
    took: Duration,
    at: SystemTime,
    letter: char,
    pair: (u8, String),
    inner: Option<Box<Self>>,
    shape: Shape,
}

#[message]
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Nowhere,
    Label(String),
    Raw(Vec<u8>),
    Nested(Vec<i64>),
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nowhere),
        any::<String>().prop_map(Shape::Label),
        any::<Vec<u8>>().prop_map(Shape::Raw),
        any::<Vec<i64>>().prop_map(Shape::Nested),
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

fn leaf() -> impl Strategy<Value = Sample> {
    let numbers = (any::<i8>(), any::<i64>(), any::<u64>(), finite(), any::<f32>(), any::<bool>());
    let texts = (any::<String>(), any::<Vec<u8>>(), any::<Vec<u8>>(), any::<[u8; 5]>());
    let lists = (
        any::<Vec<String>>(),
        any::<Vec<Vec<u8>>>(),
        any::<BTreeMap<String, i32>>(),
        any::<HashMap<i64, Vec<i64>>>(),
    );
    let rest = (
        any::<Option<i64>>(),
        0..i64::MAX as u64,
        (-60_000_000_000..200_000_000_000_i64, 0..1_000_000_000_u32),
        any::<char>(),
        any::<(u8, String)>(),
        shape(),
    );
    (numbers, texts, lists, rest).prop_map(|(numbers, texts, lists, rest)| {
        let (small, id, unsigned, ratio, single, flag) = numbers;
        let (text, raw, shared, array) = texts;
        let (list, bytes, table, numbered) = lists;
        let (maybe, took, (seconds, nanos), letter, pair, shape) = rest;
        let since = Duration::from_secs(seconds.unsigned_abs());
        let second = if seconds < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since };
        Sample {
            small,
            id,
            unsigned,
            ratio,
            single: if single.is_finite() { single } else { 0.5 },
            flag,
            text,
            raw,
            shared: shared.into(),
            array,
            list,
            bytes,
            table,
            numbered,
            maybe,
            took: Duration::from_nanos(took),
            at: second + Duration::from_nanos(nanos.into()),
            letter,
            pair,
            inner: None,
            shape,
        }
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    (leaf(), proptest::option::of(leaf()))
        .prop_map(|(outer, inner)| Sample { inner: inner.map(Box::new), ..outer })
}

/// Values that both formats keep apart.
fn anything() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Nil),
        any::<bool>().prop_map(Any::Bool),
        any::<i64>().prop_map(Any::from),
        any::<u64>().prop_map(Any::Uint),
        any::<String>().prop_map(Any::Text),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Any::List),
            proptest::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| entries.into_iter().collect::<Any>()),
        ]
    })
}

/// Whether two values are the same but for how a number is kept.
fn alike(a: &Any, b: &Any) -> bool {
    match (a, b) {
        (Any::List(a), Any::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Any::Map(a), Any::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(&a.0, &b.0) && alike(&a.1, &b.1))
        }
        (Any::Number(_), _) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-15,
            _ => false,
        },
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_back_from_msgpack(sample in sample()) {
        prop_assert_eq!(decoded::<MsgPack, Sample>(&encoded::<MsgPack, _>(&sample)).unwrap(), sample);
    }

    #[test]
    fn messages_come_back_from_json(sample in sample()) {
        let text = encoded::<Json, _>(&sample);
        serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        prop_assert_eq!(decoded::<Json, Sample>(&text).unwrap(), sample);
    }

    #[test]
    fn json_means_what_another_writer_wrote(any in anything()) {
        let theirs = serde_json::to_vec(&any).unwrap();
        prop_assert_eq!(decoded::<Json, Any>(&theirs).unwrap(), any);
    }

    #[test]
    fn anything_comes_back(any in anything()) {
        prop_assert_eq!(&decoded::<MsgPack, Any>(&encoded::<MsgPack, _>(&any)).unwrap(), &any);
        prop_assert_eq!(&decoded::<Json, Any>(&encoded::<Json, _>(&any)).unwrap(), &any);
    }

    #[test]
    fn floats_come_back_and_mean_the_same_elsewhere(value in finite(), single in any::<f32>()) {
        let text = encoded::<Json, _>(&value);
        prop_assert_eq!(decoded::<Json, f64>(&text).unwrap().to_bits(), value.to_bits());
        // Their reader is off by a bit in the last place now and then.
        let theirs = serde_json::from_slice::<f64>(&text).unwrap();
        prop_assert!((theirs - value).abs() <= value.abs() * 1e-15, "{} is not {}", theirs, value);
        prop_assert_eq!(decoded::<MsgPack, f32>(&encoded::<MsgPack, _>(&single)).unwrap().to_bits(), single.to_bits());
    }

    #[test]
    fn times_come_back(seconds in -62_135_596_800..253_402_300_800_i64, nanos in 0..1_000_000_000_u32) {
        let time = Time::from_unix(seconds, nanos).unwrap();
        prop_assert_eq!(decoded::<MsgPack, Time>(&encoded::<MsgPack, _>(&time)).unwrap(), time);
        prop_assert_eq!(decoded::<Json, Time>(&encoded::<Json, _>(&time)).unwrap(), time);
    }

    #[test]
    fn any_bytes_are_answered(bytes in any::<Vec<u8>>()) {
        let _ = decoded::<MsgPack, Sample>(&bytes);
        let _ = decoded::<MsgPack, Any>(&bytes);
        let _ = decoded::<Json, Sample>(&bytes);
        let _ = decoded::<Json, Any>(&bytes);
    }

    #[test]
    fn a_message_with_a_wrong_byte_is_answered(sample in sample(), at in any::<prop::sample::Index>(), byte: u8) {
        for mut bytes in [encoded::<MsgPack, _>(&sample), encoded::<Json, _>(&sample)] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decoded::<MsgPack, Sample>(&bytes);
            let _ = decoded::<Json, Sample>(&bytes);
            let _ = decoded::<MsgPack, Sample>(&bytes[..at]);
            let _ = decoded::<Json, Sample>(&bytes[..at]);
        }
    }

    #[test]
    fn text_of_any_kind_reads_as_another_reader_reads_it(text in "[\\[\\]{}\",:0-9a-f.eE+\\-\\\\u ntrl]{0,24}") {
        let ours = decoded::<Json, Any>(text.as_bytes());
        if let Ok(theirs) = serde_json::from_str::<Any>(&text) {
            let ours = ours.unwrap();
            prop_assert!(alike(&ours, &theirs), "{:?} is not {:?}", ours, theirs);
        }
    }
}
