//! What callers counted.

use std::time::Duration;

use crate::{Latency, Result};

/// Calls that ended within the window.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) latency: Latency,
    pub(crate) errors: u64,
    /// The first error's text: the others are most likely the same.
    pub(crate) error: Option<String>,
}

impl Tally {
    pub(crate) fn record(&mut self, time: Duration, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.latency.record(time),
            Err(error) => {
                self.errors += 1;
                self.error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.latency.merge(&other.latency);
        self.errors += other.errors;
        self.error = self.error.take().or(other.error);
    }
}
