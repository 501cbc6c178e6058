use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use trunkline::client::FailMode;
use trunkline::transport::memory::Memory;
use trunkline::{Client, Error, ErrorKind, Sent, SerializeType};

use crate::pair::connect;
use crate::raw_peer::RawServer;

/// Starts calls with payloads of this size; each result comes with its number.
fn call_all(client: &Client, calls: usize, bytes: usize) -> JoinSet<(usize, Result<Bytes, Error>)> {
    let mut all = JoinSet::new();
    for n in 0..calls {
        let client = client.clone();
        let mut payload = vec![0; bytes];
        payload[..8].copy_from_slice(&(n as u64).to_be_bytes());
        all.spawn(async move { (n, client.raw("S", "M", SerializeType::RAW, payload.into()).await) });
    }
    all
}

async fn ends(mut calls: JoinSet<(usize, Result<Bytes, Error>)>) -> HashMap<usize, Error> {
    let mut ends = HashMap::new();
    while let Some(done) = calls.join_next().await {
        let (n, result) = done.unwrap();
        ends.insert(n, result.unwrap_err());
    }
    ends
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_did_not_take_whole_was_not_sent() {
    for found_by_heartbeat in [false, true] {
        let network = Memory::new();
        let mut server = RawServer::listen(&network).await;
        let interval = found_by_heartbeat.then_some(Duration::from_secs(1));
        let client = Client::builder().fail_mode(FailMode::Failfast).heartbeat(interval);
        let client = client.timeout(Duration::from_secs(100));
        let client = connect(&network, client).await;
        let peer = server.accept().await;
        // The pipe holds 64 KiB: three of these, and a part of the fourth.
        let calls = call_all(&client, 6, 20_000);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let peer = found_by_heartbeat.then_some(peer);
        let ends = ends(calls).await;
        let sent = ends.values().filter(|e| e.sent() == Sent::Maybe).count();
        assert_eq!(sent, 3, "by heartbeat: {found_by_heartbeat}");
        assert!(ends.values().all(|e| e.kind() == ErrorKind::Unavailable));
        assert!(ends.values().all(|e| e.is_retryable() == (e.sent() == Sent::No)));
        drop(peer);
    }
}

#[tokio::test]
async fn what_the_kernel_took_and_only_that_may_have_been_sent() {
    let mut server = RawServer::listen_tcp().await;
    let client = Client::builder()
        .fail_mode(FailMode::Failfast)
        .heartbeat(Some(Duration::from_millis(300)))
        .heartbeat_timeout(Duration::from_millis(300))
        .connect(&server.address())
        .await
        .unwrap();
    let mut peer = server.accept().await;
    drop(server);
    const CALLS: usize = 60;
    let ends = ends(call_all(&client, CALLS, 256 * 1024)).await;
    // The client has closed the connection; what its kernel took is still there to read.
    let mut received = Vec::new();
    while let Some(frame) = peer.next().await {
        if !frame.header().is_heartbeat() {
            received.push(number(frame.payload()));
        }
    }
    received.sort_unstable();
    let mut maybe: Vec<_> = ends.iter().filter(|(_, e)| e.sent() == Sent::Maybe).map(|(n, _)| *n).collect();
    maybe.sort_unstable();
    assert_eq!(received, maybe);
    assert!(!received.is_empty() && received.len() < CALLS, "{}", received.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_late_may_still_be_sent() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().heartbeat(None).timeout(Duration::from_secs(1))).await;
    let mut peer = server.accept().await;
    let ends = ends(call_all(&client, 5, 20_000)).await;
    // Now the server begins to read, and gets them all.
    for _ in 0..5 {
        let frame = peer.next().await.unwrap();
        let n = number(frame.payload());
        assert_eq!((ends[&n].kind(), ends[&n].sent()), (ErrorKind::Deadline, Sent::Maybe), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_is_sent_no_more_than_a_bound() {
    let network = Memory::new();
    let _server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().timeout(Duration::from_secs(5))).await;
    let ends = ends(call_all(&client, 40, 1 << 20)).await;
    let refused: Vec<_> = ends.values().filter(|e| e.kind() == ErrorKind::Overloaded).collect();
    assert!((20..=30).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|e| e.sent() == Sent::No && e.is_retryable()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_was_sent_what_it_had() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut peer = server.accept().await;
    let calls = call_all(&client, 1, 10);
    peer.next_call().await.unwrap();
    drop(peer);
    let error = &ends(calls).await[&0];
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("may have run"), "{error}");
}

fn number(payload: &[u8]) -> usize {
    u64::from_be_bytes(payload[..8].try_into().unwrap()) as usize
}
