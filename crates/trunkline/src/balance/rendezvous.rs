//! Equal keys to the same instance, agreed upon by all clients that know the same list.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::hash::{fnv1a, mix};
use super::{Balancer, Candidate, Pick, Picker};

/// Sends equal keys to the same instance, for all clients alike and whatever they saw before:
/// highest random weight, with weights.
///
/// Key and address together decide how well an instance suits a key; the open one that suits best
/// gets it. So when an instance leaves or closes, its keys spread over the others by weight and no
/// other key moves; when it is back, they are. A new one takes its share from everybody. Service
/// and method do not matter, only the key: what one method has put into an instance's cache another
/// finds there. Calls without a key go anywhere, by weight.
///
/// A pick looks at all candidates: about 5 ns for each, 5 µs for a thousand, 0.5 ms for a hundred
/// thousand. [`GoHash`](super::GoHash) is faster for very many, but needs the same history
/// everywhere.
///
/// ```
/// use trunkline::balance::{Balancer, Rendezvous};
///
/// assert_eq!(Rendezvous::new().name(), "rendezvous");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Rendezvous;

impl Rendezvous {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for Rendezvous {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        Box::new(RendezvousPicker::new(candidates))
    }

    fn name(&self) -> &'static str {
        "rendezvous"
    }
}

struct RendezvousPicker {
    /// Hash and place of each member, those of one weight together.
    members: Vec<(u64, u32)>,
    /// Each weight there is, and where its members end.
    weights: Vec<(f64, usize)>,
}

impl RendezvousPicker {
    fn new(candidates: &[Candidate]) -> Self {
        let seed = |at: u32| mix(fnv1a([candidates[at as usize].instance.address().as_str().as_bytes()]));
        let mut places: Vec<u32> = (0..candidates.len() as u32).collect();
        let weight = |place: u32| candidates[place as usize].weight.max(1);
        places.sort_by_key(|&place| weight(place));
        let weights = places
            .chunk_by(|&a, &b| weight(a) == weight(b))
            .scan(0, |end, group| {
                *end += group.len();
                Some((weight(group[0]) as f64, *end))
            })
            .collect();
        Self { members: places.into_iter().map(|place| (seed(place), place)).collect(), weights }
    }
}

impl Picker for RendezvousPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let key = pick.key.map_or_else(|| pick.random.next(), |key| mix(fnv1a([key])));
        let (mut best, mut least) = (None, f64::INFINITY);
        let mut begin = 0;
        for &(weight, end) in &self.weights {
            // Among equal weights the smallest hash wins, so the logarithm is taken once for each
            // weight; and who is open is only asked of those who would win.
            let mut winner: Option<(u64, usize)> = None;
            for &(seed, place) in &self.members[begin..end] {
                let draw = mix(key ^ seed);
                if winner.is_none_or(|(smallest, _)| draw < smallest) && pick.is_open(place as usize) {
                    winner = Some((draw, place as usize));
                }
            }
            begin = end;
            if let Some((draw, place)) = winner {
                // Exponentially distributed with the weight as its rate: the least of several comes
                // first with the chance of its weight's share.
                let time = -(-(draw as f64 + 0.5) / 2f64.powi(64)).ln_1p() / weight;
                if time < least {
                    (best, least) = (Some(place), time);
                }
            }
        }
        best
    }
}

pub(super) const NAMED: Named =
    Named { names: &["rendezvous"], make: Make::Plain(|| Arc::new(Rendezvous::new())) };

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    const KEYS: usize = 20_000;

    #[test]
    fn one_that_leaves_moves_its_own_keys_only() {
        let fleet = Fleet::new(50);
        let balancer = Rendezvous::new();
        let before = fleet.places_of_keys(&*balancer.picker(&fleet.candidates, None), KEYS);
        let smaller = fleet.only(|place| place != 13);
        let after = smaller.places_of_keys(&*balancer.picker(&smaller.candidates, None), KEYS);
        let mut moved = 0;
        for (before, after) in before.iter().zip(after) {
            let after = if after >= 13 { after + 1 } else { after };
            if *before == 13 {
                moved += 1;
            } else {
                assert_eq!(*before, after);
            }
        }
        assert!((1..=KEYS / 50 * 3 / 2).contains(&moved), "{moved}");
    }

    #[test]
    fn shares_follow_weights() {
        let fleet = Fleet::weighing(&[1, 1, 2, 4, 2]);
        let picker = Rendezvous::new().picker(&fleet.candidates, None);
        let mut counts = [0usize; 5];
        fleet.places_of_keys(&*picker, KEYS).into_iter().for_each(|place| counts[place] += 1);
        for (count, weight) in counts.iter().zip([1, 1, 2, 4, 2]) {
            let share = KEYS * weight / 10;
            assert!(count.abs_diff(share) < share / 10, "{counts:?}");
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let names = |order: [u16; 3]| {
            let fleet = Fleet::at(order.map(|port| format!("tcp@127.0.0.1:{port}")));
            let picker = Rendezvous::new().picker(&fleet.candidates, None);
            let places = fleet.places_of_keys(&*picker, 200);
            places.into_iter().map(|place| order[place]).collect::<Vec<_>>()
        };
        assert_eq!(names([1, 2, 3]), names([3, 1, 2]));
    }

    /// What clients have agreed upon must stay so from version to version.
    #[test]
    fn the_values_are_fixed() {
        let fleet = Fleet::weighing(&[1, 2, 3, 4, 5, 6]);
        let picker = Rendezvous::new().picker(&fleet.candidates, None);
        assert_eq!(fleet.places_of_keys(&*picker, 12), [1, 4, 0, 2, 0, 4, 4, 3, 2, 3, 3, 2]);
    }
}
