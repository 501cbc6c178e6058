//! One after the other.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::turn::Turn;
use super::{Balancer, Candidate, Pick, Picker, replaced};

/// Picks the candidates one after the other, in the order of their list, whatever their weights:
/// rpcx's `RoundRobin`.
///
/// The round goes on where it was when the list changes. It begins at a place drawn by chance,
/// because clients that start together would otherwise all begin with the same instance. Who is not
/// open is passed over and the next call goes to whoever is next, so that nobody gets the share of
/// a neighbour that is down.
///
/// ```
/// use trunkline::balance::{Balancer, RoundRobin};
///
/// let balancer = RoundRobin::new().starting_at(0);
/// assert_eq!(balancer.name(), "round-robin");
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    start: Option<u64>,
}

impl RoundRobin {
    /// A round that begins anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins at this place of the first list, for tests and for those who want to know.
    pub fn starting_at(mut self, place: u64) -> Self {
        self.start = Some(place);
        self
    }
}

impl Balancer for RoundRobin {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let turn = match replaced::<RoundRobinPicker>(before) {
            Some(before) => before.turn.clone(),
            None => Arc::new(self.start.map_or_else(Turn::default, Turn::from)),
        };
        Box::new(RoundRobinPicker { places: (0..candidates.len() as u32).collect(), turn })
    }

    fn name(&self) -> &'static str {
        "round-robin"
    }
}

struct RoundRobinPicker {
    places: Vec<u32>,
    turn: Arc<Turn>,
}

/// How many that are not open are passed over in order; then chance decides among the others.
pub(super) const PASSED: usize = 64;

impl Picker for RoundRobinPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let length = self.places.len();
        (0..length.min(PASSED))
            .map(|_| self.turn.next(length, pick.random))
            .find(|&place| pick.is_open(place))
            .or_else(|| pick.any_open(&self.places))
    }
}

pub(super) const NAMED: Named =
    Named { names: &["round-robin", "RoundRobin"], make: Make::Plain(|| Arc::new(RoundRobin::new())) };

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn everybody_has_a_turn_in_order_through_updates() {
        let fleet = Fleet::new(4);
        let balancer = RoundRobin::new().starting_at(1);
        let first = balancer.picker(&fleet.candidates, None);
        let places = |picker: &dyn Picker, fleet: &Fleet, n| {
            (0..n).map(|_| fleet.pick(picker).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(places(&*first, &fleet, 5), [1, 2, 3, 0, 1]);
        let smaller = fleet.only(|place| place < 3);
        let second = balancer.picker(&smaller.candidates, Some(&*first));
        assert_eq!(places(&*second, &smaller, 4), [0, 1, 2, 0], "turn 6 of a round of three");
    }

    #[test]
    fn a_closed_neighbours_share_is_everybodys() {
        let fleet = Fleet::new(4);
        fleet.close(1);
        let picker = RoundRobin::new().picker(&fleet.candidates, None);
        assert_eq!(fleet.counts(&*picker, 300), [100, 0, 100, 100]);
    }

    #[test]
    fn a_closed_half_does_not_flood_its_neighbour() {
        let fleet = Fleet::new(400);
        (0..200).for_each(|place| fleet.close(place));
        let picker = RoundRobin::new().picker(&fleet.candidates, None);
        let counts = fleet.counts(&*picker, 20_000);
        assert!(counts[200..].iter().all(|count| (50..200).contains(count)), "{counts:?}");
    }
}
