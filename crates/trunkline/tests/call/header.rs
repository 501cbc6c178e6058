use std::time::Duration;

use tokio::time::sleep;
use trunkline::wire::{Header, Status, keys};
use trunkline::{Failure, SerializeType};

use crate::pair::with_server;
use crate::raw_peer::{RawPeer, bytes_of, message, request};

#[tokio::test]
async fn a_response_carries_over_everything_but_status_and_compression() {
    let pair = with_server(|s| {
        s.raw("S", "Now", |_, b| async { Ok(b) }).raw("S", "Later", |_, b| async {
            sleep(Duration::from_millis(1)).await;
            Ok(b)
        })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for method in ["Now", "Later"] {
        let mut frame = bytes_of(&request(u64::MAX - 1, "S", method, b"x"));
        frame[1] = 0x7f; // version
        frame[2] |= 0b11; // STAT, which means nothing in a request
        frame[3] |= 0b1010; // reserved
        peer.send(&frame).await;
        let answer = peer.next().await.unwrap();
        let header = answer.header();
        assert_eq!((header.version(), header.reserved(), header.seq()), (0x7f, 0b1010, u64::MAX - 1));
        assert_eq!(header.status(), Status::Normal, "the request's status bits are not sent back");
        assert!(header.is_response());
    }
}

#[tokio::test]
async fn a_response_where_a_request_belongs_ends_the_connection() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, b| async { Ok(b) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW).response_to();
    peer.send_message(&request(1, "S", "Echo", b"before")).await;
    peer.send_message(&message(header, "S", "Echo", &[], b"")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"before", "what came before is answered");
    assert!(peer.next().await.is_none());
}

#[tokio::test]
async fn a_format_that_nobody_speaks_fails_that_call_only() {
    let pair = with_server(|s| s.function("T", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for id in [0, 2, 9, 15] {
        let header = Header::request(SerializeType::new(id).unwrap()).with_seq(u64::from(id));
        peer.send_message(&message(header, "T", "Neg", &[], b"\x01")).await;
        let answer = peer.next().await.unwrap();
        let text = format!("can not find codec for {id}");
        assert_eq!(answer.metadata().get(keys::ERROR), Some(&*text));
        assert_eq!(answer.header().serialize().id(), id);
    }
    peer.send_message(&message(Header::request(SerializeType::MSGPACK), "T", "Neg", &[], b"\x01")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"\xff");
}

#[tokio::test]
async fn the_reply_is_in_the_requests_format() {
    let pair = with_server(|s| s.function("T", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })).await;
    let json = pair.client.service_in("T", trunkline::codec::Json);
    assert_eq!(json.call::<_, i64>("Neg", &5).await.unwrap(), -5);
    let raw = pair.client.raw("T", "Neg", SerializeType::JSON, "5".into()).await.unwrap();
    assert_eq!(raw, "-5");
    let call = pair.client.service("T").call::<_, i64>("Neg", &5).codec(trunkline::codec::Json);
    assert_eq!(call.await.unwrap(), -5);
}
