use std::time::Duration;

use tokio::time::Instant;
use trunkline::middleware::RateLimit;
use trunkline::testing::FramePeer;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Message};
use trunkline::{Client, ErrorKind, Metadata, Sent, testing};

use crate::sample;

const TEN: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn a_burst_passes_then_one_each_interval() {
    let (client, running) = testing::connected(sample::server().layer(RateLimit::new(3, TEN))).await.unwrap();
    let math = client.service("Math");
    for _ in 0..3 {
        math.call::<_, i64>("Neg", &5).await.unwrap();
    }
    let error = math.call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Overloaded, "request reached rate limit"));
    assert_eq!(error.sent(), Sent::NotStarted);
    assert!(error.is_retryable() && error.is_remote());
    // The hint is the truth.
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::ZERO && wait <= TEN, "{wait:?}");
    tokio::time::sleep(wait).await;
    math.call::<_, i64>("Neg", &5).await.unwrap();
    assert!(math.call::<_, i64>("Neg", &5).await.is_err());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_token_where_they_may() {
    let limit = RateLimit::new(1, Duration::from_secs(1)).max_wait(Duration::from_millis(2500));
    let client = Client::builder().layer(limit);
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let begun = Instant::now();
    let math = client.service("Math");
    let call = async || {
        let result = math.call::<_, i64>("Neg", &5).await;
        (result.map_err(|e| (e.kind(), e.sent(), e.retry_after())), begun.elapsed().as_secs())
    };
    let (first, second, third, fourth) = tokio::join!(call(), call(), call(), call());
    assert_eq!((first, second, third), ((Ok(-5), 0), (Ok(-5), 1), (Ok(-5), 2)));
    let refused = (ErrorKind::Overloaded, Sent::No, Some(Duration::from_secs(3)));
    assert_eq!(fourth, (Err(refused), 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_token_longer_than_its_caller_does() {
    let limit = RateLimit::new(1, Duration::from_secs(5)).max_wait(Duration::from_secs(60));
    let (client, running) = testing::connected(sample::server().layer(limit)).await.unwrap();
    let math = client.service("Math");
    math.call::<_, i64>("Neg", &5).await.unwrap();
    let begun = Instant::now();
    let error = math.call::<_, i64>("Neg", &5).timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Overloaded, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_take_no_tokens() {
    let network = Memory::new();
    let server = sample::server().layer(RateLimit::new(1, Duration::from_secs(60)));
    let running = server.transport(network.clone()).bind("memory@rate").await.unwrap().spawn();
    let mut peer = FramePeer::dial(&network, "rate").await.unwrap();
    let beat = Message::new(Header::heartbeat(), "", "", &Metadata::new(), "".into()).unwrap();
    for _ in 0..5 {
        peer.send(&beat).await.unwrap();
        assert!(peer.receive().await.unwrap().unwrap().header().is_heartbeat());
    }
    peer.request(1, "Math", "Neg", trunkline::SerializeType::JSON, "5").await.unwrap();
    assert_eq!(peer.receive().await.unwrap().unwrap().payload(), b"-5");
    running.stop().await;
}
