use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use trunkline::middleware::{Middleware, Next};
use trunkline::server::ServerBuilder;
use trunkline::{Call, Client, Error, Failure, Reply, testing};

use crate::sample::{self, Log};

/// Tries once more.
struct Again;

impl Middleware for Again {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        match next.run(call).await {
            Ok(reply) => Ok(reply),
            Err(_) => next.run(call).await,
        }
    }
}

/// A method that succeeds every other time with what it was given.
fn flaky() -> ServerBuilder {
    let calls = Arc::new(AtomicUsize::new(0));
    sample::server().function("Flaky", "Echo", move |text: String| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        async move { if call.is_multiple_of(2) { Err(Failure::new("not now")) } else { Ok(text) } }
    })
}

#[tokio::test(start_paused = true)]
async fn a_clients_layer_tries_twice_with_the_same_argument() {
    let log = Log::default();
    let client = Client::builder().layer(Again).attempt_layer(log.layer("attempt"));
    let (client, running) = testing::connected_with(flaky(), client).await.unwrap();
    let answer: String = client.service("Flaky").call("Echo", "again").await.unwrap();
    assert_eq!(answer, "again");
    assert_eq!(
        log.take(),
        ["attempt in Flaky.Echo", "attempt out error", "attempt in Flaky.Echo", "attempt out ok"]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_servers_layer_tries_twice_with_the_same_argument() {
    let log = Log::default();
    let server = flaky().layer(Again).layer(log.layer("inner"));
    let (client, running) = testing::connected(server).await.unwrap();
    let long = "x".repeat(100_000);
    let answer: String = client.service("Flaky").call("Echo", &long).await.unwrap();
    assert_eq!(answer, long);
    assert_eq!(log.take().len(), 4);
    running.stop().await;
}
