//! The field numbers, held against bytes that were made from etcd's own protocol files.

use prost::Message;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[track_caller]
fn is_sent_as(message: &impl Message, hex: &str) {
    assert_eq!(message.encode_to_vec(), bytes(hex));
}

fn received<M: Message + Default>(hex: &str) -> M {
    M::decode(&*bytes(hex)).unwrap()
}

fn header(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader { revision })
}

#[test]
fn reading() {
    let range = RangeRequest::prefix("a/").keys_only().changed_since(9);
    is_sent_as(&range, "0a02612f1202613040015009");
    let kv = KeyValue { key: b"a".into(), mod_revision: 6, value: b"v".into(), lease: 8 };
    assert_eq!(
        received::<RangeResponse>("0a090801100218ac022004120e0a01611005180620072a017630081801200a"),
        RangeResponse { header: header(300), kvs: vec![kv], count: 10 },
    );
}

#[test]
fn a_prefix_ends_before_the_next_one() {
    assert_eq!(end_of_prefix("/rpcx_test/"), b"/rpcx_test0");
    assert_eq!(end_of_prefix("a\u{7f}"), b"a\x80");
    // To etcd a single zero byte is the end of all keys.
    assert_eq!(end_of_prefix(""), b"\0");
}

#[test]
fn transactions() {
    let put = PutRequest { key: b"k".into(), value: b"v".into(), lease: 8, ignore_lease: true };
    let transaction = TxnRequest {
        compare: vec![Compare::is_absent("k"), Compare::is_of_revision("k", 7)],
        success: vec![put.into(), RangeRequest::key("k").into()],
        failure: vec![DeleteRangeRequest { key: b"k".into() }.into()],
    };
    is_sent_as(
        &transaction,
        "0a0710011a016b28000a0710021a016b3007120c120a0a016b1201761808300112050a030a016b1a051a030a016b",
    );
    let answer: TxnResponse = received("0a02180310011a040a0220011a0612040a0218031a070a0512030a016b");
    assert!(answer.succeeded);
    // A read without keys, a put, and a read with one.
    let found: Vec<_> = answer.responses.iter().map(ResponseOp::found_nothing).collect();
    assert_eq!(found, [true, false, false]);
    assert_eq!(answer.responses[2].range.as_ref().unwrap().kvs[0].key, b"k");
}

#[test]
fn watching() {
    let watch = WatchCreateRequest {
        start_revision: 5,
        progress_notify: true,
        fragment: true,
        ..WatchCreateRequest::prefix("a/")
    };
    is_sent_as(&WatchRequest::from(watch), "0a0e0a02612f12026130180520014001");
    let kv = KeyValue { key: b"k".into(), mod_revision: 9, ..Default::default() };
    assert_eq!(
        received::<WatchResponse>("0a0218091001180120012808320377687938015a09080112050a016b1809"),
        WatchResponse {
            header: header(9),
            created: true,
            canceled: true,
            compact_revision: 8,
            cancel_reason: "why".into(),
            events: vec![Event { r#type: EventType::Delete.into(), kv: Some(kv) }],
        },
    );
}

#[test]
fn leases() {
    is_sent_as(&LeaseGrantRequest { ttl: 15 }, "080f");
    is_sent_as(&LeaseRevokeRequest { id: 77 }, "084d");
    is_sent_as(&LeaseKeepAliveRequest { id: 77 }, "084d");
    let granted: LeaseGrantResponse = received("0a021809104d180f22026e6f");
    assert_eq!(granted, LeaseGrantResponse { id: 77, ttl: 15 });
    let renewed: LeaseKeepAliveResponse = received("0a021809104d180f");
    assert_eq!(renewed, LeaseKeepAliveResponse { ttl: 15 });
}

#[test]
fn logging_in() {
    let question = AuthenticateRequest { name: "me".into(), password: "pw".into() };
    is_sent_as(&question, "0a026d6512027077");
    assert!(!format!("{question:?}").contains("pw"));
    let answer: AuthenticateResponse = received("0a0218091203742e31");
    assert_eq!(answer.token, "t.1");
    assert!(!format!("{answer:?}").contains("t.1"));
}
