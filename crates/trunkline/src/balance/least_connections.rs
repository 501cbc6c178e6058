//! Whoever has the fewest calls.

use std::cmp::Ordering;
use std::sync::Arc;

use super::by_name::{Make, Named};
use super::lots::Lots;
use super::{Balancer, Candidate, Pick, Picker};

/// Picks the open candidate with the fewest calls under way for its weight, as seen from this
/// client.
///
/// Up to 64 candidates are all looked at; of more, 16 are drawn by weight and the best of them is
/// taken. Between equals the weights' chance decides, so that idle instances, too, get calls in
/// proportion.
///
/// Good where calls differ much in what they take and instances do not. An instance that answers
/// errors at once has few calls under way and looks idle: [`P2c`](super::P2c) knows better.
///
/// ```
/// use trunkline::balance::{Balancer, LeastConnections};
///
/// assert_eq!(LeastConnections::new().name(), "least-connections");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LeastConnections;

impl LeastConnections {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for LeastConnections {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        let weights: Vec<u64> = candidates.iter().map(|candidate| candidate.weight).collect();
        Box::new(LeastPicker(Lots::new(&weights)))
    }

    fn name(&self) -> &'static str {
        "least-connections"
    }
}

/// Up to so many candidates all are looked at.
const ALL: usize = 64;
/// Of more, so many.
const SAMPLE: usize = 16;

struct LeastPicker(Lots);

impl Picker for LeastPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let count = pick.candidates.len();
        if count <= ALL {
            return least_of(pick);
        }
        // They come by weight, so the first of equals is by weight, too.
        let mut best: Option<(Load, usize)> = None;
        for _ in 0..SAMPLE {
            let place = self.0.draw_open(pick, None)?;
            let load = Load::of(&pick.candidates[place]);
            if best.is_none_or(|(least, _)| load < least) {
                best = Some((load, place));
            }
        }
        best.map(|(_, place)| place)
    }
}

/// The least loaded of all, in one pass: loads change while they are looked at.
fn least_of(pick: &Pick<'_>) -> Option<usize> {
    let mut best: Option<(Load, usize)> = None;
    let mut weights = 0.0;
    for place in (0..pick.candidates.len()).filter(|&place| pick.is_open(place)) {
        let load = Load::of(&pick.candidates[place]);
        let order = best.map_or(Ordering::Less, |(least, _)| load.cmp(&least));
        let weight = pick.candidates[place].weight as f64;
        weights = if order.is_lt() { weight } else { weights + if order.is_eq() { weight } else { 0.0 } };
        if order.is_lt() || (order.is_eq() && pick.random.fraction() * weights < weight) {
            best = Some((load, place));
        }
    }
    best.map(|(_, place)| place)
}

/// Calls for each unit of weight, compared without rounding.
#[derive(Clone, Copy)]
struct Load {
    calls: u32,
    weight: u64,
}

impl Load {
    fn of(candidate: &Candidate) -> Self {
        Self { calls: candidate.stats.in_flight(), weight: candidate.weight }
    }
}

impl Ord for Load {
    fn cmp(&self, other: &Self) -> Ordering {
        let crossed = |a: &Self, b: &Self| u128::from(a.calls) * u128::from(b.weight);
        crossed(self, other).cmp(&crossed(other, self))
    }
}

impl PartialOrd for Load {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Load {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Load {}

pub(super) const NAMED: Named =
    Named { names: &["least-connections"], make: Make::Plain(|| Arc::new(LeastConnections::new())) };

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn calls_count_against_weights() {
        for (weights, calls, expected) in [
            (&[1, 1, 1][..], &[2, 1, 3][..], 1),
            (&[4, 1, 1], &[7, 2, 3], 0),
            (&[4, 1, 1], &[9, 2, 3], 1),
            (&[1, u64::MAX], &[1, 4_000_000], 1),
        ] {
            let fleet = Fleet::weighing(weights);
            for (candidate, &calls) in fleet.candidates.iter().zip(calls) {
                (0..calls).for_each(|_| candidate.stats.begin());
            }
            let picker = LeastConnections::new().picker(&fleet.candidates, None);
            assert_eq!(fleet.pick(&*picker), Some(expected), "{weights:?} {calls:?}");
        }
    }

    #[test]
    fn idle_ones_get_calls_by_weight() {
        for copies in [1, 40] {
            let fleet = Fleet::weighing(&[3, 1].repeat(copies));
            let picker = LeastConnections::new().picker(&fleet.candidates, None);
            let heavy: usize = fleet.counts(&*picker, 10_000).iter().step_by(2).sum();
            assert!((7_200..7_800).contains(&heavy), "{heavy}");
        }
    }

    #[test]
    fn of_many_the_busiest_is_hardly_ever_picked() {
        let fleet = Fleet::new(1_000);
        (0..500).for_each(|place| fleet.candidates[place].stats.begin());
        let picker = LeastConnections::new().picker(&fleet.candidates, None);
        let busy: usize = fleet.counts(&*picker, 10_000)[..500].iter().sum();
        assert!(busy <= 2, "one in 65,536 is expected: {busy}");
    }
}
