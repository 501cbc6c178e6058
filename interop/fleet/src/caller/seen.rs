//! What the client's list was, and where attempts failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use trunkline::middleware::{Middleware, Next};
use trunkline::registry::{Snapshot, Trust, Watch};
use trunkline::{Call, Error, Reply};

/// What has been seen so far.
#[derive(Clone)]
pub(super) struct Seen(Arc<Mutex<Notes>>);

struct Notes {
    now: Snapshot,
    /// The length of the shortest list after the first.
    fewest: Option<usize>,
    failed: BTreeMap<String, u64>,
}

/// Counts failed attempts by address.
pub(super) struct Failures(Seen);

impl Seen {
    /// Follows a list.
    pub(super) fn watch(mut watch: Watch) -> Self {
        let notes = Notes { now: Snapshot::waiting(), fewest: None, failed: BTreeMap::new() };
        let seen = Self(Arc::new(Mutex::new(notes)));
        seen.note(watch.current());
        let following = seen.clone();
        tokio::spawn(async move {
            while let Some(list) = watch.changed().await {
                following.note(list);
            }
        });
        seen
    }

    fn note(&self, list: Snapshot) {
        let mut notes = self.0.lock();
        let count = list.instances().len();
        if *list.trust() != Trust::Waiting {
            notes.fewest = Some(notes.fewest.map_or(count, |fewest| fewest.min(count)));
        }
        notes.now = list;
    }

    pub(super) fn failures(&self) -> Failures {
        Failures(self.clone())
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.0.lock().now.instances().iter().map(|instance| instance.address().to_string()).collect()
    }

    /// The list, as `list` answers.
    pub(super) fn list(&self) -> Value {
        let notes = self.0.lock();
        let entry = |instance: &trunkline::registry::Instance| json!({"key": instance.address().as_str(), "metadata": instance.attributes().text()});
        let list: Vec<_> = notes.now.instances().iter().map(entry).collect();
        json!({"count": list.len(), "list": list})
    }

    /// As `seen` answers. What is counted for `fewest` begins anew.
    pub(super) fn report(&self) -> Value {
        let mut notes = self.0.lock();
        let count = notes.now.instances().len();
        let fewest = notes.fewest.replace(count);
        json!({"fewest": fewest, "failed_attempts": notes.failed})
    }
}

impl Middleware for Failures {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let result = next.run(call).await;
        if let Err(error) = &result {
            let address = error.address().unwrap_or("nowhere").to_owned();
            *self.0.0.lock().failed.entry(address).or_default() += 1;
        }
        result
    }
}
