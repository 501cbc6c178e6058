//! A registry inside the process: for programs whose services are in it, and for tests, which can
//! make it misbehave.

mod catalog;
mod faults;
mod session;
mod source;
mod store;

use std::fmt;
use std::sync::Arc;

pub use faults::Faults;
use store::Store;

use super::Registry;

/// A registry in the memory of this process. Cheap to clone; clones are the same registry, which
/// is how a client and a server come to share it.
///
/// It behaves as a registry over the network does: entries live under sessions and expire, readers
/// list and then follow numbered events. [`faults`](Self::faults) makes it fail in the ways that
/// those fail.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// use trunkline::registry::MemoryRegistry;
///
/// let registry = MemoryRegistry::new();
/// let registration = registry
///     .registry()
///     .registrar()?
///     .register("Arith", "tcp@127.0.0.1:8972".parse().expect("it is an address"))?;
///
/// let mut watch = registry.registry().resolver()?.watch("Arith");
/// while watch.current().instances().is_empty() {
///     watch.changed().await.expect("the registry is there");
/// }
/// registration.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryRegistry {
    store: Arc<Store>,
    registry: Registry,
}

impl MemoryRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        let store = Arc::new(Store::new());
        let registry = Registry::new("memory")
            .reads(store.clone())
            .writes(Arc::new(store.clone()))
            .edits(store.clone())
            .local(true);
        Self { store, registry }
    }

    /// What clients and servers are given.
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// What makes it misbehave.
    pub fn faults(&self) -> Faults {
        Faults::new(self.store.clone())
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRegistry")
    }
}
