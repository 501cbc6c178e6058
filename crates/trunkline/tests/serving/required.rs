use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::ErrorKind;
use trunkline::registry::{MemoryRegistry, Settings, Start};
use trunkline::transport::Transport;

use crate::fleet::{ADDRESS, Fleet};

fn required() -> Fleet {
    let fleet = Fleet::new();
    let mut settings = Settings::default();
    settings.start = Start::Require;
    Fleet { registry: fleet.registry.settings(settings), ..fleet }
}

#[tokio::test(start_paused = true)]
async fn a_server_does_not_start_without_a_registry_that_it_requires() {
    let fleet = required();
    fleet.memory.faults().stop();
    let begun = Instant::now();
    let error = fleet.math().bind(ADDRESS).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Unavailable, 5));
    let text = error.to_string();
    assert!(text.contains("`Math`") && text.contains("is required and failed: "), "{text}");
    assert!(text.contains("was stopped by a test"), "{text}");

    // Nothing stays behind: neither the address, nor an entry when the registry comes up.
    fleet.memory.faults().start();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());
    assert!(fleet.math().bind(ADDRESS).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_required_is_there_when_the_server_is_bound() {
    let fleet = required();
    let background = MemoryRegistry::new();
    let server = fleet.math().register_with(background.registry()).bind(ADDRESS).await.unwrap();
    assert_eq!(fleet.held("Math").await, [ADDRESS]);
    let registrations = server.handle().registrations();
    assert_eq!(registrations.len(), 1, "the other one has time until serving begins");

    // Who calls before serving begins waits for it.
    let client = fleet.client().await;
    let early = tokio::spawn(async move { client.service("Math").call::<_, i64>("Neg", &1).await });
    sleep(Duration::from_millis(50)).await;
    let server = server.spawn();
    assert_eq!(early.await.unwrap().unwrap(), -1);
    server.stop().await;

    // A server that is never run goes from the registry as well.
    let server = fleet.math().bind(ADDRESS).await.unwrap();
    drop(server);
    fleet.until("Math", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn listeners_that_exist_already_wait_when_asked() {
    let fleet = required();
    let listener = fleet.network.listen("server").await.unwrap();
    let server = fleet.math().listen_on([("memory".to_owned(), listener)]).unwrap();
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());
    server.register().await.unwrap();
    assert_eq!(fleet.held("Math").await, [ADDRESS]);
    server.spawn().stop().await;
}
