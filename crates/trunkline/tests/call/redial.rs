use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::transport::memory::Memory;
use trunkline::{Client, Error, ErrorKind, Failure, Sent, SerializeType, Server};

use crate::lines::Lines;
use crate::pair::{ADDRESS, connect, serve};
use crate::raw_peer::RawServer;

fn math() -> trunkline::server::ServerBuilder {
    Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    error.source()?.downcast_ref::<io::Error>().map(io::Error::kind)
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
        assert_eq!(io_kind(&error), Some(io::ErrorKind::ConnectionRefused));
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
    assert_eq!(io_kind(&error), Some(io::ErrorKind::TimedOut));
}

#[tokio::test]
async fn an_error_says_what_the_dial_ended_in_and_keeps_its_source() {
    // Both addresses of a name, one of them, and the same once more while the next dial waits.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    for host in ["localhost", "127.0.0.1"] {
        let address = format!("tcp@{host}:{port}");
        let client = Client::connect(&address).await.unwrap();
        for _ in 0..2 {
            let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
            assert_eq!(io_kind(&error), Some(io::ErrorKind::ConnectionRefused), "{error}");
            let text = error.to_string();
            for part in ["cannot connect", "refused", "listens", "Math.Neg", &address, "not sent"] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn why_the_last_connection_ended_is_told_while_there_is_none() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = Client::builder().heartbeat(Some(Duration::from_secs(1))).timeout(Duration::from_secs(5));
    let client = connect(&network, client).await;
    let _deaf = server.accept().await;
    client.ready().await;
    drop(server);
    // A server that answers no heartbeat is given up, and then nobody is there any more.
    sleep(Duration::from_secs(60)).await;
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    for part in ["nobody listens", "ended: the server answered no heartbeat within 3s"] {
        assert!(error.message().contains(part), "{error}");
    }
    client.close();
    sleep(Duration::from_millis(1)).await;
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert!(error.message().contains("the client was closed"), "{error}");
    assert_eq!(error.address(), Some(ADDRESS));
}

/// What is said of the server, at the level of who runs the client.
#[tokio::test(start_paused = true)]
async fn an_outage_is_one_line_and_its_end_another() {
    let (lines, _said) = Lines::listen();
    let network = Memory::new();
    let pauses = (Duration::from_millis(50), Duration::from_millis(50));
    let client = connect(&network, Client::builder().backoff(pauses.0, pauses.1)).await;
    for _ in 0..2 {
        sleep(Duration::from_secs(10)).await;
        let server = serve(&network, math()).await;
        client.ready().await;
        sleep(Duration::from_millis(10)).await;
        server.stop().await;
    }
    let said: Vec<_> = lines.take().into_iter().filter(|line| line.contains("connect")).collect();
    let expected = ["cannot connect; trying again", "connected again"];
    assert_eq!(said, [expected, expected].concat());
}
