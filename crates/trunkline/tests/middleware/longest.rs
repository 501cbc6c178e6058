//! `Duration::MAX` in a layer's settings means "for ever".

use std::time::Duration;

use trunkline::middleware::{ConcurrencyLimit, Middleware, RateLimit, Timeout};
use trunkline::testing::FramePeer;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Message};
use trunkline::{Client, Metadata, SerializeType, testing};

use crate::sample;

const EVER: Duration = Duration::MAX;

async fn two_calls_are_answered(layer: impl Middleware) {
    let client = Client::builder().layer(layer).timeout(EVER);
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let math = client.service("Math");
    let call = || math.call::<_, u64>("Sleep", &50).into_future();
    let (first, second) = tokio::join!(call(), call());
    assert_eq!((first.unwrap(), second.unwrap()), (50, 50));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_waits_of_layers_are_no_overflow() {
    two_calls_are_answered(Timeout::new(EVER)).await;
    two_calls_are_answered(ConcurrencyLimit::new(1).wait(EVER)).await;
    two_calls_are_answered(RateLimit::new(1, Duration::from_secs(1)).max_wait(EVER)).await;
}

/// A call without a deadline, as from a Go client, waits for a token that never comes.
#[tokio::test(start_paused = true)]
async fn the_longest_interval_between_tokens_is_no_overflow() {
    let network = Memory::new();
    let server = sample::server().layer(RateLimit::new(1, EVER).max_wait(EVER));
    let _running = server.transport(network.clone()).bind("memory@limited").await.unwrap().spawn();
    let mut peer = FramePeer::dial(&network, "limited").await.unwrap();
    for seq in 1..=2 {
        let header = Header::request(SerializeType::JSON).with_seq(seq);
        peer.send(&Message::new(header, "Math", "Neg", &Metadata::new(), "5".into()).unwrap()).await.unwrap();
    }
    assert_eq!(peer.receive().await.unwrap().unwrap().payload(), b"-5");
    let second = tokio::time::timeout(Duration::from_secs(3600), peer.receive()).await;
    assert!(second.is_err(), "{second:?}");
}
