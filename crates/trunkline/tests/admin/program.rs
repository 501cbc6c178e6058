//! A server and a client that meet in a registry in memory.

use std::time::{Duration, Instant};

use trunkline::registry::{MemoryRegistry, Registry};
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::{Client, ErrorKind, Failure, Server};

pub(crate) struct Program {
    pub(crate) memory: MemoryRegistry,
    pub(crate) registry: Registry,
    pub(crate) server: RunningServer,
    pub(crate) client: Client,
}

pub(crate) fn math() -> ServerBuilder {
    Server::builder()
        .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
        .function("Math", "Break", |(): ()| async move {
            Err::<(), _>(Failure::new("broken").with_kind(ErrorKind::Unavailable))
        })
        .grace(Duration::from_millis(300))
}

pub(crate) async fn program(client: trunkline::client::ClientBuilder) -> Program {
    let memory = MemoryRegistry::new();
    let registry = memory.registry();
    let server = math().register_with(registry.clone()).attributes("weight=3&group=a");
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = client.connect_to(registry.resolver().unwrap()).await.unwrap();
    Program { memory, registry, server, client }
}

/// Waits until something is so, ten seconds at most.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "not within ten seconds: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
