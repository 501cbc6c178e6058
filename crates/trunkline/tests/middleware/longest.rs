//! `Duration::MAX` in a layer's settings means "for ever".

use std::time::Duration;

use trunkline::middleware::{ConcurrencyLimit, Middleware, RateLimit, Timeout};
use trunkline::{Client, testing};

use crate::sample;

async fn second_call_waits(layer: impl Middleware, for_ever: bool) {
    let client = Client::builder().layer(layer).timeout(Duration::MAX);
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let math = client.service("Math");
    let calls = async { tokio::join!(math.call::<_, u64>("Sleep", &50), math.call::<_, u64>("Sleep", &50)) };
    match tokio::time::timeout(Duration::from_secs(3600), calls).await {
        Ok((first, second)) => assert_eq!((first.unwrap(), second.unwrap(), for_ever), (50, 50, false)),
        Err(_) => assert!(for_ever, "it never got its turn"),
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_mean_for_ever() {
    second_call_waits(Timeout::new(Duration::MAX), false).await;
    second_call_waits(ConcurrencyLimit::new(1).wait(Duration::MAX), false).await;
    second_call_waits(RateLimit::new(1, Duration::from_secs(1)).max_wait(Duration::MAX), false).await;
    second_call_waits(RateLimit::new(1, Duration::MAX).max_wait(Duration::MAX), true).await;
}
