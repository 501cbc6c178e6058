//! Looks at a list all the time, to say afterwards what it never was.

use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use trunkline::registry::Registry;

use super::{texts, watch};

pub(crate) struct Witness {
    seen: Arc<Mutex<Vec<Vec<String>>>>,
    looking: JoinHandle<()>,
}

impl Witness {
    pub(crate) fn of(registry: &Registry, service: &str) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut watch = watch(registry, service);
        let noted = seen.clone();
        let looking = tokio::spawn(async move {
            let mut snapshot = watch.current();
            loop {
                noted.lock().unwrap().push(texts(&snapshot));
                let Some(next) = watch.changed().await else { return };
                snapshot = next;
            }
        });
        Self { seen, looking }
    }

    /// Once there was anything in the list, there always was.
    pub(crate) fn was_never_empty(&self) {
        assert!(!self.looking.is_finished(), "the witness has stopped looking");
        let seen = self.seen.lock().unwrap();
        let first =
            seen.iter().position(|list| !list.is_empty()).expect("there never was anything in the list");
        assert!(seen[first..].iter().all(|list| !list.is_empty()), "the list was empty: {seen:?}");
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
