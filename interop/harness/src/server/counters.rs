//! Sums by key, shared by everything that serves.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

#[derive(Clone, Debug, Default)]
pub(crate) struct Counters(Arc<Mutex<HashMap<String, i64>>>);

impl Counters {
    /// Adds, and tells the sum.
    pub(crate) fn add(&self, key: impl Into<String>, n: i64) -> i64 {
        let mut totals = self.0.lock();
        let total = totals.entry(key.into()).or_default();
        *total += n;
        *total
    }

    /// Counts a visit: `KEY.started` now, `KEY.finished` or `KEY.cancelled` when it ends.
    pub(super) fn visit(&self, key: &str) -> Visit {
        self.add(format!("{key}.started"), 1);
        Visit { counters: self.clone(), key: key.to_owned(), finished: false }
    }
}

/// A visit under way. Dropping it unfinished counts it as cancelled.
pub(super) struct Visit {
    counters: Counters,
    key: String,
    finished: bool,
}

impl Visit {
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let end = if self.finished { "finished" } else { "cancelled" };
        self.counters.add(format!("{}.{end}", self.key), 1);
    }
}
