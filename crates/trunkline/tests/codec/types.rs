//! The types that cross between Go and Rust, in both formats.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline::codec::{Encode, Json, MsgPack};
use trunkline::types::{Any, Decimal, Duration, Time};

use crate::sample::{Both, both, decoded, encoded};

fn time(seconds: i64, nanos: u32) -> Time {
    Time::from_unix(seconds, nanos).unwrap()
}

#[test]
fn a_time_is_an_extension_and_text() {
    both(
        &time(1_700_000_000, 0),
        Both { json: r#""2023-11-14T22:13:20Z""#, msgpack: b"\xd6\xff\x65\x53\xf1\x00" },
    );
    both(
        &time(1_700_000_000, 500_000_000),
        Both { json: r#""2023-11-14T22:13:20.5Z""#, msgpack: b"\xd7\xff\x77\x35\x94\x00\x65\x53\xf1\x00" },
    );
    both(
        &Time::ZERO,
        Both {
            json: r#""0001-01-01T00:00:00Z""#,
            msgpack: b"\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xf1\x88\x6e\x09\x00",
        },
    );
}

#[test]
fn a_time_is_read_in_every_form_go_reads() {
    let expected = time(1_700_000_000, 0);
    for payload in [
        &b"\xd6\xff\x65\x53\xf1\x00"[..],
        b"\xd6\x0d\x65\x53\xf1\x00",
        b"\xd7\xff\x00\x00\x00\x00\x65\x53\xf1\x00",
        b"\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x00\x65\x53\xf1\x00",
        b"\xc7\x04\xff\x65\x53\xf1\x00",
        b"\xc7\x0c\x05\x00\x00\x00\x00\x65\x53\xf1\x00\x00\x00\x00\x00",
        b"\x92\xce\x65\x53\xf1\x00\x00",
        b"\x92\xd3\x00\x00\x00\x00\x65\x53\xf1\x00\xd3\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xb42023-11-14T22:13:20Z",
        b"\xc4\x142023-11-14T22:13:20Z",
        b"\xb92023-11-14T23:13:20+01:00",
    ] {
        assert_eq!(decoded::<MsgPack, Time>(payload).unwrap(), expected, "{payload:02x?}");
    }
    assert_eq!(decoded::<MsgPack, Time>(b"\xc0").unwrap(), Time::ZERO);
    assert_eq!(decoded::<Json, Time>(b"null").unwrap(), Time::ZERO);
    for wrong in
        [&b"\xd6\x05\x65\x53\xf1\x00"[..], b"\x91\x00", b"\x05", b"\xa1x", b"\xd4\xff\x00", b"\x92\x00\xff"]
    {
        assert!(decoded::<MsgPack, Time>(wrong).is_err(), "{wrong:02x?}");
    }
    assert_eq!(
        decoded::<MsgPack, BTreeMap<String, i64>>(b"\x81\xa1k\xd6\xff\x65\x53\xf1\x00")
            .unwrap_err()
            .to_string(),
        "msgpack: cannot decode BTreeMap<String, i64>: field k: found an extension of type -1, expected i64"
    );
}

#[test]
fn a_year_json_has_no_digits_for_is_refused() {
    let error = Json::encode(&time(1 << 50, 0), &mut Vec::new()).unwrap_err();
    assert!(error.text().ends_with("is outside of 0 to 9999"), "{error}");
}

#[test]
fn a_time_survives_serdes_buffer() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        at: Time,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        inner: Inner,
    }
    let flat = Flat { inner: Inner { at: time(5, 7) } };
    assert_eq!(decoded::<MsgPack, Flat>(&encoded::<MsgPack, _>(&flat)).unwrap(), flat);
    assert_eq!(decoded::<Json, Flat>(&encoded::<Json, _>(&flat)).unwrap(), flat);
}

