//! A registry whose lists a test sets by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::registry::{Instance, Resolver, Snapshot, Trust, Watch};

/// A resolver whose lists are set by hand, and believed as they are: what a client does with a list
/// can be tested without anything that decides what to believe. For the behaviour of registries
/// themselves there is [`MemoryRegistry`](crate::registry::MemoryRegistry), which can be stopped,
/// frozen, wiped and made to lose events.
///
/// Cheap to clone; clones are the same registry.
///
/// ```
/// use trunkline::testing::{Network, Script, ScriptedServer, SettableRegistry};
/// use trunkline::{Client, ErrorKind};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let network = Network::new();
/// let a = ScriptedServer::start(&network, "a", Script::new()).await?;
/// let registry = SettableRegistry::new();
/// let client = Client::builder().transport(network).connect_to(registry.resolver()).await?;
/// let echo = client.service("Echo");
///
/// registry.set("Echo", ["memory@a?weight=2"]);
/// assert_eq!(echo.call::<_, i64>("Echo", &5).await?, 5);
///
/// registry.fail("Echo", "it was switched off");   // the list stays
/// assert_eq!(echo.call::<_, i64>("Echo", &5).await?, 5);
///
/// registry.set("Echo", []);
/// # tokio::task::yield_now().await;
/// let error = echo.call::<_, i64>("Echo", &5).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// # a.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct SettableRegistry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    services: Mutex<BTreeMap<String, watch::Sender<Snapshot>>>,
}

impl SettableRegistry {
    /// Nothing was heard of any service yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`ClientBuilder::connect_to`](crate::client::ClientBuilder::connect_to) is given.
    pub fn resolver(&self) -> Arc<dyn Resolver> {
        Arc::new(self.clone())
    }

    /// The service's instances, as registries write them: `memory@a?weight=2&state=inactive`.
    ///
    /// # Panics
    /// When one of them is no instance.
    pub fn set<'a>(&self, service: &str, instances: impl IntoIterator<Item = &'a str>) {
        let instances: Vec<Instance> = instances
            .into_iter()
            .map(|text| text.parse().unwrap_or_else(|error| panic!("`{text}` is no instance: {error}")))
            .collect();
        self.publish(service, |_| Snapshot::new(instances, Trust::Fresh));
    }

    /// The same, so much later.
    ///
    /// # Panics
    /// When one of them is no instance, or there is no runtime.
    pub fn set_after<'a>(&self, time: Duration, service: &str, instances: impl IntoIterator<Item = &'a str>) {
        let (registry, service) = (self.clone(), service.to_owned());
        let instances: Vec<String> = instances.into_iter().map(str::to_owned).collect();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            registry.set(&service, instances.iter().map(String::as_str));
        });
    }

    /// The source of the list cannot be heard: the list stays, and is stale.
    pub fn fail(&self, service: &str, why: &str) {
        let trust = Trust::Stale { since: Instant::now(), why: why.into() };
        self.publish(service, |before| before.with_trust(trust));
    }

    /// Nothing was heard yet, as at the start.
    pub fn forget(&self, service: &str) {
        self.publish(service, |_| Snapshot::waiting());
    }

    fn publish(&self, service: &str, next: impl FnOnce(&Snapshot) -> Snapshot) {
        let mut services = self.0.services.lock();
        let sender = services.entry(service.to_owned()).or_insert_with(unheard);
        let next = next(&sender.borrow());
        sender.send_replace(next);
    }
}

fn unheard() -> watch::Sender<Snapshot> {
    watch::channel(Snapshot::waiting()).0
}

impl Resolver for SettableRegistry {
    fn watch(&self, service: &str) -> Watch {
        let mut services = self.0.services.lock();
        Watch::new(services.entry(service.to_owned()).or_insert_with(unheard).subscribe())
    }

    fn describe(&self) -> String {
        "the registry of a test".to_owned()
    }
}

impl fmt::Debug for SettableRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.services.lock().keys()).finish()
    }
}
