//! JSON: one test for each rule of the wire.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use trunkline::codec::{CodecError, Decode, Encode, Json};

use crate::sample;

fn to<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(sample::encoded::<Json, T>(value)).unwrap()
}

fn from<T: serde::de::DeserializeOwned>(payload: &str) -> Result<T, CodecError> {
    sample::decoded::<Json, T>(payload.as_bytes())
}

fn refusal<T: serde::de::DeserializeOwned + std::fmt::Debug>(payload: &str) -> String {
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
fn it_is_compact_with_fields_in_declaration_order() {
    assert_eq!(to(&Args { a: 10, b: 20 }), r#"{"A":10,"B":20}"#);
    assert_eq!(to(&BTreeMap::from([("b", vec![1, 2]), ("a", vec![])])), r#"{"a":[],"b":[1,2]}"#);
    assert_eq!(to(&(1, "a", None::<i64>, true)), r#"[1,"a",null,true]"#);
}

#[test]
fn html_is_escaped() {
    assert_eq!(to("<a href='x'>&\u{2028}"), r#""\u003ca href='x'\u003e\u0026\u2028""#);
    assert_eq!(to(&format_args!("<{}>", 1)), r#""\u003c1\u003e""#);
    assert_eq!(from::<String>(r#""\u003ca\u003e""#).unwrap(), "<a>");
}

#[test]
fn byte_slices_are_base64_and_byte_arrays_are_numbers() {
    assert_eq!(to(&b"foobar".to_vec()), r#""Zm9vYmFy""#);
    assert_eq!(to(&bytes::Bytes::from_static(b"fo")), r#""Zm8=""#);
    assert_eq!(to(b"ab"), "[97,98]");
    assert_eq!(to(&vec![b"f".to_vec()]), r#"["Zg=="]"#);
    assert_eq!(to(&Vec::<u8>::new()), "[]");
    assert_eq!(to(&vec![1_i8, 2]), "[1,2]");

    for payload in [r#""aGk=""#, "[104,105]"] {
        assert_eq!(from::<Vec<u8>>(payload).unwrap(), b"hi");
        assert_eq!(from::<bytes::Bytes>(payload).unwrap(), &b"hi"[..]);
    }
    assert_eq!(from::<[u8; 2]>("[104,105]").unwrap(), *b"hi");
    assert_eq!(
        refusal::<Vec<u8>>(r#""a*""#),
        "json: cannot decode Vec<u8>: found string \"a*\", expected an array: it stops being base64 at byte 1"
    );
}

#[test]
fn a_sequence_that_begins_like_bytes_may_go_on_otherwise() {
    struct Mixed;
    impl Serialize for Mixed {
        fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut seq = s.serialize_seq(None)?;
            for byte in 1..=4_u8 {
                seq.serialize_element(&byte)?;
            }
            seq.serialize_element("x")?;
            seq.serialize_element(&7_u8)?;
            seq.end()
        }
    }
    assert_eq!(to(&Mixed), r#"[1,2,3,4,"x",7]"#);
}

#[test]
fn floats_have_gos_form_and_must_be_finite() {
    assert_eq!(to(&[1.0, 1e21, 1e-7, 0.1]), "[1,1e+21,1e-7,0.1]");
    let error = Json::encode(&BTreeMap::from([("x", f64::NAN)]), &mut Vec::new()).unwrap_err();
    assert_eq!(error.text(), "unsupported value: NaN: JSON has finite numbers only");
    assert_eq!(from::<f64>("1e+21").unwrap(), 1e21);
    assert_eq!(from::<f32>("0.1").unwrap(), 0.1);
    assert_eq!(from::<f64>("7").unwrap(), 7.0);
    assert_eq!(refusal::<f64>("1e400"), "json: cannot decode f64: 1e400 does not fit in f64");
    assert_eq!(refusal::<f32>("1e39"), "json: cannot decode f32: 1e39 does not fit in f32");
}

#[test]
fn what_does_not_fit_is_refused_with_field_and_value() {
    assert_eq!(
        refusal::<Args>(r#"{"A":1,"B":300}"#),
        "json: cannot decode Args: field B: 300 does not fit in i8"
    );
    assert_eq!(
        refusal::<BTreeMap<String, Vec<Args>>>(r#"{"k":[null,{"A":1.5}]}"#),
        "json: cannot decode BTreeMap<String, Vec<Args>>: field k[1].A: found number 1.5, expected i64"
    );
    assert_eq!(refusal::<u8>("-1"), "json: cannot decode u8: -1 does not fit in u8");
    assert_eq!(
        refusal::<Args>(r#"{"A":"x"}"#),
        "json: cannot decode Args: field A: found string \"x\", expected i64"
    );
}

#[test]
fn null_is_the_zero_value_of_anything() {
    assert_eq!(from::<i64>("null").unwrap(), 0);
    assert_eq!(from::<f64>("null").unwrap(), 0.0);
    assert!(!from::<bool>("null").unwrap());
    assert_eq!(from::<String>("null").unwrap(), "");
    assert_eq!(from::<Vec<u8>>("null").unwrap(), b"");
    assert_eq!(from::<Vec<String>>("null").unwrap(), Vec::<String>::new());
    assert_eq!(from::<HashMap<String, i64>>("null").unwrap(), HashMap::new());
    assert_eq!(from::<Option<i64>>("null").unwrap(), None);
    assert_eq!(from::<Args>("null").unwrap(), Args { a: 0, b: 0 });
    assert_eq!(from::<Args>(r#"{"A":null,"B":null}"#).unwrap(), Args { a: 0, b: 0 });
    assert_eq!(from::<(i64, [u16; 2])>("null").unwrap(), (0, [0; 2]));
    assert_eq!(from::<Shape>("null").unwrap(), Shape::Point);
    assert_eq!(from::<char>("null").unwrap(), '\0');
    from::<()>("null").unwrap();
}

#[test]
fn unknown_fields_are_skipped() {
    let args = from::<Args>(r#" { "A" : 1 , "x": [{"y":[]},"\"}"], "B":2 } "#).unwrap();
    assert_eq!(args, Args { a: 1, b: 2 });
}

#[test]
fn names_may_differ_in_case_when_none_matches_exactly() {
    assert_eq!(from::<Args>(r#"{"a":1,"b":2}"#).unwrap(), Args { a: 1, b: 2 });
    #[derive(Debug, PartialEq, Deserialize)]
    struct Both {
        name: i64,
        #[serde(rename = "NAME")]
        shouted: i64,
    }
    assert_eq!(from::<Both>(r#"{"NAME":1,"name":2}"#).unwrap(), Both { name: 2, shouted: 1 });
    let keys: HashMap<String, i64> = from(r#"{"a":1,"A":2}"#).unwrap();
    assert_eq!(keys.len(), 2);
}

#[test]
fn only_the_first_value_counts() {
    assert_eq!(from::<i64>("7 garbage").unwrap(), 7);
    assert_eq!(from::<Args>("{\"A\":1,\"B\":2}}\n{").unwrap().a, 1);
}

#[test]
fn an_empty_payload_gives_gos_text() {
    for empty in ["", " \n\t"] {
        assert_eq!(from::<Args>(empty).unwrap_err().text(), "EOF");
    }
    assert_eq!(from::<Args>("{\"A\":1").unwrap_err().text(), "unexpected EOF");
}

#[test]
fn broken_json_is_refused_with_its_place() {
    assert_eq!(
        refusal::<Args>("{\"A\":1;"),
        "json: cannot decode Args: invalid character ';' after object key:value pair, at byte 6"
    );
    for broken in [
        "{",
        "{\"A\"",
        "{\"A\":",
        "{\"A\":}",
        "{\"A\":1,}",
        "{A:1}",
        "[",
        "\"",
        "nul",
        "tru",
        "{\"A\":01}",
        "{\"A\":1 \"B\":2}",
        "{\"X\":[1,]}",
        "]",
        "}",
    ] {
        assert!(from::<Args>(broken).is_err(), "{broken}");
    }
    for broken in ["[1 2]", "[1,]", "[,1]", "[1", "[1}"] {
        assert!(from::<Vec<i64>>(broken).is_err(), "{broken}");
    }
}

#[test]
fn keys_that_are_numbers_are_text() {
    assert_eq!(to(&BTreeMap::from([(-1_i64, 1), (7, 2)])), r#"{"-1":1,"7":2}"#);
    assert_eq!(from::<BTreeMap<i64, i64>>(r#"{"-1":1,"7":2}"#).unwrap(), BTreeMap::from([(-1, 1), (7, 2)]));
    assert_eq!(
        refusal::<BTreeMap<i64, i64>>(r#"{"x":1}"#),
        "json: cannot decode BTreeMap<i64, i64>: field x: the key \"x\" is not i64"
    );
    let error = Json::encode(&BTreeMap::from([((1, 2), 3)]), &mut Vec::new()).unwrap_err();
    assert_eq!(error.text(), "a JSON key is a string or an integer, not a tuple");
}

#[test]
fn enums_are_a_name_or_one_member() {
    for (value, text) in [
        (Shape::Point, r#""Point""#),
        (Shape::Circle(1.0), r#"{"Circle":1}"#),
        (Shape::Pair(1, -1), r#"{"Pair":[1,-1]}"#),
        (Shape::Rect { w: 1, h: 2 }, r#"{"Rect":{"w":1,"h":2}}"#),
    ] {
        assert_eq!(to(&value), text);
        assert_eq!(from::<Shape>(text).unwrap(), value);
    }
    assert!(from::<Shape>(r#"{"Circle":1,"Point":null}"#).is_err());
}

#[test]
fn text_that_is_not_unicode_is_replaced_as_in_go() {
    let text: String = sample::decoded::<Json, _>(b"\"a\xff\"").unwrap();
    assert_eq!(text, "a\u{fffd}");
    assert_eq!(from::<String>(r#""\ud800""#).unwrap(), "\u{fffd}");
}

#[derive(Debug, Deserialize)]
struct Tree {
    #[allow(dead_code)]
    #[serde(default)]
    kids: Vec<Self>,
}

#[test]
fn nesting_is_bounded() {
    let deep = r#"{"kids":["#.repeat(100_000);
    let text = refusal::<Tree>(&deep);
    assert!(text.ends_with("arrays and objects nest deeper than 128"), "{text}");
    assert!(from::<Args>(&format!("{{\"x\":{}", "[".repeat(200_000))).is_err());
    assert!(from::<Tree>(&format!("{}{}", r#"{"kids":["#.repeat(64), "]}".repeat(64))).is_ok());
}

#[test]
fn unknown_fields_are_reported_with_their_path() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code)]
        items: Vec<Args>,
    }
    let payload = r#"{"items":[{"A":1,"B":2},{"A":1,"B":2,"C":[1]}],"odd":null}"#;
    let mut unknown = Vec::new();
    <Json as Decode<Outer>>::decode_reporting_unknown(&payload.into(), &mut unknown).unwrap();
    assert_eq!(unknown, ["items[1].C", "odd"]);
}