#[test]
fn a_duration_is_nanoseconds() {
    both(&Duration::from_nanos(-1), Both { json: "-1", msgpack: b"\xff" });
    assert_eq!(
        decoded::<MsgPack, Duration>(b"\xd3\x00\x00\x00\x00\x3b\x9a\xca\x00").unwrap().to_string(),
        "1s"
    );
}

#[test]
fn a_decimal_is_bytes_and_text_and_is_read_from_any_number() {
    let price: Decimal = "19.90".parse().unwrap();
    both(&price, Both { json: r#""19.90""#, msgpack: b"\xc4\x0519.90" });
    assert_eq!(decoded::<MsgPack, Decimal>(b"\xa519.90").unwrap(), price);
    assert_eq!(decoded::<MsgPack, Decimal>(b"\xc4\x07\xff\xff\xff\xfe\x02\x07\xc6").unwrap(), price);
    assert_eq!(decoded::<MsgPack, Decimal>(b"\xfb").unwrap().as_str(), "-5");
    assert_eq!(decoded::<MsgPack, Decimal>(b"\xc0").unwrap(), Decimal::default());
    for (text, kept) in [
        ("19.90", "19.90"),
        ("7", "7"),
        ("-1e-9", "-1e-9"),
        ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        (r#""19.90""#, "19.90"),
        ("null", "0"),
    ] {
        assert_eq!(decoded::<Json, Decimal>(text.as_bytes()).unwrap().as_str(), kept);
    }
    assert!(decoded::<Json, Decimal>(br#""abc""#).is_err());
    assert!(decoded::<MsgPack, Decimal>(b"\xd6\xff\x65\x53\xf1\x00").is_err());
}

#[test]
fn any_keeps_what_it_was() {
    let bytes =
        b"\x89\xa1a\xc0\xa1b\xc3\xa1c\x05\xa1d\xfb\xa1e\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1f\xc4\x02hi\
                  \xa1g\xd6\xff\x65\x53\xf1\x00\xa1h\xd4\x07\x01\xa1i\x92\x01\x02";
    let any: Any = decoded::<MsgPack, _>(bytes).unwrap();
    assert_eq!(any.get("a"), Some(&Any::Nil));
    assert_eq!(any.get("f"), Some(&Any::Bytes(Bytes::from_static(b"hi"))));
    assert_eq!(any.get("g"), Some(&Any::Time(time(1_700_000_000, 0))));
    assert_eq!(any.get("h"), Some(&Any::Ext(7, Bytes::from_static(b"\x01"))));
    assert_eq!(any.get("i").and_then(|list| list.at(1)).and_then(Any::as_i64), Some(2));
    assert_eq!(encoded::<MsgPack, _>(&any), bytes);
}

#[test]
fn any_keeps_the_text_of_a_json_number() {
    let text = r#"{"a":1.10,"b":1.5,"c":123456789012345678901,"d":-7,"e":[null,true,"x",1e+21]}"#;
    let any: Any = decoded::<Json, _>(text.as_bytes()).unwrap();
    assert_eq!(any.get("a"), Some(&Any::Number("1.10".into())));
    assert_eq!(any.get("b"), Some(&Any::Float(1.5)));
    assert_eq!(any.get("d"), Some(&Any::Int(-7)));
    assert_eq!(String::from_utf8(encoded::<Json, _>(&any)).unwrap(), text);
    assert_eq!(
        decoded::<MsgPack, Any>(&encoded::<MsgPack, _>(&any)).unwrap().get("a"),
        Some(&Any::Float(1.1))
    );
    assert!(Json::encode(&Any::Number("1,\"x\":2".into()), &mut Vec::new()).is_err());
}

#[test]
fn any_reads_from_other_formats_of_serdes() {
    let any: Any = serde_json::from_str(r#"{"a":[1,-1,1.5,null,"x"]}"#).unwrap();
    assert_eq!(any.get("a").and_then(|list| list.at(1)), Some(&Any::Int(-1)));
    assert_eq!(serde_json::to_string(&any).unwrap(), r#"{"a":[1,-1,1.5,null,"x"]}"#);
}
