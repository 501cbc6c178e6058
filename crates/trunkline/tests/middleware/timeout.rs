use std::time::Duration;

use tokio::time::Instant;
use trunkline::middleware::{Timeout, from_fn};
use trunkline::{Client, Ctx, ErrorKind, Failure, testing};

use crate::sample;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_server_gives_up_with_gos_text() {
    let (client, running) = testing::connected(sample::server().layer(Timeout::new(SECOND))).await.unwrap();
    let begun = Instant::now();
    let error = client.service("Math").call::<_, u64>("Sleep", &5000).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Deadline, "context deadline exceeded"));
    assert!(error.is_remote());
    assert_eq!(begun.elapsed().as_secs(), 1);
    let slept: u64 = client.service("Math").call("Sleep", &900).await.unwrap();
    assert_eq!(slept, 900);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_where_it_is_and_the_server_was_told() {
    let client = Client::builder().layer(Timeout::new(SECOND));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let begun = Instant::now();
    let error = client.service("Math").call::<_, u64>("Sleep", &5000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!((error.service(), error.method()), (Some("Math"), Some("Sleep")));
    assert_eq!(begun.elapsed().as_secs(), 1);
    let left: Option<String> = client.service("Meta").call("Get", "__ServerTimeout").await.unwrap();
    assert_eq!(left.as_deref(), Some("1000"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_on_layers_that_hang_too() {
    let client =
        Client::builder().layer(Timeout::new(SECOND)).layer(from_fn(|_, _| Box::pin(std::future::pending())));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Deadline, "the call took longer than 1s"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_calls_own_time_counts_where_it_is_shorter() {
    let server = sample::server()
        .layer(Timeout::new(4 * SECOND))
        .function("Time", "Left", |ctx: Ctx, _: ()| async move {
            Ok::<_, Failure>(ctx.remaining().map(|left| left.as_millis() as u64))
        });
    let (client, running) = testing::connected(server).await.unwrap();
    let time = client.service("Time");
    let left: Option<u64> = time.call("Left", &()).timeout(SECOND).await.unwrap();
    assert_eq!(left, Some(1000));
    let left: Option<u64> = time.call("Left", &()).timeout(10 * SECOND).await.unwrap();
    assert_eq!(left, Some(4000));
    let begun = Instant::now();
    let error =
        client.service("Math").call::<_, u64>("Sleep", &60_000).timeout(2 * SECOND).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Deadline, 2));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_limit_is_none() {
    let server = sample::server().layer(Timeout::new(Duration::MAX));
    let (client, running) = testing::connected(server).await.unwrap();
    let slept: u64 = client.service("Math").call("Sleep", &2000).await.unwrap();
    assert_eq!(slept, 2000);
    running.stop().await;
}
