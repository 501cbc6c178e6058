//! `Duration::MAX` in a setting means "for ever", and breaks nothing.

use std::time::Duration;

use bytes::Bytes;
use trunkline::client::ClientBuilder;
use trunkline::config::MethodConfig;
use trunkline::server::ServerBuilder;
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, SerializeType, Server};

use crate::pair::{connect, pair, serve};
use crate::raw_peer::RawServer;

const EVER: Duration = Duration::MAX;

fn slow() -> ServerBuilder {
    Server::builder().raw("S", "Slow", |_, body: Bytes| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(body)
    })
}

/// Two calls at once, each of a minute.
async fn answered(server: ServerBuilder, client: ClientBuilder) {
    let pair = pair(server, client).await;
    let call = || pair.client.raw("S", "Slow", SerializeType::RAW, "x".into()).into_future();
    let (first, second) = tokio::join!(call(), call());
    assert_eq!((first.unwrap(), second.unwrap()), ("x".into(), "x".into()));
    pair.server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_settings_of_a_server_are_no_overflow() {
    let client = || Client::builder().timeout(Duration::from_secs(3600));
    answered(slow().limit(|l| (l.queue_wait, l.in_flight_per_connection) = (EVER, 1)), client()).await;
    answered(slow().limit(|l| (l.read_stall, l.write_stall, l.idle) = (EVER, EVER, Some(EVER))), client())
        .await;
    answered(slow().drain(EVER), client()).await;
    let network = Memory::new();
    let server = serve(&network, slow().grace(EVER)).await;
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, server.stop()).await.is_err(), "a grace for ever");
}

#[tokio::test(start_paused = true)]
async fn the_longest_settings_of_a_client_are_no_overflow() {
    let client = || Client::builder().timeout(Duration::from_secs(3600));
    let mut ever = MethodConfig::default();
    ever.timeout = Some(EVER);
    for client in [
        Client::builder().timeout(EVER),
        Client::builder().method("S", "Slow", ever),
        client().connect_timeout(EVER),
        client().heartbeat(Some(EVER)),
        client().heartbeat(Some(EVER)).heartbeat_timeout(EVER),
        client().backoff(EVER, EVER),
    ] {
        answered(slow(), client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_waits_for_ever_is_sent() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let _client = connect(&network, Client::builder().heartbeat_timeout(EVER)).await;
    let mut peer = server.accept().await;
    let first = tokio::time::timeout(Duration::from_secs(60), peer.next()).await;
    assert!(first.expect("it is sent at once").unwrap().header().is_heartbeat());
}

#[tokio::test(start_paused = true)]
async fn a_pause_for_ever_between_dials_leaves_the_last_word() {
    let network = Memory::new();
    let backoff = || Client::builder().backoff(EVER, EVER).heartbeat(None);
    let client = connect(&network, backoff()).await;
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    let error = client.raw("S", "M", SerializeType::RAW, Bytes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("cannot connect"), "{error}");

    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, backoff()).await;
    drop(server.accept().await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = client.raw("S", "M", SerializeType::RAW, Bytes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.message().ends_with("ended: the server closed the connection"), "{error}");
}
