//! `#[trunkline::message]` on structs: what it writes and what it reads, rule by rule.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use trunkline::codec::{Decode, Json, MsgPack};
use trunkline::message;

use crate::sample::{Both, both, decoded, encoded};

#[message]
#[derive(Debug, Clone, PartialEq, Default)]
struct Args {
    a: i64,
    b: i8,
}

#[test]
fn names_are_gos() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct User {
        user_id: i64,
        avatar_url: String,
        r#type: String,
        file_name: String,
    }
    let user = User { user_id: 1, avatar_url: "u".into(), r#type: "t".into(), file_name: "f".into() };
    both(
        &user,
        Both {
            json: r#"{"UserID":1,"AvatarURL":"u","Type":"t","FileName":"f"}"#,
            msgpack: b"\x84\xa6UserID\x01\xa9AvatarURL\xa1u\xa4Type\xa1t\xa8FileName\xa1f",
        },
    );
}

#[test]
fn names_can_be_given_for_each_format() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Transfer {
        #[message(json = "file_name")]
        file_name: String,
        #[message(name = "size")]
        file_size: i64,
        #[message(name = "Both", msgpack = "Packed")]
        third: i64,
    }
    both(
        &Transfer { file_name: "x".into(), file_size: 2, third: 3 },
        Both {
            json: r#"{"file_name":"x","size":2,"Both":3}"#,
            msgpack: b"\x83\xa8FileName\xa1x\xa4size\x02\xa6Packed\x03",
        },
    );
}

