//! The better of two.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::lots::Lots;
use super::{Balancer, Candidate, Pick, Picker, Stats};

/// Draws two open candidates by weight and picks the one that will answer sooner: the default.
///
/// How soon is estimated as latency × (calls under way + 1), the calls being counted against the
/// weight. Latency is a mean that follows a rise at once and a fall over ten seconds (see
/// [`Stats::latency`]). The worst of many is never picked against a better one, clients do not
/// all run to the same best one, and a pick costs the same for any number of candidates.
///
/// A candidate whose latency is not known yet is taken to be as fast as the other: it gets calls at
/// once, but no more under way than others have until the first answers. Failed calls count as slow
/// ones, so that an instance that answers errors at once does not look fast.
///
/// A slow one is asked again when its latency has been forgotten far enough: one that is 100 times
/// slower than the others after 46 seconds.
///
/// ```
/// use trunkline::balance::{Balancer, P2c};
///
/// assert_eq!(P2c::new().name(), "p2c");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct P2c;

impl P2c {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for P2c {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        let weights: Vec<u64> = candidates.iter().map(|candidate| candidate.weight).collect();
        let total: f64 = weights.iter().map(|&weight| weight as f64).sum();
        let lots = Lots::new(&weights);
        let advantage = if lots.are_equal() { 1.0 } else { SLACK };
        Box::new(P2cPicker { lots, mean_weight: total / weights.len().max(1) as f64, advantage })
    }

    fn name(&self) -> &'static str {
        "p2c"
    }
}

/// How many times better than the first the second must be where weights differ: the first was
/// drawn in proportion to them, and noise in the latencies should not undo that.
const SLACK: f64 = 1.25;

struct P2cPicker {
    lots: Lots,
    mean_weight: f64,
    advantage: f64,
}

impl Picker for P2cPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let first = self.lots.draw_open(pick, None)?;
        if pick.candidates.len() == 1 {
            return Some(first);
        }
        let Some(second) = self.lots.draw_open(pick, Some(first)) else {
            return Some(first);
        };
        let [a, b] = [first, second].map(|place| &pick.candidates[place]);
        let [known_a, known_b] = [a, b].map(|candidate| latency(&candidate.stats, pick));
        let other_or_any = |own: Option<f64>, other: Option<f64>| own.or(other).unwrap_or(1.0);
        let time_a = other_or_any(known_a, known_b) * self.queue(a);
        let time_b = other_or_any(known_b, known_a) * self.queue(b);
        Some(if time_b * self.advantage < time_a { second } else { first })
    }
}

impl P2cPicker {
    /// The calls under way and this one, as a candidate of mean weight would feel them.
    fn queue(&self, candidate: &Candidate) -> f64 {
        let calls = f64::from(candidate.stats.in_flight());
        1.0 + calls * self.mean_weight / candidate.weight.max(1) as f64
    }
}

fn latency(stats: &Stats, pick: &Pick<'_>) -> Option<f64> {
    stats.latency(pick.now).map(|latency| latency.as_secs_f64())
}

pub(super) const NAMED: Named = Named { names: &["p2c"], make: Make::Plain(|| Arc::new(P2c::new())) };

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testbed::Fleet;
    use super::*;

    fn took(fleet: &Fleet, place: usize, milliseconds: u64) {
        fleet.candidates[place].stats.took(Duration::from_millis(milliseconds), fleet.now);
    }

    #[test]
    fn of_two_the_one_that_answers_sooner() {
        for (latencies, calls, expected) in [
            ([Some(10), Some(20)], [0, 0], 0),
            ([Some(10), Some(20)], [2, 0], 1),
            ([None, Some(20)], [0, 1], 0),
            ([None, Some(20)], [2, 1], 1),
            ([None, None], [1, 0], 1),
        ] {
            let fleet = Fleet::new(2);
            for place in 0..2 {
                (0..calls[place]).for_each(|_| fleet.candidates[place].stats.begin());
                latencies[place].iter().for_each(|&latency| took(&fleet, place, latency));
            }
            let picker = P2c::new().picker(&fleet.candidates, None);
            let counts = fleet.counts(&*picker, 100);
            assert_eq!(counts[expected], 100, "{latencies:?} {calls:?}");
        }
    }

    #[test]
    fn equals_get_calls_by_weight() {
        for copies in [1, 40] {
            let fleet = Fleet::weighing(&[3, 1].repeat(copies));
            let picker = P2c::new().picker(&fleet.candidates, None);
            let heavy: usize = fleet.counts(&*picker, 10_000).iter().step_by(2).sum();
            assert!((7_300..7_700).contains(&heavy), "{heavy}");
        }
    }

    #[test]
    fn a_slow_one_is_asked_again_when_it_is_forgotten() {
        let mut fleet = Fleet::new(2);
        took(&fleet, 0, 1_000);
        let picker = P2c::new().picker(&fleet.candidates, None);
        for (seconds, expected) in [(0, 1), (45, 1), (47, 0)] {
            fleet.now = fleet.candidates[0].stats.born() + Duration::from_secs(seconds);
            took(&fleet, 1, 10);
            assert_eq!(fleet.pick(&*picker), Some(expected), "after {seconds} s");
        }
    }
}
