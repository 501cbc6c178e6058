use std::future::IntoFuture;
use std::time::Duration;

use tokio::time::sleep;
use trunkline::server::{MethodFlags, MethodInfo};
use trunkline::wire::Header;
use trunkline::{Client, Ctx, DefaultFormats, Failure, SerializeType, Server, Service};

use crate::events::{Events, events};
use crate::pair::{connect, pair, serve, with_server};
use crate::raw_peer::{RawPeer, RawServer, message};

/// Each method notes its start, works for a minute, notes the end; and notes being dropped.
fn working(events: &Events) -> Service {
    let work = |events: Events| {
        move |_: Ctx, (): ()| {
            let events = events.clone();
            async move {
                let _dropped = events.on_drop("dropped");
                events.note("started");
                sleep(Duration::from_secs(60)).await;
                events.note("finished");
                Ok::<_, Failure>(())
            }
        }
    };
    let saved = MethodFlags { run_to_completion: true, ..Default::default() };
    Service::new("Work")
        .function_in::<DefaultFormats, _, _, _>(MethodInfo::new("Plain"), work(events.clone()))
        .function_in::<DefaultFormats, _, _, _>(MethodInfo::new("Saved").flags(saved), work(events.clone()))
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_when_its_connection_closes() {
    let (events, mut seen) = events();
    let pair = with_server(|s| s.service(working(&events))).await;
    let peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::MSGPACK);
    peer.send_message(&message(header, "Work", "Plain", &[], b"\xc0")).await;
    assert_eq!(seen.next().await, "started");
    drop(peer);
    assert_eq!(seen.next().await, "dropped");
    while pair.server.handle().in_flight() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn run_to_completion_goes_on_when_its_connection_closes() {
    let (events, mut seen) = events();
    let pair = with_server(|s| s.service(working(&events))).await;
    let peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::MSGPACK);
    peer.send_message(&message(header, "Work", "Saved", &[], b"\xc0")).await;
    assert_eq!(seen.next().await, "started");
    drop(peer);
    assert_eq!((seen.next().await, seen.next().await), ("finished", "dropped"));
}

#[tokio::test(start_paused = true)]
async fn a_server_may_run_every_call_to_completion() {
    let (events, mut seen) = events();
    let pair = with_server(|s| s.service(working(&events)).run_to_completion(true)).await;
    let peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::MSGPACK);
    peer.send_message(&message(header, "Work", "Plain", &[("__ServerTimeout", "1000")], b"\xc0")).await;
    assert_eq!(seen.next().await, "started");
    drop(peer);
    assert_eq!((seen.next().await, seen.next().await), ("finished", "dropped"));
}

#[tokio::test(start_paused = true)]
async fn a_oneway_goes_on_when_its_connection_closes() {
    let (events, mut seen) = events();
    let pair = with_server(|s| s.service(working(&events))).await;
    let client = connect(&pair.network, Client::builder()).await;
    client.service("Work").notify("Plain", &()).await.unwrap();
    drop(client);
    assert_eq!(seen.next().await, "started");
    assert_eq!((seen.next().await, seen.next().await), ("finished", "dropped"));
}

#[tokio::test(start_paused = true)]
async fn a_oneway_that_waits_for_a_place_goes_on_when_its_connection_closes() {
    let (events, mut seen) = events();
    let server = Server::builder().service(working(&events)).limit(|l| l.in_flight = 1);
    let network = trunkline::transport::memory::Memory::new();
    let server = serve(&network, server).await;
    let busy = RawPeer::dial(&network).await;
    let header = Header::request(SerializeType::MSGPACK);
    busy.send_message(&message(header, "Work", "Plain", &[], b"\xc0")).await;
    assert_eq!(seen.next().await, "started");

    let gone = RawPeer::dial(&network).await;
    gone.send_message(&message(header.with_oneway(true), "Work", "Plain", &[], b"\xc0")).await;
    drop(gone);
    while server.handle().connections() > 1 {
        sleep(Duration::from_millis(1)).await;
    }
    drop(busy);
    assert_eq!(seen.next().await, "dropped");
    assert_eq!(seen.next().await, "started", "the oneway, which nobody waits for");
    assert_eq!(seen.next().await, "finished");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_frees_its_place() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().in_flight(1).heartbeat(None)).await;
    let mut peer = server.accept().await;

    let first = client.raw("S", "First", SerializeType::RAW, "".into()).into_future();
    let given_up = tokio::time::timeout(Duration::from_secs(1), first).await;
    assert!(given_up.is_err());
    let first = peer.next_call().await.unwrap();
    assert_eq!(first.service_method(), b"First");

    let second = tokio::spawn({
        let client = client.clone();
        async move { client.raw("S", "Second", SerializeType::RAW, "".into()).await }
    });
    let second_request = peer.next_call().await.unwrap();
    assert_eq!(second_request.service_method(), b"Second", "the only place was free again");
    assert_ne!(first.header().seq(), second_request.header().seq());
    peer.answer(&first, b"late").await;
    peer.answer(&second_request, b"right").await;
    assert_eq!(second.await.unwrap().unwrap(), "right");
}

#[tokio::test(start_paused = true)]
async fn callers_wait_for_a_place_and_each_gets_one() {
    let server = Server::builder().function("Math", "Neg", |n: i64| async move {
        sleep(Duration::from_millis(1)).await;
        Ok::<_, Failure>(-n)
    });
    let pair = pair(server, Client::builder().in_flight(3).heartbeat(None)).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..1_000_i64 {
        let client = pair.client.clone();
        calls.spawn(async move {
            let math = client.service("Math");
            if n % 7 == 0 {
                // Gives up while it waits or runs, at another moment each time.
                let call = math.call::<_, i64>("Neg", &n).into_future();
                let _ = tokio::time::timeout(Duration::from_micros(300 * n as u64 % 5_000), call).await;
                return;
            }
            assert_eq!(math.call::<_, i64>("Neg", &n).await.unwrap(), -n);
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn neighbours_are_answered_while_a_caller_is_gone() {
    let (events, mut seen) = events();
    let pair = with_server(|s| s.service(working(&events)).raw("Echo", "Raw", |_, b| async { Ok(b) })).await;
    let client = pair.client.clone();
    let given_up = tokio::spawn(async move { client.service("Work").call::<_, ()>("Plain", &()).await });
    assert_eq!(seen.next().await, "started");
    given_up.abort();
    let answer = pair.client.raw("Echo", "Raw", SerializeType::RAW, "x".into()).await.unwrap();
    assert_eq!(answer, "x");
}