#[test]
fn a_rule_for_all_names_of_a_format() {
    #[message(json_names = "snake_case")]
    #[derive(Debug, PartialEq)]
    struct Snake {
        user_id: i64,
    }
    both(&Snake { user_id: 1 }, Both { json: r#"{"user_id":1}"#, msgpack: b"\x81\xa6UserID\x01" });

    #[message(names = "camelCase", msgpack_names = "lowercase")]
    #[derive(Debug, PartialEq)]
    struct Camel {
        user_id: i64,
    }
    both(&Camel { user_id: 1 }, Both { json: r#"{"userId":1}"#, msgpack: b"\x81\xa6userid\x01" });
}

#[test]
fn the_golden_call() {
    assert_eq!(encoded::<MsgPack, _>(&Args { a: 10, b: 20 }), b"\x82\xa1A\x0a\xa1B\x14");
    assert_eq!(encoded::<Json, _>(&Args { a: 10, b: 20 }), br#"{"A":10,"B":20}"#);
}

#[test]
fn the_golden_file_transfer() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct TransferArgs {
        #[message(json = "file_name")]
        file_name: String,
        #[message(json = "file_size")]
        file_size: i64,
        #[message(json = "meta")]
        meta: HashMap<String, String>,
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct TransferReply {
        token: Vec<u8>,
        addr: String,
    }
    let args: TransferArgs = decoded::<MsgPack, _>(
        b"\x83\xa8FileName\xa7abc.txt\xa8FileSize\xd3\x00\x00\x00\x00\x00\x00\x05\xa4\xa4Meta\x81\xa3foo\xa3bar",
    )
    .unwrap();
    assert_eq!(
        (args.file_name.as_str(), args.file_size, args.meta["foo"].as_str()),
        ("abc.txt", 1444, "bar")
    );

    let token: Vec<u8> = (0..32).collect();
    let payload = [&b"\x82\xa5Token\xc4\x20"[..], &token, b"\xa4Addr\xae127.0.0.1:8973"].concat();
    let reply = TransferReply { token, addr: "127.0.0.1:8973".into() };
    assert_eq!(decoded::<MsgPack, TransferReply>(&payload).unwrap(), reply);
    assert_eq!(encoded::<MsgPack, _>(&reply), payload);
}

#[test]
fn what_is_missing_or_nil_is_zero_without_default() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct NoDefault {
        n: i64,
        text: String,
        list: Vec<Args>,
        table: HashMap<String, Args>,
        inner: Args,
        maybe: Option<Args>,
        raw: Vec<u8>,
        id: [u8; 4],
        wait: Duration,
        pair: (i64, String),
    }
    let zero = NoDefault {
        n: 0,
        text: String::new(),
        list: vec![],
        table: HashMap::new(),
        inner: Args { a: 0, b: 0 },
        maybe: None,
        raw: vec![],
        id: [0; 4],
        wait: Duration::ZERO,
        pair: (0, String::new()),
    };
    let names = ["N", "Text", "List", "Table", "Inner", "Maybe", "Raw", "ID", "Wait", "Pair"];
    let nils: BTreeMap<_, ()> = names.map(|name| (name, ())).into_iter().collect();
    assert_eq!(decoded::<MsgPack, NoDefault>(b"\x80").unwrap(), zero);
    assert_eq!(decoded::<MsgPack, NoDefault>(b"\xc0").unwrap(), zero);
    assert_eq!(decoded::<MsgPack, NoDefault>(&encoded::<MsgPack, _>(&nils)).unwrap(), zero);
    assert_eq!(decoded::<Json, NoDefault>(b"{}").unwrap(), zero);
    assert_eq!(decoded::<Json, NoDefault>(b"null").unwrap(), zero);
    assert_eq!(decoded::<Json, NoDefault>(&encoded::<Json, _>(&nils)).unwrap(), zero);
}

#[test]
fn default_fills_what_is_missing() {
    fn seven() -> i64 {
        7
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct Filled {
        #[message(default = seven)]
        n: i64,
        #[message(default)]
        address: Address,
    }
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Address(std::net::IpAddr);
    impl Default for Address {
        fn default() -> Self {
            Self(std::net::Ipv4Addr::LOCALHOST.into())
        }
    }
    let filled = Filled { n: 7, address: Address::default() };
    assert_eq!(decoded::<Json, Filled>(b"{}").unwrap(), filled);

    #[message]
    #[derive(Debug)]
    struct Unfilled {
        #[allow(dead_code)]
        address: Address,
    }
    assert_eq!(
        decoded::<Json, Unfilled>(b"{}").unwrap_err().to_string(),
        "json: cannot decode Unfilled: missing field Address, whose type has no zero value: send it, or mark it \
         #[message(default)]"
    );
}

#[test]
fn byte_fields_are_bin_and_base64_and_arrays_are_numbers_in_json() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Blobs {
        list: Vec<u8>,
        shared: Bytes,
        boxed: Box<[u8]>,
        array: [u8; 3],
        maybe: Option<Vec<u8>>,
        many: Vec<Vec<u8>>,
    }
    both(
        &Blobs {
            list: b"hi".to_vec(),
            shared: Bytes::from_static(b"hi"),
            boxed: b"hi".to_vec().into(),
            array: *b"abc",
            maybe: Some(vec![]),
            many: vec![vec![], b"x".to_vec()],
        },
        Both {
            json: r#"{"List":"aGk=","Shared":"aGk=","Boxed":"aGk=","Array":[97,98,99],"Maybe":"","Many":["","eA=="]}"#,
            msgpack: b"\x86\xa4List\xc4\x02hi\xa6Shared\xc4\x02hi\xa5Boxed\xc4\x02hi\xa5Array\xc4\x03abc\
                       \xa5Maybe\xc4\x00\xa4Many\x92\xc4\x00\xc4\x01x",
        },
    );
}

#[test]
fn byte_arrays_may_be_long_and_come_short() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Signed {
        signature: [u8; 64],
    }
    let signed = Signed { signature: [7; 64] };
    assert_eq!(decoded::<MsgPack, Signed>(&encoded::<MsgPack, _>(&signed)).unwrap(), signed);
    assert_eq!(decoded::<Json, Signed>(&encoded::<Json, _>(&signed)).unwrap(), signed);

    let short = decoded::<MsgPack, Signed>(b"\x81\xa9Signature\xc4\x02hi").unwrap();
    assert_eq!(short.signature[..3], *b"hi\0");
    let long = [b"\x81\xa9Signature\xc4\x41".to_vec(), vec![0; 65]].concat();
    assert_eq!(
        decoded::<MsgPack, Signed>(&long).unwrap_err().to_string(),
        "msgpack: cannot decode Signed: field Signature: invalid length 65, expected at most 64 bytes"
    );
}

#[test]
fn times_and_durations_are_gos() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Job {
        started: SystemTime,
        took: Duration,
        limits: BTreeMap<String, Duration>,
        ended: Option<SystemTime>,
    }
    both(
        &Job {
            started: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            took: Duration::from_millis(1500),
            limits: BTreeMap::from([("a".into(), Duration::from_nanos(5))]),
            ended: None,
        },
        Both {
            json: r#"{"Started":"2023-11-14T22:13:20Z","Took":1500000000,"Limits":{"a":5},"Ended":null}"#,
            msgpack:
                b"\x84\xa7Started\xd6\xff\x65\x53\xf1\x00\xa4Took\xce\x59\x68\x2f\x00\xa6Limits\x81\xa1a\x05\
                       \xa5Ended\xc0",
        },
    );
    assert_eq!(
        decoded::<MsgPack, Job>(b"\x81\xa4Took\xff").unwrap_err().text(),
        "-1ns is negative, which std::time::Duration cannot be; take trunkline::types::Duration"
    );
}

#[test]
fn plain_leaves_a_field_to_its_own_serde() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Own {
        #[message(plain)]
        took: Duration,
    }
    both(
        &Own { took: Duration::new(1, 2) },
        Both {
            json: r#"{"Took":{"secs":1,"nanos":2}}"#,
            msgpack: b"\x81\xa4Took\x82\xa4secs\x01\xa5nanos\x02",
        },
    );
}

#[test]
fn omit_empty_leaves_out_what_go_would() {
    #[message]
    #[derive(Debug, PartialEq, Default)]
    struct Sparse {
        #[message(omit_empty)]
        n: i64,
        always: i64,
        #[message(omit_empty)]
        text: String,
        #[message(omit_empty)]
        list: Vec<u8>,
        #[message(omit_empty)]
        maybe: Option<i64>,
        #[message(omit_empty)]
        inner: Args,
    }
    both(
        &Sparse::default(),
        Both {
            json: r#"{"Always":0,"Inner":{"A":0,"B":0}}"#,
            msgpack: b"\x82\xa6Always\x00\xa5Inner\x82\xa1A\x00\xa1B\x00",
        },
    );
    let full = Sparse { n: 1, text: "t".into(), list: vec![1], maybe: Some(0), ..Sparse::default() };
    assert_eq!(
        String::from_utf8(encoded::<Json, _>(&full)).unwrap(),
        r#"{"N":1,"Always":0,"Text":"t","List":"AQ==","Maybe":0,"Inner":{"A":0,"B":0}}"#
    );
}

#[test]
fn skipped_fields_do_not_travel() {
    #[derive(Debug, PartialEq, Default)]
    struct NotSerde;
    #[message]
    #[derive(Debug, PartialEq)]
    struct Partly {
        a: i64,
        #[message(skip)]
        local: NotSerde,
        b: i64,
    }
    both(
        &Partly { a: 1, local: NotSerde, b: 2 },
        Both { json: r#"{"A":1,"B":2}"#, msgpack: b"\x82\xa1A\x01\xa1B\x02" },
    );
    assert_eq!(decoded::<MsgPack, Partly>(b"\x92\x01\x02").unwrap().b, 2);
}

#[message]
#[derive(Debug, PartialEq, Default)]
struct Base {
    id: i64,
    #[message(json = "label")]
    label: String,
}

#[message]
#[derive(Debug, PartialEq, Default)]
struct Middle {
    #[message(flatten)]
    base: Base,
    level: i64,
}

#[message]
#[derive(Debug, PartialEq, Default)]
struct Outer {
    first: i64,
    #[message(flatten)]
    middle: Middle,
    between: i64,
    #[message(flatten)]
    args: Args,
    last: i64,
}

fn outer() -> Outer {
    let base = Base { id: 2, label: "x".into() };
    Outer { first: 1, middle: Middle { base, level: 3 }, between: 4, args: Args { a: 5, b: 6 }, last: 7 }
}

#[test]
fn embedded_messages_are_flattened_in_place() {
    both(
        &outer(),
        Both {
            json: r#"{"First":1,"ID":2,"label":"x","Level":3,"Between":4,"A":5,"B":6,"Last":7}"#,
            msgpack: b"\x88\xa5First\x01\xa2ID\x02\xa5Label\xa1x\xa5Level\x03\xa7Between\x04\xa1A\x05\xa1B\x06\xa4Last\x07",
        },
    );
}

#[test]
fn embedded_messages_are_read_in_any_order_missing_and_as_an_array() {
    assert_eq!(
        decoded::<Json, Outer>(
            br#"{"B":6,"last":7,"x":[],"LABEL":"x","between":4,"A":5,"Level":3,"First":1,"id":2}"#
        )
        .unwrap(),
        outer()
    );
    assert_eq!(decoded::<MsgPack, Outer>(b"\x80").unwrap(), Outer::default());
    assert_eq!(decoded::<MsgPack, Outer>(b"\xc0").unwrap(), Outer::default());
    assert_eq!(decoded::<MsgPack, Outer>(b"\x98\x01\x02\xa1x\x03\x04\x05\x06\x07").unwrap(), outer());
    for wrong in [&b"\x97\x01\x02\xa1x\x03\x04\x05\x06"[..], b"\x99\x01\x02\xa1x\x03\x04\x05\x06\x07\x08"] {
        assert_eq!(
            decoded::<MsgPack, Outer>(wrong).unwrap_err().text(),
            "number of fields in array-encoded struct has changed"
        );
    }
    assert_eq!(
        decoded::<MsgPack, Outer>(b"\x81\xa1B\xcd\x01\x2c").unwrap_err().to_string(),
        "msgpack: cannot decode Outer: field B: 300 does not fit in i8"
    );
}

#[test]
fn an_outer_field_hides_an_embedded_one_of_the_same_name() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Hides {
        #[message(flatten)]
        args: Args,
        a: String,
    }
    let hides: Hides = decoded::<Json, _>(br#"{"A":"x","B":1}"#).unwrap();
    assert_eq!(hides, Hides { args: Args { a: 0, b: 1 }, a: "x".into() });
}

#[test]
fn a_struct_may_come_as_an_array_of_all_its_fields() {
    assert_eq!(decoded::<MsgPack, Args>(b"\x92\x0a\x14").unwrap(), Args { a: 10, b: 20 });
    for wrong in [&b"\x90"[..], b"\x91\x0a", b"\x93\x0a\x14\x00"] {
        assert_eq!(
            decoded::<MsgPack, Args>(wrong).unwrap_err().to_string(),
            "msgpack: cannot decode Args: number of fields in array-encoded struct has changed"
        );
    }
}

#[test]
fn the_last_of_several_equal_keys_counts() {
    assert_eq!(decoded::<Json, Args>(br#"{"A":1,"A":2,"a":3}"#).unwrap().a, 3);
    assert_eq!(decoded::<MsgPack, Args>(b"\x82\xa1A\x01\xa1A\x02").unwrap().a, 2);
}

#[test]
fn case_matters_in_msgpack_and_not_in_json() {
    assert_eq!(decoded::<MsgPack, Args>(b"\x81\xa1a\x01").unwrap().a, 0);
    assert_eq!(decoded::<Json, Args>(br#"{"a":1}"#).unwrap().a, 1);
}

#[test]
fn errors_say_where() {
    #[message]
    #[derive(Debug)]
    struct Order {
        #[allow(dead_code)]
        lines: Vec<HashMap<String, Args>>,
    }
    let payload = r#"{"Lines":[{},{"x":{"A":1,"B":1000}}]}"#;
    assert_eq!(
        decoded::<Json, Order>(payload.as_bytes()).unwrap_err().to_string(),
        "json: cannot decode Order: field Lines[1].x.B: 1000 does not fit in i8"
    );
    let error = decoded::<MsgPack, Order>(b"\x81\xa5Lines\x91\x81\xa1x\x81\xa1A\xa1?").unwrap_err();
    assert_eq!(error.path(), Some("Lines[0].x.A"));
    assert_eq!(error.text(), "found string \"?\", expected i64");
}

#[test]
fn strict_refuses_unknown_fields() {
    #[message(strict)]
    #[derive(Debug, PartialEq)]
    struct Strict {
        a: i64,
    }
    assert_eq!(decoded::<Json, Strict>(br#"{"a":1}"#).unwrap(), Strict { a: 1 });
    assert_eq!(
        decoded::<Json, Strict>(br#"{"A":1,"Extra":2}"#).unwrap_err().to_string(),
        "json: cannot decode Strict: field Extra: Strict has no field of this name, and is strict"
    );
    assert!(decoded::<MsgPack, Strict>(b"\x81\xa1a\x01").is_err());
}

#[test]
fn unknown_fields_are_reported_with_their_path_embedded_ones_too() {
    #[message]
    struct Holder {
        #[allow(dead_code)]
        outers: Vec<Outer>,
    }
    let mut unknown = Vec::new();
    let payload = br#"{"Outers":[{"ID":1,"Colour":"red","A":1}],"Odd":{"deep":1}}"#;
    <Json as Decode<Holder>>::decode_reporting_unknown(&payload[..].into(), &mut unknown).unwrap();
    assert_eq!(unknown, ["Outers[0].Colour", "Odd"]);

    unknown.clear();
    let many: BTreeMap<_, _> = (0..1000).map(|n| (format!("{n:04}"), n)).collect();
    let payload = encoded::<MsgPack, _>(&many).into();
    <MsgPack as Decode<Args>>::decode_reporting_unknown(&payload, &mut unknown).unwrap();
    assert!(unknown.len() < 100 && unknown[0] == "0000");
}

#[test]
fn generic_structs_work() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Page<T, K = String>
    where
        K: Ord,
    {
        items: Vec<T>,
        next: Option<T>,
        index: BTreeMap<K, T>,
    }
    both(
        &Page::<i64> { items: vec![1], next: None, index: BTreeMap::from([("k".into(), 2)]) },
        Both {
            json: r#"{"Items":[1],"Next":null,"Index":{"k":2}}"#,
            msgpack: b"\x83\xa5Items\x91\x01\xa4Next\xc0\xa5Index\x81\xa1k\x02",
        },
    );
    both(
        &Page::<u8> { items: vec![], next: Some(1), index: BTreeMap::new() },
        Both {
            json: r#"{"Items":[],"Next":1,"Index":{}}"#,
            msgpack: b"\x83\xa5Items\xc4\x00\xa4Next\x01\xa5Index\x80",
        },
    );

    #[message]
    #[derive(Debug, PartialEq)]
    struct Fixed<const N: usize> {
        key: [u8; N],
    }
    both(&Fixed { key: *b"ab" }, Both { json: r#"{"Key":[97,98]}"#, msgpack: b"\x81\xa3Key\xc4\x02ab" });
}

#[test]
fn recursive_structs_work() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Node {
        value: i64,
        next: Option<Box<Self>>,
        kids: Vec<Self>,
    }
    let leaf = |value| Node { value, next: None, kids: vec![] };
    both(
        &Node { value: 1, next: Some(Box::new(leaf(2))), kids: vec![leaf(3)] },
        Both {
            json: r#"{"Value":1,"Next":{"Value":2,"Next":null,"Kids":[]},"Kids":[{"Value":3,"Next":null,"Kids":[]}]}"#,
            msgpack: b"\x83\xa5Value\x01\xa4Next\x83\xa5Value\x02\xa4Next\xc0\xa4Kids\x90\xa4Kids\x91\x83\xa5Value\x03\
                       \xa4Next\xc0\xa4Kids\x90",
        },
    );
    let mut deep = b"\x83\xa5Value\x01\xa4Kids\x90\xa4Next".repeat(100_000);
    deep.push(0xc0);
    assert!(decoded::<MsgPack, Node>(&deep).unwrap_err().text().contains("nest deeper"));
}

#[test]
fn a_struct_around_one_value_travels_as_that_value() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct UserID(i64);
    #[message]
    #[derive(Debug, PartialEq)]
    struct Blob(Vec<u8>);
    #[message]
    #[derive(Debug, PartialEq)]
    struct List<T>(Vec<T>);
    both(&UserID(7), Both { json: "7", msgpack: b"\x07" });
    both(&Blob(vec![1]), Both { json: r#""AQ==""#, msgpack: b"\xc4\x01\x01" });
    both(&Blob(vec![]), Both { json: r#""""#, msgpack: b"\xc4\x00" });
    both(&List(vec![UserID(1)]), Both { json: "[1]", msgpack: b"\x91\x01" });
    assert_eq!(decoded::<MsgPack, UserID>(b"\xc0").unwrap(), UserID(0));
}

#[test]
fn a_struct_without_fields_is_gos_empty_struct() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Unit;
    #[message]
    #[derive(Debug, PartialEq)]
    struct Empty {}
    both(&Unit, Both { json: "{}", msgpack: b"\x80" });
    both(&Empty {}, Both { json: "{}", msgpack: b"\x80" });
    assert_eq!(decoded::<MsgPack, Unit>(b"\xc0").unwrap(), Unit);
}

#[test]
fn what_borrows_can_be_sent() {
    #[message]
    struct Borrowed<'a> {
        text: &'a str,
        list: &'a [i64],
        raw: &'a [u8],
    }
    let borrowed = Borrowed { text: "t", list: &[1], raw: b"hi" };
    assert_eq!(encoded::<Json, _>(&borrowed), br#"{"Text":"t","List":[1],"Raw":"aGk="}"#);

    #[message(encode_only)]
    struct Sent {
        text: &'static str,
    }
    assert_eq!(encoded::<MsgPack, _>(&Sent { text: "t" }), b"\x81\xa4Text\xa1t");
}

#[test]
fn other_formats_of_serdes_read_and_write_messages_too() {
    let text = serde_json::to_string(&outer()).unwrap();
    assert_eq!(text, r#"{"First":1,"ID":2,"label":"x","Level":3,"Between":4,"A":5,"B":6,"Last":7}"#);
    assert_eq!(serde_json::from_str::<Outer>(&text).unwrap(), outer());
}
