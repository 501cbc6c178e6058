//! A network and a registry in memory, and servers that use both.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::{MemoryRegistry, Registry};
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::transport::memory::Memory;
use trunkline::{Client, Failure, Server};

pub(crate) struct Fleet {
    pub(crate) network: Memory,
    pub(crate) memory: MemoryRegistry,
    pub(crate) registry: Registry,
}

/// Where the servers of these tests listen.
pub(crate) const ADDRESS: &str = "memory@server";

impl Fleet {
    pub(crate) fn new() -> Self {
        let memory = MemoryRegistry::new();
        Self { network: Memory::new(), registry: memory.registry(), memory }
    }

    /// A server of `Math` that registers.
    pub(crate) fn math(&self) -> ServerBuilder {
        math().transport(self.network.clone()).register_with(self.registry.clone())
    }

    pub(crate) async fn run(&self, server: ServerBuilder) -> RunningServer {
        server.bind(ADDRESS).await.unwrap().spawn()
    }

    /// A client that finds its servers in the registry.
    pub(crate) async fn client(&self) -> Client {
        let builder = Client::builder().transport(self.network.clone());
        builder.connect_to(self.registry.resolver().unwrap()).await.unwrap()
    }

    /// What the registry holds of a service.
    pub(crate) async fn held(&self, service: &str) -> Vec<String> {
        held(&self.registry, service).await
    }

    /// Waits until that is so.
    pub(crate) async fn until(&self, service: &str, wanted: &[&str]) {
        until(&self.registry, service, wanted).await;
    }
}

/// `Math`, which negates.
pub(crate) fn math() -> ServerBuilder {
    Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
}

pub(crate) async fn held(registry: &Registry, service: &str) -> Vec<String> {
    let entries = registry.catalog().unwrap().instances(service).await.unwrap();
    entries.iter().map(|entry| entry.instance.to_string()).collect()
}

pub(crate) async fn until(registry: &Registry, service: &str, wanted: &[&str]) {
    let mut found = Vec::new();
    eventually(&format!("{wanted:?} of {service}"), async || {
        found = held(registry, service).await;
        found == wanted
    })
    .await;
}

/// Waits until something is so, half a minute at most.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within half a minute: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
