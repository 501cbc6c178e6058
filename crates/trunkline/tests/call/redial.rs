use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Sent, SerializeType, Server};

use crate::pair::{ADDRESS, connect, serve};
use crate::raw_peer::RawServer;

fn math() -> trunkline::server::ServerBuilder {
    Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
}

#[tokio::test(start_paused = true)]
async fn calls_resume_when_the_server_is_back() {
    let network = Memory::new();
    let client = connect(&network, Client::builder()).await;
    let neg = async || client.service("Math").call::<_, i64>("Neg", &5).await;
    for _ in 0..3 {
        let error = neg().await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
        assert!(error.message().contains("nobody listens"), "{error}");
        let server = serve(&network, math()).await;
        client.ready().await;
        assert_eq!(neg().await.unwrap(), -5);
        server.stop().await;
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn calls_resume_when_the_server_is_back_over_tcp() {
    let server = math().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let address = server.address().to_owned();
    let client = Client::builder().connections(3).connect(&address).await.unwrap();
    client.ready().await;
    for _ in 0..2 {
        assert_eq!(client.service("Math").call::<_, i64>("Neg", &5).await.unwrap(), -5);
    }
    server.stop().await;
    let error =
        client.service("Math").call::<_, i64>("Neg", &5).await.expect_err("nobody is there to answer");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    let server = math().bind(&address).await.unwrap().spawn();
    client.ready().await;
    for _ in 0..6 {
        assert_eq!(client.service("Math").call::<_, i64>("Neg", &5).await.unwrap(), -5);
    }
    assert_eq!(server.handle().connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn pauses_between_dials_grow_and_are_bounded() {
    let network = Memory::new();
    let client = Client::builder().backoff(Duration::from_millis(100), Duration::from_secs(2));
    let client = connect(&network, client).await;
    sleep(Duration::from_secs(60)).await;
    let begun = Instant::now();
    let _server = serve(&network, math()).await;
    client.ready().await;
    assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_and_drops_connections_is_not_hammered() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let _client = connect(&network, Client::builder()).await;
    let begun = Instant::now();
    let mut dials = 0;
    while begun.elapsed() < Duration::from_secs(60) {
        drop(server.accept().await);
        dials += 1;
    }
    assert!(dials < 40, "{dials} dials in a minute");
}

#[tokio::test(start_paused = true)]
async fn one_lost_connection_of_several_is_dialled_again() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().connections(2).heartbeat(None)).await;
    let (first, mut second) = (server.accept().await, server.accept().await);
    client.ready().await;
    drop(first);
    let mut third = server.accept().await;
    client.ready().await;
    for _ in 0..2 {
        client.raw("S", "M", SerializeType::RAW, "x".into()).notify().await.unwrap();
    }
    assert!(second.next_call().await.is_some());
    assert!(third.next_call().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_hangs_is_given_up() {
    let network = Memory::new();
    let _server = RawServer::listen(&network).await;
    for _ in 0..128 {
        std::mem::forget(crate::raw_peer::RawPeer::dial(&network).await);
    }
    let client = connect(&network, Client::builder().connect_timeout(Duration::from_secs(1))).await;
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    assert!(error.message().contains("no connection within 1s"), "{error}");
    assert_eq!(error.address(), Some(ADDRESS));
}
