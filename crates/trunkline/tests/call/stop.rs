use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use trunkline::server::{MethodFlags, MethodInfo, ServerBuilder};
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Status, keys};
use trunkline::{Client, DefaultFormats, ErrorKind, Failure, Sent, SerializeType, Server, Service};

use crate::events::events;
use crate::pair::{connect, pair, serve, with_server};
use crate::raw_peer::{RawPeer, bytes_of, message, request};

/// Sleeps for the milliseconds it is given.
fn sleeping() -> ServerBuilder {
    Server::builder().function("Slow", "Sleep", |ms: u64| async move {
        sleep(Duration::from_millis(ms)).await;
        Ok::<_, Failure>(ms)
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered() {
    let pair = with_server(|_| sleeping()).await;
    let mut calls = JoinSet::new();
    for n in 0..1_000_u64 {
        let client = pair.client.clone();
        calls.spawn(async move { (n, client.service("Slow").call::<_, u64>("Sleep", &(1_000 + n)).await) });
    }
    while pair.server.handle().in_flight() < 1_000 {
        sleep(Duration::from_millis(1)).await;
    }
    let report = pair.server.stop().await;
    assert_eq!((report.under_way, report.cut, report.connections), (1_000, 0, 1));
    assert!((1_900..3_500).contains(&report.took.as_millis()), "{:?}", report.took);
    while let Some(done) = calls.join_next().await {
        let (n, result) = done.unwrap();
        assert_eq!(result.unwrap(), 1_000 + n);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_place_is_answered_too() {
    let pair = with_server(|_| sleeping().limit(|l| l.in_flight_per_connection = 5)).await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let client = pair.client.clone();
        calls.spawn(async move { client.service("Slow").call::<_, u64>("Sleep", &100).await });
    }
    while pair.server.handle().in_flight() < 5 {
        sleep(Duration::from_millis(1)).await;
    }
    let report = pair.server.stop().await;
    assert_eq!((report.under_way, report.cut), (50, 0));
    while let Some(done) = calls.join_next().await {
        assert_eq!(done.unwrap().unwrap(), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_the_limit_is_cut_and_told() {
    let server = sleeping().limit(|l| l.in_flight_per_connection = 3).drain(Duration::from_secs(2));
    let pair = pair(server, Client::builder()).await;
    let mut calls = JoinSet::new();
    for n in 0..6_u64 {
        let client = pair.client.clone();
        calls.spawn(async move {
            sleep(Duration::from_millis(n)).await;
            let call =
                client.service("Slow").call::<_, u64>("Sleep", &60_000).timeout(Duration::from_secs(90));
            (n, call.await.unwrap_err())
        });
    }
    sleep(Duration::from_millis(100)).await;
    let report = pair.server.stop().await;
    assert_eq!((report.under_way, report.cut, report.connections), (6, 6, 1));
    assert!((2..6).contains(&report.took.as_secs()), "{:?}", report.took);
    while let Some(done) = calls.join_next().await {
        let (n, error) = done.unwrap();
        let sent = if n < 3 { Sent::Maybe } else { Sent::NotStarted };
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, sent), "{n}: {error}");
        assert!(error.is_remote());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_work_whose_caller_is_gone() {
    let (events, mut seen) = events();
    let saved = MethodFlags { run_to_completion: true, ..Default::default() };
    let work = |events: &crate::events::Events, what| {
        let events = events.clone();
        move |(): ()| {
            let events = events.clone();
            async move {
                sleep(Duration::from_secs(5)).await;
                events.note(what);
                Ok::<_, Failure>(())
            }
        }
    };
    let service = Service::new("Work")
        .function("Plain", work(&events, "plain"))
        .function("Oneway", work(&events, "oneway"))
        .function_in::<DefaultFormats, _, _, _>(
            MethodInfo::new("Saved").flags(saved),
            work(&events, "saved"),
        );
    let network = Memory::new();
    let server = serve(&network, Server::builder().service(service)).await;
    let peer = RawPeer::dial(&network).await;
    let header = Header::request(SerializeType::MSGPACK);
    peer.send_message(&message(header, "Work", "Plain", &[], b"\xc0")).await;
    peer.send_message(&message(header.with_oneway(true), "Work", "Oneway", &[], b"\xc0")).await;
    peer.send_message(&message(header, "Work", "Saved", &[], b"\xc0")).await;
    while server.handle().in_flight() < 3 {
        sleep(Duration::from_millis(1)).await;
    }
    drop(peer);
    while server.handle().connections() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let report = server.stop().await;
    assert_eq!((report.under_way, report.cut, report.connections), (2, 0, 0));
    let mut done = seen.rest();
    done.sort_unstable();
    assert_eq!(done, ["oneway", "saved"]);
}

#[tokio::test(start_paused = true)]
async fn work_without_a_caller_is_cut_too() {
    let saved = MethodFlags { run_to_completion: true, ..Default::default() };
    let service = Service::new("Work").function_in::<DefaultFormats, _, _, _>(
        MethodInfo::new("Saved").flags(saved),
        |(): ()| async {
            sleep(Duration::from_secs(3_600)).await;
            Ok::<_, Failure>(())
        },
    );
    let server = Server::builder().service(service).drain(Duration::from_secs(2));
    let pair = pair(server, Client::builder()).await;
    let call = pair.client.service("Work").call::<_, ()>("Saved", &()).timeout(Duration::from_millis(10));
    assert_eq!(call.await.unwrap_err().kind(), ErrorKind::Deadline);
    let report = pair.server.stop().await;
    assert_eq!((report.under_way, report.cut), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn callbacks_run_first_and_in_order_then_the_grace_passes() {
    let (events, mut seen) = events();
    let (first, second) = (events.clone(), events.clone());
    let server = Server::builder()
        .raw("S", "Echo", move |_, body| {
            events.note("served");
            async { Ok(body) }
        })
        .on_stop(move || async move {
            sleep(Duration::from_secs(1)).await;
            first.note("first");
        })
        .on_stop(move || async move { second.note("second") })
        .grace(Duration::from_secs(3));
    let network = Memory::new();
    let server = serve(&network, server).await;
    let handle = server.handle().clone();
    let begun = Instant::now();
    let stopping = tokio::spawn(server.stop());
    assert_eq!((seen.next().await, seen.next().await), ("first", "second"));
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert!(handle.is_stopping());
    // Within the grace time everything is as before: new connections, too.
    sleep(Duration::from_secs(2)).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "S", "Echo", b"x")).await;
    assert!(peer.next().await.is_some());
    assert!(peer.next().await.is_none(), "then it is closed");
    assert!(begun.elapsed() >= Duration::from_secs(4));
    let report = stopping.await.unwrap();
    assert_eq!((report.under_way, report.cut, report.connections), (0, 0, 1));
    let client = connect(&network, Client::builder()).await;
    let error = client.raw("S", "Echo", SerializeType::RAW, "x".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
}

#[tokio::test(start_paused = true)]
async fn who_has_connected_when_the_stop_begins_is_served() {
    let network = Memory::new();
    let server = serve(&network, Server::builder().raw("S", "Echo", |_, body| async { Ok(body) })).await;
    let mut peers = Vec::new();
    for seq in 0..100 {
        let peer = RawPeer::dial(&network).await;
        peer.send_message(&request(seq, "S", "Echo", b"x")).await;
        peers.push(peer);
    }
    let stopping = tokio::spawn(server.stop());
    for (seq, mut peer) in peers.into_iter().enumerate() {
        assert_eq!(peer.next().await.unwrap().header().seq(), seq as u64);
    }
    assert_eq!(stopping.await.unwrap().connections, 100);
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_stops_at_once() {
    let pair = with_server(|s| s).await;
    let report = pair.server.stop().await;
    assert_eq!((report.under_way, report.cut, report.connections), (0, 0, 1));
    assert!(report.took < Duration::from_secs(3), "{:?}", report.took);
}

#[tokio::test(start_paused = true)]
async fn a_server_stops_although_a_peer_reads_nothing_or_ends_nothing() {
    let server = Server::builder()
        .raw("S", "Large", |_, _| async { Ok(vec![0; 8 << 20].into()) })
        .drain(Duration::from_secs(2));
    let network = Memory::new();
    let server = serve(&network, server).await;
    let deaf = RawPeer::dial(&network).await;
    deaf.send_message(&request(1, "S", "Large", b"")).await;
    let half = RawPeer::dial(&network).await;
    half.send(&bytes_of(&request(1, "S", "Large", b""))[..20]).await;
    let silent = RawPeer::dial(&network).await;
    sleep(Duration::from_millis(100)).await;
    let report = server.stop().await;
    assert_eq!(report.connections, 3);
    assert!(report.took < Duration::from_secs(12), "{:?}", report.took);
    drop((deaf, half, silent));
}

/// Clients of ours that never pause while the server stops; nothing they were promised breaks.
async fn stop_under_load(server: ServerBuilder, network: Option<Memory>) {
    let server =
        server.raw("S", "Echo", |_, body| async { Ok(body) }).raw("S", "Later", |_, body: Bytes| async {
            sleep(Duration::from_millis(3)).await;
            Ok(body)
        });
    let server = match &network {
        Some(network) => serve(network, server).await,
        None => server.bind("tcp@127.0.0.1:0").await.unwrap().spawn(),
    };
    let answered = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for c in 0..4 {
        let client = match &network {
            Some(network) => connect(network, Client::builder()).await,
            None => Client::connect(server.address()).await.unwrap(),
        };
        client.ready().await;
        for t in 0..8 {
            let (client, answered) = (client.clone(), answered.clone());
            callers.spawn(async move {
                let method = if (c + t) % 2 == 0 { "Echo" } else { "Later" };
                loop {
                    let call = client.raw("S", method, SerializeType::RAW, "x".into());
                    match call.await {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert_eq!(
                                (error.kind(), error.sent()),
                                (ErrorKind::Unavailable, Sent::No),
                                "{error}"
                            );
                            return;
                        }
                    };
                }
            });
        }
    }
    while answered.load(Ordering::Relaxed) < 2_000 {
        sleep(Duration::from_millis(1)).await;
    }
    let report = server.stop().await;
    assert_eq!(report.cut, 0);
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn clients_of_ours_lose_nothing_while_the_server_stops() {
    stop_under_load(Server::builder(), Some(Memory::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_ours_lose_nothing_while_the_server_stops_over_tcp() {
    for _ in 0..5 {
        stop_under_load(Server::builder(), None).await;
    }
}

/// A peer that knows no hints and sends without pause until it is told to stop by the connection's
/// end. What the server ran, it answered, and the answer arrives.
async fn stop_while_sending(payload: usize, slow_reader: bool) {
    let served = Arc::new(AtomicU64::new(0));
    let count = served.clone();
    let server = Server::builder()
        .raw("S", "Echo", move |_, body| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(body) }
        })
        .bind("tcp@127.0.0.1:0")
        .await
        .unwrap()
        .spawn();
    let RawPeer { mut reader, writer } = RawPeer::dial_tcp(server.address()).await;
    let ended = Arc::new(AtomicBool::new(false));
    let stop = ended.clone();
    let sending = tokio::spawn(async move {
        let frame = bytes_of(&request(1, "S", "Echo", &vec![0; payload]));
        while !stop.load(Ordering::Relaxed) {
            if writer.send(&frame).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    let reading = tokio::spawn(async move {
        let mut answers = 0_u64;
        while let Some(answer) = reader.next().await {
            // Refusals, which a flood has to expect, are no answers of the handler.
            answers += u64::from(answer.header().status() == Status::Normal);
            if slow_reader && answers.is_multiple_of(16) {
                sleep(Duration::from_millis(5)).await;
            }
        }
        ended.store(true, Ordering::Relaxed);
        answers
    });
    while served.load(Ordering::Relaxed) < 200 {
        sleep(Duration::from_millis(1)).await;
    }
    let report = server.stop().await;
    assert_eq!(report.cut, 0);
    assert_eq!(reading.await.unwrap(), served.load(Ordering::Relaxed));
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_stops_sending_gets_every_answer() {
    stop_while_sending(10, false).await;
    stop_while_sending(100_000, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_quickly_and_reads_slowly_gets_every_answer() {
    stop_while_sending(2_000, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_said_hello_is_told_to_go_and_others_are_not() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async { Ok(body) })).await;
    let mut knowing = RawPeer::dial(&pair.network).await;
    let mut stock = RawPeer::dial(&pair.network).await;
    let mut late = RawPeer::dial(&pair.network).await;
    let hello = message(Header::heartbeat(), "", "", &[(keys::HELLO, "1")], b"");
    knowing.send_message(&hello).await;
    knowing.next().await.unwrap();
    stock.send_message(&message(Header::heartbeat(), "", "", &[], b"")).await;
    stock.next().await.unwrap();
    let stopping = tokio::spawn(pair.server.stop());
    let told = knowing.next().await.unwrap();
    assert!(told.header().is_push());
    assert_eq!(
        (told.service_path(), told.service_method()),
        (keys::CONTROL.as_bytes(), keys::DRAIN.as_bytes())
    );
    // What it had sent by then is served.
    knowing.send_message(&request(1, "S", "Echo", b"last")).await;
    assert_eq!(knowing.next().await.unwrap().payload(), b"last");
    // Who says it only now is told now.
    late.send_message(&hello).await;
    assert!(late.next().await.unwrap().header().is_heartbeat());
    assert!(late.next().await.unwrap().header().is_push());
    assert!(stock.next().await.is_none());
    drop((knowing, late));
    stopping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropping_what_serves_closes_everything() {
    let network = Memory::new();
    let server = sleeping().transport(network.clone()).bind(crate::pair::ADDRESS).await.unwrap();
    let handle = server.handle();
    let serving = tokio::spawn(server.serve());
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&message(Header::heartbeat(), "", "", &[], b"")).await;
    peer.next().await.unwrap();
    serving.abort();
    assert!(peer.next().await.is_none());
    assert_eq!(handle.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handle_stops_and_a_signal_does() {
    for by_handle in [true, false] {
        let network = Memory::new();
        let server = sleeping().transport(network.clone()).bind(crate::pair::ADDRESS).await.unwrap();
        let handle = server.handle();
        let (signal, given) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve_until(async move { drop(given.await) }));
        sleep(Duration::from_secs(1)).await;
        assert!(!serving.is_finished());
        if by_handle {
            handle.stop();
        } else {
            signal.send(()).unwrap();
        }
        serving.await.unwrap();
    }
    // A stop that comes before the serving begins counts.
    let network = Memory::new();
    let server = sleeping().transport(network.clone()).bind(crate::pair::ADDRESS).await.unwrap();
    server.handle().stop();
    server.serve().await;
}
