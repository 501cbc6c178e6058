//! Any of them, by chance and weight.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::lots::Lots;
use super::{Balancer, Candidate, Pick, Picker};

/// Picks an open candidate with a chance proportional to its weight.
///
/// Where many clients call few instances it spreads better than
/// [`WeightedRoundRobin`](super::WeightedRoundRobin), for clients do not go in step. A pick costs
/// the same for any number of candidates as long as most are open.
///
/// ```
/// use trunkline::balance::{Balancer, WeightedRandom};
///
/// assert_eq!(WeightedRandom::new().name(), "weighted-random");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WeightedRandom;

impl WeightedRandom {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for WeightedRandom {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        let weights: Vec<u64> = candidates.iter().map(|candidate| candidate.weight).collect();
        Box::new(WeightedRandomPicker(Lots::new(&weights)))
    }

    fn name(&self) -> &'static str {
        "weighted-random"
    }
}

struct WeightedRandomPicker(Lots);

impl Picker for WeightedRandomPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        self.0.draw_open(pick, None)
    }
}

pub(super) const NAMED: Named =
    Named { names: &["weighted-random"], make: Make::Plain(|| Arc::new(WeightedRandom::new())) };
