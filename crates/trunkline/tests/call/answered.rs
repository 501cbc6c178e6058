//! Calls whose answers had arrived when the connection broke.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, SerializeType};

use crate::pair::connect;
use crate::raw_peer::{RawPeer, RawServer};

/// The server answers one of two calls and goes; the client notices by a write that fails, before
/// it has read the answer.
async fn a_write_finds_the_server_gone(client: Client, mut peer: RawPeer) {
    let call = |payload: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.raw("S", "M", SerializeType::RAW, payload.into()).await })
    };
    let answered = call("answered");
    let request = peer.next_call().await.unwrap();
    let lost = call("lost");
    peer.next_call().await.unwrap();
    peer.answer(&request, b"answer").await;
    drop(peer);
    // From here to the failed write nobody else gets to run.
    for _ in 0..3 {
        let notify = client.raw("S", "M", SerializeType::RAW, "x".into()).notify();
        let mut notify = pin!(notify);
        poll_fn(|cx| Poll::Ready(notify.as_mut().poll(cx).is_ready())).await;
    }
    assert_eq!(answered.await.unwrap().unwrap(), "answer");
    let error = lost.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("write failed"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_loses_no_answer() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().heartbeat(None)).await;
    let peer = server.accept().await;
    a_write_finds_the_server_gone(client, peer).await;
}

#[tokio::test]
async fn a_failed_write_loses_no_answer_over_tcp() {
    let mut server = RawServer::listen_tcp().await;
    let client = Client::builder().heartbeat(None).connect(&server.address()).await.unwrap();
    let peer = server.accept().await;
    a_write_finds_the_server_gone(client, peer).await;
}

/// The server sends without end although it takes nothing any more.
#[tokio::test(start_paused = true)]
async fn what_is_read_after_a_failed_write_is_bounded() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().heartbeat(None)).await;
    let mut peer = server.accept().await;
    let caller = client.clone();
    let lost = tokio::spawn(async move { caller.raw("S", "M", SerializeType::RAW, "x".into()).await });
    peer.next_call().await.unwrap();
    let RawPeer { reader, writer } = peer;
    drop(reader);
    let _ = client.raw("S", "M", SerializeType::RAW, "x".into()).notify().await;
    let push = crate::raw_peer::bytes_of(&crate::raw_peer::message(
        trunkline::wire::Header::push(),
        "S",
        "M",
        &[],
        &[0; 10_000],
    ));
    let mut sent = 0;
    while writer.send(&push).await.is_ok() {
        sent += push.len();
        assert!(sent < 64 << 20, "there is a bound");
    }
    assert_eq!(lost.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
}
