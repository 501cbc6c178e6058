//! How long a service's calls have taken of late, for one question: what is long?

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Counts by powers of the square root of two, from a microsecond up. Halved when a count is
/// high, so that what is old weighs less.
#[derive(Debug)]
pub(crate) struct Latencies([AtomicU32; 64]);

/// So many calls are too few to say what is usual.
const FEW: u64 = 100;
const MANY: u32 = 4_096;

impl Default for Latencies {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; 64])
    }
}

impl Latencies {
    pub(crate) fn note(&self, latency: Duration) {
        let counted = self.0[place(latency)].fetch_add(1, Ordering::Relaxed);
        if counted >= MANY {
            for count in &self.0 {
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
        }
    }

    /// A time within which such a share of the calls has ended; none while there were few.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let counts = self.0.each_ref().map(|count| u64::from(count.load(Ordering::Relaxed)));
        let all: u64 = counts.iter().sum();
        if all < FEW {
            return None;
        }
        let wanted = (all as f64 * share).ceil() as u64;
        let mut so_far = 0;
        let place = counts.iter().position(|count| {
            so_far += count;
            so_far >= wanted
        });
        place.map(upper_end)
    }
}

fn place(latency: Duration) -> usize {
    let micros = latency.as_micros().max(1) as f64;
    ((micros.log2() * 2.0) as usize).min(63)
}

fn upper_end(place: usize) -> Duration {
    Duration::from_secs_f64(2f64.powf((place + 1) as f64 / 2.0) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_within_a_step_of_the_truth() {
        let latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.95), None);
        (1..=1_000).for_each(|n| latencies.note(Duration::from_micros(n * 100)));
        let p95 = latencies.quantile(0.95).unwrap();
        assert!((Duration::from_millis(95)..Duration::from_millis(135)).contains(&p95), "{p95:?}");
    }

    #[test]
    fn old_times_are_forgotten() {
        let latencies = Latencies::default();
        (0..10_000).for_each(|_| latencies.note(Duration::from_millis(1)));
        (0..60_000).for_each(|_| latencies.note(Duration::from_millis(100)));
        assert!(latencies.quantile(0.5).unwrap() >= Duration::from_millis(100));
    }
}
