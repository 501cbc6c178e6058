//! Scripted servers by name, a registry that lists them, and a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use trunkline::client::{ClientBuilder, Request, Retries};
use trunkline::testing::{Ending, Network, Script, ScriptedServer, SettableRegistry, Step};
use trunkline::transport::{BoxFuture, Listener, Stream, Transport};
use trunkline::{Client, ErrorKind, Failure};

pub(crate) const SERVICE: &str = "Arith";
pub(crate) const METHOD: &str = "Mul";

pub(crate) struct Scene {
    pub(crate) network: Network,
    pub(crate) servers: Vec<ScriptedServer>,
    pub(crate) registry: SettableRegistry,
    pub(crate) client: Client,
}

impl Scene {
    /// Servers `a`, `b`, … each with the steps of its own, and a client that picks them in this
    /// order.
    pub(crate) async fn new<const N: usize>(steps: [Vec<Step>; N]) -> Self {
        Self::with(steps, |client| client).await
    }

    pub(crate) async fn with<const N: usize>(
        steps: [Vec<Step>; N],
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let network = Network::new();
        let mut servers = Vec::new();
        for (name, steps) in ["a", "b", "c", "d", "e"].into_iter().zip(steps) {
            let script = Script::new().on(SERVICE, METHOD, steps);
            servers.push(ScriptedServer::start(&network, name, script).await.unwrap());
        }
        let registry = SettableRegistry::new();
        registry.set(SERVICE, servers.iter().map(ScriptedServer::address));
        let builder = Client::builder().transport(network.clone()).seed(1).balancer(in_order());
        let client = configure(builder).connect_to(registry.resolver()).await.unwrap();
        client.ready_for(SERVICE).await;
        settle().await;
        Self { network, servers, registry, client }
    }

    pub(crate) fn call(&self) -> Request<'_, i64, i64, &i64> {
        self.client.service(SERVICE).call(METHOD, &42)
    }

    /// Who got the calls, in the order in which they came: `aab`.
    pub(crate) fn went(&self) -> String {
        let mut calls = Vec::new();
        for (server, name) in self.servers.iter().zip('a'..) {
            calls.extend(server.received().iter().map(|call| (call.number, name)));
        }
        calls.sort();
        calls.into_iter().map(|(_, name)| name).collect()
    }

    /// What became of the calls, server by server.
    pub(crate) fn ends(&self) -> Vec<Ending> {
        self.servers.iter().flat_map(|server| server.received()).map(|call| call.end).collect()
    }
}

/// Picks the first open one of the list.
pub(crate) fn in_order() -> impl trunkline::balance::Balancer {
    trunkline::balance::from_fn(|pick| (0..pick.candidates.len()).find(|place| pick.is_open(*place)))
}

/// Lets connections come up and lists arrive.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

pub(crate) fn busy() -> Step {
    Step::fail(|| Failure::new("too much to do").with_kind(ErrorKind::Overloaded).not_started())
}

pub(crate) fn busy_for(wait: Duration) -> Step {
    Step::fail(move || {
        Failure::new("too much to do").with_kind(ErrorKind::Overloaded).not_started().with_retry_after(wait)
    })
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Retries whose pauses can be told from anything else.
pub(crate) fn retries(most: u32) -> Retries {
    Retries::new(most).pause(ms(10), ms(1_000))
}

/// A network that notes who is dialled, and lets nobody be reached after so many dials of one
/// server.
#[derive(Clone)]
pub(crate) struct Dials(Arc<(Network, usize, Mutex<Vec<String>>)>);

impl Dials {
    pub(crate) fn new(network: Network, answered: usize) -> Self {
        Self(Arc::new((network, answered, Mutex::default())))
    }

    pub(crate) fn made(&self) -> Vec<String> {
        self.0.2.lock().unwrap().clone()
    }
}

impl Transport for Dials {
    fn network(&self) -> &str {
        "memory"
    }

    fn dial<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::io::Result<Stream>> {
        let (network, answered, made) = &*self.0;
        let before = {
            let mut made = made.lock().unwrap();
            made.push(name.to_owned());
            made.iter().filter(|made| *made == name).count() - 1
        };
        if before < *answered { network.dial(name) } else { Box::pin(std::future::pending()) }
    }

    fn listen<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::io::Result<Box<dyn Listener>>> {
        self.0.0.listen(name)
    }
}
