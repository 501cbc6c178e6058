//! The better the way there, the more calls.

use std::time::Duration;

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::weighted::WeightedPicker;
use super::{Balancer, Candidate, Picker, replaced};

/// Weighted round robin by how quickly instances answer heartbeats: rpcx's `WeightedICMP`, without
/// pings.
///
/// The weights are rpcx's: up to 10 ms 191, then one less for each millisecond down to 1 at 200 ms,
/// 1 up to a second, and no calls beyond that unless nobody else is open. The time is that of the
/// last heartbeat, before the first one that of connecting; an instance of which neither is known
/// counts as near. They are looked at again every five seconds. Weights from the registry are
/// ignored.
///
/// ```
/// use std::time::Duration;
/// use trunkline::balance::{Balancer, NetworkQuality};
///
/// assert_eq!(NetworkQuality::new().refresh(), Some(Duration::from_secs(5)));
/// ```
#[derive(Clone, Debug)]
pub struct NetworkQuality {
    refresh: Duration,
}

impl NetworkQuality {
    /// The balancer.
    pub fn new() -> Self {
        Self { refresh: Duration::from_secs(5) }
    }

    /// Looks at the times this often.
    pub fn every(mut self, refresh: Duration) -> Self {
        self.refresh = refresh.max(Duration::from_millis(100));
        self
    }
}

impl Default for NetworkQuality {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for NetworkQuality {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let quality = |candidate: &Candidate| {
            let stats = &candidate.stats;
            quality(stats.heartbeat_time().or_else(|| stats.connect_time()).unwrap_or_default())
        };
        let mut weights: Vec<u64> = candidates.iter().map(quality).collect();
        if weights.iter().all(|&weight| weight == 0) {
            weights.fill(1);
        }
        Box::new(WeightedPicker::new(weights, None, replaced(before)))
    }

    fn refresh(&self) -> Option<Duration> {
        Some(self.refresh)
    }

    fn name(&self) -> &'static str {
        "network-quality"
    }
}

/// rpcx's weight for a round trip.
fn quality(round_trip: Duration) -> u64 {
    match round_trip.as_millis() {
        0..=10 => 191,
        milliseconds @ 11..=200 => 201 - milliseconds as u64,
        201..=999 => 1,
        _ => 0,
    }
}

pub(super) const NAMED: Named = Named {
    names: &["network-quality", "WeightedICMP"],
    make: Make::Plain(|| Arc::new(NetworkQuality::new())),
};

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn weights_are_the_references() {
        for (milliseconds, weight) in
            [(0, 191), (10, 191), (11, 190), (100, 101), (200, 1), (201, 1), (999, 1), (1_000, 0), (9_000, 0)]
        {
            assert_eq!(quality(Duration::from_millis(milliseconds)), weight, "{milliseconds} ms");
        }
    }

    #[test]
    fn shares_follow_the_last_heartbeat() {
        let fleet = Fleet::new(4);
        let times = |times: [u64; 4]| {
            for (candidate, time) in fleet.candidates.iter().zip(times) {
                candidate.stats.heartbeat_in(Duration::from_millis(time));
            }
        };
        fleet.candidates[0].stats.connected_in(Duration::from_secs(2));
        times([1, 106, 500, 1_500]);
        let first = NetworkQuality::new().picker(&fleet.candidates, None);
        assert_eq!(fleet.counts(&*first, 287), [191, 95, 1, 0]);

        (0..3).for_each(|place| fleet.close(place));
        assert_eq!(fleet.counts(&*first, 10), [0, 0, 0, 10], "far away is better than nowhere");

        (0..3).for_each(|place| fleet.open(place));
        times([2_000, 2_000, 3_000, 1_500]);
        let second = NetworkQuality::new().picker(&fleet.candidates, Some(&*first));
        assert_eq!(fleet.counts(&*second, 40), [10, 10, 10, 10]);
    }

    #[test]
    fn who_was_not_measured_counts_as_near() {
        let fleet = Fleet::new(3);
        fleet.candidates[0].stats.connected_in(Duration::from_millis(106));
        let picker = NetworkQuality::new().picker(&fleet.candidates, None);
        assert_eq!(fleet.counts(&*picker, 477), [95, 191, 191]);
    }
}
