//! The same one as before, as long as it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::by_name::{Make, Named, by_name};
use super::{Balancer, Candidate, P2c, Pick, Picker, replaced};
use crate::registry::Instance;

/// Keeps to what another balancer picked first, until that one is no longer open; then to what is
/// picked next.
///
/// Calls that are first at the same time agree on one. It stays the same through updates of the list
/// while its address is in it. A call that has been there and failed goes elsewhere; the
/// others stay.
///
/// ```
/// use trunkline::balance::{Balancer, P2c, Sticky};
///
/// assert_eq!(Sticky::over(P2c::new()).name(), "sticky");
/// ```
#[derive(Clone, Debug)]
pub struct Sticky {
    inner: Arc<dyn Balancer>,
}

impl Sticky {
    /// Keeps to what this balancer picks.
    pub fn over(inner: impl Balancer) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl Balancer for Sticky {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let before = replaced::<StickyPicker>(before);
        let instances: Vec<Instance> =
            candidates.iter().map(|candidate| candidate.instance.clone()).collect();
        let kept = before.and_then(|before| {
            let address = before.instances.get(before.kept()?)?.address();
            instances.iter().position(|instance| instance.address() == address)
        });
        Box::new(StickyPicker {
            inner: self.inner.picker(candidates, before.map(|before| &*before.inner)),
            instances,
            kept: AtomicUsize::new(kept.map_or(NOBODY, |place| place + 1)),
        })
    }

    fn refresh(&self) -> Option<Duration> {
        self.inner.refresh()
    }

    fn name(&self) -> &'static str {
        "sticky"
    }
}

struct StickyPicker {
    inner: Box<dyn Picker>,
    instances: Vec<Instance>,
    /// A place plus one.
    kept: AtomicUsize,
}

const NOBODY: usize = 0;

impl StickyPicker {
    fn kept(&self) -> Option<usize> {
        self.kept.load(Ordering::Relaxed).checked_sub(1)
    }
}

impl Picker for StickyPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let kept = self.kept.load(Ordering::Relaxed);
        if let Some(place) = kept.checked_sub(1) {
            if pick.is_open(place) {
                return Some(place);
            }
            if pick.candidates.get(place).is_some_and(|candidate| candidate.stats.is_open()) {
                // Only this call has been there.
                return self.inner.pick(pick);
            }
        }

        let next = self.inner.pick(pick)?;
        match self.kept.compare_exchange(kept, next + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Some(next),
            // Another call was faster: what it has chosen holds for this one, too.
            Err(other) => other.checked_sub(1).filter(|&place| pick.is_open(place)).or(Some(next)),
        }
    }
}

pub(super) const NAMED: Named = Named {
    names: &["sticky"],
    make: Make::From(|argument| {
        let inner = argument.map_or_else(|| Ok(Arc::new(P2c::new()) as Arc<dyn Balancer>), by_name)?;
        Ok(Arc::new(Sticky { inner }))
    }),
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::RandomSelect;
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn it_stays_until_it_is_closed() {
        let fleet = Fleet::new(10);
        let picker = Sticky::over(RandomSelect::new()).picker(&fleet.candidates, None);
        let first = fleet.pick(&*picker).unwrap();
        assert_eq!(fleet.counts(&*picker, 100)[first], 100);

        let elsewhere = fleet.pick_again(&*picker, &[first]).unwrap();
        assert_ne!(elsewhere, first, "a call that was there goes elsewhere");
        assert_eq!(fleet.pick(&*picker), Some(first), "the others stay");

        fleet.close(first);
        let second = fleet.pick(&*picker).unwrap();
        fleet.open(first);
        assert_eq!(fleet.counts(&*picker, 100)[second], 100, "it does not go back");
    }

    #[test]
    fn it_stays_through_updates() {
        let fleet = Fleet::new(10);
        let balancer = Sticky::over(RandomSelect::new());
        let mut picker = balancer.picker(&fleet.candidates, None);
        let first = fleet.pick(&*picker).unwrap();
        let later = fleet.only(|place| place == first || place % 2 == 1);
        let place = later.place_of(fleet.candidates[first].instance.address());
        picker = balancer.picker(&later.candidates, Some(&*picker));
        assert_eq!(later.counts(&*picker, 100)[place], 100);

        let without = fleet.only(|place| place != first);
        picker = balancer.picker(&without.candidates, Some(&*picker));
        let next = without.pick(&*picker).unwrap();
        assert_eq!(without.counts(&*picker, 100)[next], 100);
    }

    #[test]
    fn calls_that_are_first_together_agree() {
        for seed in 0..50 {
            let fleet = Fleet::new(100).seeded(seed);
            let picker = Sticky::over(RandomSelect::new()).picker(&fleet.candidates, None);
            let places: HashSet<_> = std::thread::scope(|scope| {
                let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| fleet.pick(&*picker).unwrap())).collect();
                calls.into_iter().map(|call| call.join().unwrap()).collect()
            });
            assert_eq!(places.len(), 1, "seed {seed}: {places:?}");
        }
    }
}
