//! What makes the registry misbehave, as those over a network do.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::store::{Condition, Store};

/// Makes a [`MemoryRegistry`](super::MemoryRegistry) misbehave; for tests of what uses one. Cheap
/// to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// # use trunkline::registry::MemoryRegistry;
/// let registry = MemoryRegistry::new();
/// registry.faults().stop();
/// let catalog = registry.registry().catalog()?;
/// assert!(catalog.services().await.is_err());
///
/// registry.faults().start();
/// assert!(catalog.services().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faults {
    store: Arc<Store>,
}

impl Faults {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Stops it: whatever it is asked fails, and streams break.
    pub fn stop(&self) {
        self.store.change(|state| {
            state.condition = Condition::Down;
            state.epoch += 1;
        });
    }

    /// Starts it again, with what it held. The time of its sessions begins anew, as it does in
    /// registries that elect a leader.
    pub fn start(&self) {
        self.store.change(|state| {
            state.condition = Condition::Up;
            let now = Instant::now();
            state.sessions.values_mut().for_each(|lease| lease.until = now + lease.ttl);
        });
    }

    /// Freezes it: it does not answer and does not hang up.
    pub fn freeze(&self) {
        self.store.change(|state| state.condition = Condition::Frozen);
    }

    /// Ends that. Sessions whose time is over by now expire.
    pub fn thaw(&self) {
        self.store.change(|state| state.condition = Condition::Up);
    }

    /// Loses all it holds, sessions and revisions too, and breaks all streams.
    pub fn wipe(&self) {
        self.store.change(super::store::State::wipe);
    }

    /// Ends all sessions, and the entries under them with them.
    pub fn expire_sessions(&self) {
        self.store.change(|state| {
            for id in state.sessions.keys().cloned().collect::<Vec<_>>() {
                state.end_session(&id);
            }
        });
    }

    /// Breaks the streams of all readers.
    pub fn cut_streams(&self) {
        self.store.change(|state| state.epoch += 1);
    }

    /// Loses the next events on their way to readers.
    pub fn lose_events(&self, count: usize) {
        self.store.change(|state| state.delivery.lose = count);
    }

    /// Whether each event is delivered twice.
    pub fn double_events(&self, double: bool) {
        self.store.change(|state| state.delivery.double = double);
    }

    /// Whether events that happen together are delivered in the opposite order.
    pub fn reverse_events(&self, backwards: bool) {
        self.store.change(|state| state.delivery.backwards = backwards);
    }

    /// Puts any text at any place, under no session: junk, say.
    pub fn put(&self, service: &str, address: &str, text: &str) {
        self.store.change(|state| state.put((service.to_owned(), address.to_owned()), text, None));
    }

    /// Removes whatever stands there.
    pub fn remove(&self, service: &str, address: &str) {
        self.store.change(|state| state.remove(&(service.to_owned(), address.to_owned()), false));
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}
