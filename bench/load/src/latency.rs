//! A histogram of call times, small enough for one per caller.

use std::time::Duration;

/// Counts by magnitude: 64 steps per power of two, so a value is told to within 1.6 %.
#[derive(Clone, Debug)]
pub struct Latency {
    counts: Vec<u32>,
    total: u64,
}

impl Latency {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    /// Counts one call.
    pub fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// Adds what another caller counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many calls were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The time in microseconds that this share of the calls did not exceed; 0 without calls.
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return middle(index) / 1_000.0;
            }
        }
        0.0
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

fn bucket(nanos: u64) -> usize {
    let index = if nanos < STEPS {
        nanos
    } else {
        let shift = u64::from(nanos.ilog2()) - STEPS_LOG2;
        (shift + 1) * STEPS + (nanos >> shift) - STEPS
    };
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

fn middle(index: usize) -> f64 {
    let index = index as u64;
    if index < STEPS {
        return index as f64;
    }
    let shift = index / STEPS - 1;
    ((STEPS + index % STEPS) << shift) as f64 + (1_u64 << shift) as f64 / 2.0
}

const STEPS_LOG2: u64 = 6;
const STEPS: u64 = 1 << STEPS_LOG2;

/// Up to 2^37 ns, about two minutes; longer calls share the last one.
const BUCKETS: usize = 32 * STEPS as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap() {
        let mut last = 0;
        for nanos in 0..1_000_000 {
            let index = bucket(nanos);
            assert!(index == last || index == last + 1, "{nanos} is in {index} after {last}");
            last = index;
        }
    }

    #[test]
    fn quantiles_are_within_two_percent() {
        let mut latency = Latency::new();
        for micros in 1..=10_000 {
            latency.record(Duration::from_micros(micros));
        }
        for share in [0.5, 0.99] {
            let exact = share * 10_000.0;
            assert!((latency.quantile(share) / exact - 1.0).abs() < 0.02, "{}", latency.quantile(share));
        }
    }

    #[test]
    fn the_longest_call_still_counts() {
        let mut latency = Latency::new();
        latency.record(Duration::MAX);
        assert_eq!(latency.count(), 1);
    }
}
