//! One after the other, the heavy ones more often.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::lots::one_of;
use super::ring::ring;
use super::round_robin::PASSED;
use super::turn::Turn;
use super::{Balancer, Candidate, Pick, Picker, replaced};

/// Smooth weighted round robin: each candidate comes as often as its weight says, and not all of
/// its turns at once. Weights 5, 1, 1 go a a b a c a a, as in nginx and rpcx's
/// `WeightedRoundRobin`.
///
/// The round is laid out once for a list, with weights divided by what they have in common. It has
/// at most 65,536 entries, or 8 for each candidate where that is more; heavier weights are scaled
/// down to that, with at least one turn for everybody. Very long rounds are spread evenly without
/// being nginx's to the letter. The turn goes on when the list changes, and begins at a place drawn
/// by chance.
///
/// ```
/// use trunkline::balance::{Balancer, WeightedRoundRobin};
///
/// let balancer = WeightedRoundRobin::new().starting_at(0);
/// assert_eq!(balancer.name(), "weighted");
/// ```
#[derive(Clone, Debug, Default)]
pub struct WeightedRoundRobin {
    start: Option<u64>,
}

impl WeightedRoundRobin {
    /// A round that begins anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins at this turn of the first round, for tests and for those who want to know.
    pub fn starting_at(mut self, turn: u64) -> Self {
        self.start = Some(turn);
        self
    }
}

impl Balancer for WeightedRoundRobin {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let weights = candidates.iter().map(|candidate| candidate.weight).collect();
        Box::new(WeightedPicker::new(weights, self.start, replaced(before)))
    }

    fn name(&self) -> &'static str {
        "weighted"
    }
}

/// Goes round by weights, whosever they are.
pub(super) struct WeightedPicker {
    weights: Vec<u64>,
    ring: Vec<u32>,
    turn: Arc<Turn>,
}

impl WeightedPicker {
    /// Candidates of weight 0 get calls only when no other is open.
    pub(super) fn new(weights: Vec<u64>, start: Option<u64>, before: Option<&Self>) -> Self {
        let turn = match before {
            Some(before) => before.turn.clone(),
            None => Arc::new(start.map_or_else(Turn::default, Turn::from)),
        };
        Self { ring: ring(&weights), weights, turn }
    }
}

impl Picker for WeightedPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let length = self.ring.len();
        let in_order = (0..length.min(PASSED))
            .map(|_| self.ring[self.turn.next(length, pick.random)] as usize)
            .find(|&place| pick.is_open(place));
        let open = |weighs: bool| {
            let of_these = (0..self.weights.len()).filter(move |&place| (self.weights[place] > 0) == weighs);
            let open = of_these.filter(|&place| pick.is_open(place));
            one_of(pick.random, open, |place| self.weights[place])
        };
        in_order.or_else(|| open(true)).or_else(|| open(false))
    }
}

pub(super) const NAMED: Named = Named {
    names: &["weighted", "WeightedRoundRobin"],
    make: Make::Plain(|| Arc::new(WeightedRoundRobin::new())),
};

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn the_heavy_one_comes_smoothly() {
        let fleet = Fleet::weighing(&[5, 1, 1]);
        let picker = WeightedRoundRobin::new().starting_at(0).picker(&fleet.candidates, None);
        let order: Vec<_> = (0..14).map(|_| fleet.pick(&*picker).unwrap()).collect();
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn counts_are_exact_wherever_it_begins() {
        let fleet = Fleet::weighing(&[5, 3, 2]);
        let picker = WeightedRoundRobin::new().picker(&fleet.candidates, None);
        assert_eq!(fleet.counts(&*picker, 10_000), [5_000, 3_000, 2_000]);
        fleet.close(0);
        assert_eq!(fleet.counts(&*picker, 5_000), [0, 3_000, 2_000]);
    }

    #[test]
    fn a_closed_giant_leaves_the_others_their_proportion() {
        let fleet = Fleet::weighing(&[1_000_000, 30, 10]);
        fleet.close(0);
        let picker = WeightedRoundRobin::new().picker(&fleet.candidates, None);
        let counts = fleet.counts(&*picker, 10_000);
        // The round of 65,536 holds each of the small ones 1 or 2 times; beyond 64 closed turns
        // chance decides, by the weights as they were given.
        assert!((6_900..8_100).contains(&counts[1]), "{counts:?}");
    }
}
