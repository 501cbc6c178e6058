//! What became of calls, counted as the Go caller counts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// Different error texts that are told apart.
const MOST_TEXTS: usize = 20;
/// Times that are kept for the percentiles.
const MOST_TIMES: usize = 200_000;

/// Counts of calls.
#[derive(Debug, Default)]
pub(super) struct Tally {
    calls: u64,
    errors: u64,
    texts: BTreeMap<String, u64>,
    by_instance: BTreeMap<String, u64>,
    micros: Vec<u64>,
}

impl Tally {
    /// Notes a call: who answered, or what it failed with.
    pub(super) fn add(&mut self, result: Result<&str, &str>, took: Duration) {
        self.calls += 1;
        if self.micros.len() < MOST_TIMES {
            self.micros.push(took.as_micros().try_into().unwrap_or(u64::MAX));
        }
        match result {
            Ok(member) => *self.by_instance.entry(member.to_owned()).or_default() += 1,
            Err(text) => {
                self.errors += 1;
                let known = self.texts.contains_key(text) || self.texts.len() < MOST_TEXTS;
                *self.texts.entry(if known { text } else { "others" }.to_owned()).or_default() += 1;
            }
        }
    }

    /// As it is reported.
    pub(super) fn counts(&mut self) -> Value {
        self.micros.sort_unstable();
        let last = self.micros.len().saturating_sub(1);
        let at = |hundredths: usize| self.micros.get((self.micros.len() * hundredths / 100).min(last));
        json!({
            "calls": self.calls, "answered": self.calls - self.errors, "errors": self.errors,
            "error_texts": self.texts, "by_instance": self.by_instance,
            "p50_us": at(50).unwrap_or(&0), "p99_us": at(99).unwrap_or(&0), "max_us": at(100).unwrap_or(&0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_and_texts_are_bounded() {
        let mut tally = Tally::default();
        for i in 0..100 {
            tally.add(Ok("a"), Duration::from_micros(i));
        }
        for i in 0..25 {
            tally.add(Err(&format!("text {i}")), Duration::from_secs(1));
        }
        let counts = tally.counts();
        assert_eq!(counts["calls"], 125);
        assert_eq!(counts["errors"], 25);
        assert_eq!(counts["by_instance"]["a"], 100);
        assert_eq!(counts["error_texts"]["others"], 5);
        assert_eq!(counts["p50_us"], 62);
        assert_eq!(counts["max_us"], 1_000_000);
    }
}
