use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::wire::{CompressType, Header, keys};
use trunkline::{Client, ErrorKind, Failure, Sent, SerializeType, Server};

use crate::pair::{connect, pair, serve, with_server};
use crate::raw_peer::{RawPeer, RawServer, message, request};

#[tokio::test]
async fn a_heartbeat_comes_back_as_it_was_but_for_the_response_bit() {
    let pair = with_server(|s| s).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let gzip = CompressType::GZIP;
    for header in [
        Header::heartbeat(),
        Header::heartbeat().with_seq(u64::MAX).with_oneway(true),
        // The payload is nobody's business: it is not even inflated.
        Header::heartbeat().with_compress(gzip).with_serialize(SerializeType::new(9).unwrap()),
    ] {
        let sent = message(header, "any path", "any method", &[("k", "v"), ("", "")], b"any payload");
        peer.send_message(&sent).await;
        let echo = peer.next().await.unwrap();
        assert_eq!(echo.header(), header.echo());
        assert_eq!(echo.service_path(), sent.service_path());
        assert_eq!(echo.service_method(), sent.service_method());
        assert_eq!(echo.metadata_block(), sent.metadata_block());
        assert_eq!(echo.payload(), sent.payload());
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_server_still_echoes() {
    let server = Server::builder()
        .raw("Slow", "Sleep", |_, _| async {
            sleep(Duration::from_secs(60)).await;
            Ok("".into())
        })
        .limit(|l| {
            l.in_flight_per_connection = 2;
            l.queue_per_connection = 2;
        });
    let network = trunkline::transport::memory::Memory::new();
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    for seq in 0..5 {
        peer.send_message(&request(seq, "Slow", "Sleep", b"")).await;
    }
    peer.send_message(&message(Header::heartbeat().with_seq(77), "", "", &[], b"t")).await;
    let refused = peer.next().await.unwrap();
    assert_eq!((refused.header().seq(), refused.metadata().get(keys::STARTED)), (4, Some("0")));
    let echo = peer.next().await.unwrap();
    assert!(echo.header().is_heartbeat());
    assert_eq!(echo.header().seq(), 77);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_found_and_left() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().timeout(Duration::from_secs(600))).await;
    let mut peer = server.accept().await;
    assert!(peer.next().await.unwrap().header().is_heartbeat(), "the first one says who we are");
    let begun = Instant::now();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.service("S").call::<_, ()>("M", &()).await }
    });
    // From here on the server is silent.
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
    assert!(error.message().contains("heartbeat"), "{error}");
    let waited = begun.elapsed().as_secs();
    assert!((3..=5).contains(&waited), "a second of silence and the wait for the echo, not {waited} s");
    // It is dialled again.
    let mut again = server.accept().await;
    let call = client.raw("S", "M", SerializeType::RAW, "".into());
    let answer = async {
        let request = again.next_call().await.unwrap();
        again.answer(&request, b"back").await;
    };
    let (reply, ()) = tokio::join!(call.into_future(), answer);
    assert_eq!(reply.unwrap(), "back");
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_with_every_place_taken_is_not_taken_for_silent() {
    let server = Server::builder().function("Slow", "Sleep", |s: u64| async move {
        sleep(Duration::from_secs(s)).await;
        Ok::<_, Failure>(s)
    });
    let client = Client::builder().in_flight(2).timeout(Duration::from_secs(300));
    let pair = pair(server, client).await;
    let slow = pair.client.service("Slow");
    let (a, b) = tokio::join!(
        slow.call::<_, u64>("Sleep", &60).into_future(),
        slow.call::<_, u64>("Sleep", &61).into_future()
    );
    assert_eq!((a.unwrap(), b.unwrap()), (60, 61));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_is_found_although_no_heartbeat_fits() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().timeout(Duration::from_secs(600))).await;
    let _peer = server.accept().await;
    // More than the client queues for one connection.
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        calls.spawn(async move { client.raw("S", "M", SerializeType::RAW, vec![0; 1 << 20].into()).await });
    }
    let begun = Instant::now();
    let mut refused = 0;
    while let Some(result) = calls.join_next().await {
        let error = result.unwrap().unwrap_err();
        refused += usize::from(error.kind() == ErrorKind::Overloaded);
    }
    assert!(refused > 0, "the test fills the queue");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
