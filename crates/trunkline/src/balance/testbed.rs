//! What the balancers' tests stand on: fleets of instances that are where nobody is.

use std::sync::Arc;

use tokio::time::Instant;

use super::stats::Shut;
use super::{Candidate, Pick, Picker, Random, Stats};
use crate::transport::Address;

/// Instances, a moment and a seed.
pub(super) struct Fleet {
    pub(super) candidates: Vec<Candidate>,
    pub(super) now: Instant,
    pub(super) random: Random,
}

impl Fleet {
    /// So many equal ones.
    pub(super) fn new(count: usize) -> Self {
        Self::weighing(&vec![1; count])
    }

    pub(super) fn weighing(weights: &[u64]) -> Self {
        let mut fleet =
            Self::at((0..weights.len()).map(|i| format!("tcp@10.0.{}.{}:8972", i / 250, i % 250)));
        for (candidate, &weight) in fleet.candidates.iter_mut().zip(weights) {
            candidate.weight = weight;
        }
        fleet
    }

    /// Instances as they are written in lists.
    pub(super) fn at(texts: impl IntoIterator<Item = String>) -> Self {
        let now = Instant::now();
        let candidate = |text: String| Candidate {
            instance: text.parse().unwrap(),
            weight: 1,
            stats: Arc::new(Stats::born_at(now)),
        };
        Self { candidates: texts.into_iter().map(candidate).collect(), now, random: Random::seeded(42) }
    }

    pub(super) fn seeded(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }

    /// Those of these places, the same instances.
    pub(super) fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept = self.candidates.iter().enumerate().filter(|(place, _)| keep(*place));
        let candidates = kept.map(|(_, candidate)| candidate.clone()).collect();
        Self { candidates, now: self.now, random: Random::seeded(42) }
    }

    pub(super) fn close(&self, place: usize) {
        self.candidates[place].stats.shut(Shut::Down);
    }

    pub(super) fn open(&self, place: usize) {
        self.candidates[place].stats.open(Shut::Down);
    }

    pub(super) fn place_of(&self, address: &Address) -> usize {
        self.candidates.iter().position(|candidate| candidate.instance.address() == address).unwrap()
    }

    pub(super) fn pick(&self, picker: &dyn Picker) -> Option<usize> {
        self.pick_by(picker, "Arith", "Mul", None)
    }

    pub(super) fn pick_by(
        &self,
        picker: &dyn Picker,
        service: &str,
        method: &str,
        key: Option<&[u8]>,
    ) -> Option<usize> {
        picker.pick(&Pick { service, method, key, ..self.question(&[]) })
    }

    /// Picks for a call that has been to these places.
    pub(super) fn pick_again(&self, picker: &dyn Picker, tried: &[usize]) -> Option<usize> {
        let tried: Vec<_> = tried.iter().map(|&place| self.candidates[place].stats.clone()).collect();
        picker.pick(&self.question(&tried))
    }

    pub(super) fn question<'a>(&'a self, tried: &'a [Arc<Stats>]) -> Pick<'a> {
        let Self { candidates, now, random } = self;
        Pick {
            service: "Arith",
            method: "Mul",
            key: None,
            candidates,
            tried,
            now: *now,
            random,
            in_need: false,
        }
    }

    /// How often each place is picked.
    pub(super) fn counts(&self, picker: &dyn Picker, picks: usize) -> Vec<usize> {
        let mut counts = vec![0; self.candidates.len()];
        for _ in 0..picks {
            counts[self.pick(picker).unwrap()] += 1;
        }
        counts
    }

    /// Where the keys 0, 1, … go.
    pub(super) fn places_of_keys(&self, picker: &dyn Picker, keys: usize) -> Vec<usize> {
        let place =
            |key: usize| self.pick_by(picker, "Arith", "Mul", Some(key.to_string().as_bytes())).unwrap();
        (0..keys).map(place).collect()
    }
}
