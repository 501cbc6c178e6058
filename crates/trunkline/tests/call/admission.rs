use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use trunkline::server::ServerBuilder;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Status, keys};
use trunkline::{Client, ErrorKind, Sent, SerializeType, Server};

use crate::events::{Events, Seen, events};
use crate::pair::{connect, serve};
use crate::raw_peer::{RawPeer, message, request};

/// Opens for one call at a time.
struct Gate(&'static Semaphore);

impl Gate {
    fn open(&self, calls: usize) {
        self.0.add_permits(calls);
    }
}

/// A method that notes its argument and waits for the gate.
fn gated() -> (ServerBuilder, Gate, Seen) {
    let gate: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let (events, seen): (Events, Seen) = events();
    let server = Server::builder().raw("S", "Wait", move |_, body: Bytes| {
        events.note(Box::leak(String::from_utf8(body.to_vec()).unwrap().into_boxed_str()));
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(body)
        }
    });
    (server, Gate(gate), seen)
}

async fn send(peer: &RawPeer, seq: u64, payload: &str) {
    peer.send_message(&request(seq, "S", "Wait", payload.as_bytes())).await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_calls_wait_in_turn_then_are_refused() {
    let (server, gate, mut seen) = gated();
    let network = Memory::new();
    let server = server.limit(|l| {
        l.in_flight_per_connection = 2;
        l.queue_per_connection = 2;
    });
    let server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    for (seq, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        send(&peer, seq as u64, name).await;
    }
    let refused = peer.next().await.unwrap();
    assert_eq!((refused.header().seq(), refused.header().status()), (4, Status::Error));
    assert_eq!(refused.metadata().get(keys::KIND), Some("overloaded"));
    assert_eq!(refused.metadata().get(keys::STARTED), Some("0"));
    assert_eq!(seen.rest(), ["a", "b"]);
    assert_eq!(server.handle().in_flight(), 2);

    gate.open(1);
    assert_eq!(peer.next().await.unwrap().payload(), b"a");
    assert_eq!(seen.next().await, "c");
    gate.open(3);
    let mut answered = Vec::new();
    for _ in 0..3 {
        answered.push(peer.next().await.unwrap().header().seq());
    }
    answered.sort_unstable();
    assert_eq!(answered, [1, 2, 3]);
    assert_eq!(seen.rest(), ["d"]);
    assert_eq!(server.handle().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_one_connection_is_not_that_of_another() {
    let (server, gate, mut seen) = gated();
    let network = Memory::new();
    let _server = serve(&network, server.limit(|l| l.in_flight_per_connection = 1)).await;
    let (mut a, mut b) = (RawPeer::dial(&network).await, RawPeer::dial(&network).await);
    send(&a, 1, "a1").await;
    send(&a, 2, "a2").await;
    assert_eq!(seen.next().await, "a1");
    send(&b, 1, "b1").await;
    assert_eq!(seen.next().await, "b1");
    gate.open(3);
    for peer in [&mut a, &mut b] {
        assert_eq!(peer.next().await.unwrap().header().seq(), 1);
    }
    assert_eq!(a.next().await.unwrap().payload(), b"a2");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_the_server_is_shared_and_places_go_round() {
    let (server, gate, mut seen) = gated();
    let network = Memory::new();
    let server = serve(&network, server.limit(|l| l.in_flight = 2)).await;
    let (flood, quiet) = (RawPeer::dial(&network).await, RawPeer::dial(&network).await);
    for seq in 0..50 {
        send(&flood, seq, "flood").await;
    }
    assert_eq!((seen.next().await, seen.next().await), ("flood", "flood"));
    send(&quiet, 0, "quiet").await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(seen.rest(), [""; 0]);
    // Whoever has most waiting does not keep the places to itself.
    gate.open(2);
    let next = [seen.next().await, seen.next().await];
    assert!(next.contains(&"quiet"), "{next:?}");
    gate.open(49);
    while server.handle().in_flight() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(seen.rest().len(), 47, "none is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_place_until_its_deadline() {
    let (server, _gate, mut seen) = gated();
    let network = Memory::new();
    let server = server.limit(|l| {
        l.in_flight_per_connection = 1;
        l.queue_wait = Duration::from_secs(5);
    });
    let server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    send(&peer, 0, "busy").await;
    let begun = Instant::now();
    let header = Header::request(SerializeType::RAW);
    let timed = message(header.with_seq(1), "S", "Wait", &[(keys::SERVER_TIMEOUT, "2000")], b"timed");
    peer.send_message(&timed).await;
    send(&peer, 2, "untimed").await;
    let late = peer.next().await.unwrap();
    assert_eq!((late.header().seq(), begun.elapsed().as_secs()), (1, 2));
    assert_eq!(late.metadata().get(keys::ERROR), Some("context deadline exceeded"));
    assert_eq!(late.metadata().get(keys::STARTED), Some("0"));
    let refused = peer.next().await.unwrap();
    assert_eq!((refused.header().seq(), begun.elapsed().as_secs()), (2, 5));
    assert_eq!(refused.metadata().get(keys::KIND), Some("overloaded"));
    assert_eq!(refused.metadata().get(keys::STARTED), Some("0"));
    assert_eq!(seen.rest(), ["busy"]);
    assert_eq!(server.handle().in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_for_a_place_than_the_server_lets_it() {
    let (server, _gate, _seen) = gated();
    let network = Memory::new();
    let server = server.limit(|l| {
        l.in_flight_per_connection = 1;
        l.queue_wait = Duration::from_secs(5);
    });
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    send(&peer, 0, "busy").await;
    let begun = Instant::now();
    let header = Header::request(SerializeType::RAW).with_seq(1);
    let patient = message(header, "S", "Wait", &[(keys::SERVER_TIMEOUT, "3600000")], b"patient");
    peer.send_message(&patient).await;
    let refused = peer.next().await.unwrap();
    assert_eq!((refused.header().seq(), begun.elapsed().as_secs()), (1, 5));
    assert_eq!(refused.metadata().get(keys::KIND), Some("overloaded"));
    assert_eq!(refused.metadata().get(keys::STARTED), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn the_caller_of_a_refused_call_may_try_again() {
    let (server, _gate, _seen) = gated();
    let network = Memory::new();
    let server = server.limit(|l| {
        l.in_flight_per_connection = 1;
        l.queue_per_connection = 0;
    });
    let _server = serve(&network, server).await;
    let client = connect(&network, Client::builder()).await;
    client.ready().await;
    let call = || client.raw("S", "Wait", SerializeType::RAW, "x".into()).into_future();
    let busy = tokio::time::timeout(Duration::from_secs(1), async {
        let (first, ()) = tokio::join!(call(), async {
            sleep(Duration::from_millis(1)).await;
            let error = call().await.unwrap_err();
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Overloaded, Sent::NotStarted));
            assert!(error.is_retryable() && error.is_remote());
        });
        first
    });
    assert!(busy.await.is_err(), "the first one still waits");
}

#[tokio::test]
async fn calls_that_end_at_once_are_under_no_limit() {
    let network = Memory::new();
    let server = Server::builder()
        .raw("S", "Echo", |_, body| async move { Ok(body) })
        // On a machine that is busy a first poll may take long, and the next calls of the method go
        // to tasks of their own, which do count: these may wait.
        .limit(|l| (l.in_flight, l.in_flight_per_connection, l.queue_per_connection) = (1, 1, 100));
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    for seq in 0..100 {
        peer.send_message(&request(seq, "S", "Echo", b"x")).await;
    }
    for seq in 0..100 {
        let answer = peer.next().await.unwrap();
        assert_eq!((answer.header().seq(), answer.header().status()), (seq, Status::Normal));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_is_lost_under_load() {
    let network = Memory::new();
    let server = Server::builder()
        .raw("S", "Echo", |_, body: Bytes| async move {
            for _ in 0..body[0] % 4 {
                tokio::task::yield_now().await;
            }
            Ok(body)
        })
        .limit(|l| (l.in_flight, l.in_flight_per_connection) = (3, 2));
    let server = serve(&network, server).await;
    let mut clients = tokio::task::JoinSet::new();
    for c in 0..8_u8 {
        let network = network.clone();
        clients.spawn(async move {
            let client = connect(&network, Client::builder()).await;
            let mut calls = tokio::task::JoinSet::new();
            for n in 0..250_u8 {
                let client = client.clone();
                let payload = Bytes::copy_from_slice(&[n, c]);
                calls.spawn(async move {
                    let call = client.raw("S", "Echo", SerializeType::RAW, payload.clone());
                    if n % 9 == 4 {
                        let _ = tokio::time::timeout(Duration::from_micros(50), call.into_future()).await;
                    } else {
                        assert_eq!(call.await.unwrap(), payload);
                    }
                });
            }
            while let Some(done) = calls.join_next().await {
                done.unwrap();
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    while server.handle().in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.handle().held_bytes(), 0);
}
