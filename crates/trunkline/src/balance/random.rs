//! Any of them, by chance.

use std::sync::Arc;

use super::by_name::{Make, Named};
use super::lots::Lots;
use super::{Balancer, Candidate, Pick, Picker};

/// Picks any open candidate, each as likely as any other, whatever its weight: rpcx's
/// `RandomSelect`. See [`WeightedRandom`](super::WeightedRandom) for chance by weight.
///
/// A pick costs the same for any number of candidates as long as most are open.
///
/// ```
/// use trunkline::balance::{Balancer, RandomSelect};
///
/// assert_eq!(RandomSelect::new().name(), "random");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RandomSelect;

impl RandomSelect {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for RandomSelect {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        Box::new(RandomPicker(Lots::new(&vec![1; candidates.len()])))
    }

    fn name(&self) -> &'static str {
        "random"
    }
}

struct RandomPicker(Lots);

impl Picker for RandomPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        self.0.draw_open(pick, None)
    }
}

pub(super) const NAMED: Named =
    Named { names: &["random", "RandomSelect"], make: Make::Plain(|| Arc::new(RandomSelect::new())) };
