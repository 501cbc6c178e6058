//! New ones begin with little.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::hash::fraction;
use super::{Balancer, Candidate, Pick, Picker, Stats, replaced};

/// Lets the share of a new instance grow from nothing to what another balancer gives it, evenly over
/// a time: caches are cold, connections are still to be made, code is still to be compiled.
///
/// Time counts from when this client got to know the instance. Where none is older than the
/// warm-up, as after a client's start, ages are measured against the oldest: those that are equally
/// new share equally. When no other is open, a new one gets the calls however new it is.
///
/// What is held back is picked again without the new one. Calls with a key are held back by the key:
/// each moves to a new instance once and stays there. Put it inside of [`Sticky`](super::Sticky),
/// not around.
///
/// ```
/// use std::time::Duration;
/// use trunkline::balance::{Balancer, P2c, WarmUp};
///
/// let balancer = WarmUp::over(P2c::new(), Duration::from_secs(30));
/// assert_eq!(balancer.name(), "warm-up");
/// ```
#[derive(Clone, Debug)]
pub struct WarmUp {
    inner: Arc<dyn Balancer>,
    time: Duration,
}

impl WarmUp {
    /// Warms instances up over this time.
    pub fn over(inner: impl Balancer, time: Duration) -> Self {
        Self { inner: Arc::new(inner), time }
    }
}

impl Balancer for WarmUp {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let born = || candidates.iter().map(|candidate| candidate.stats.born());
        let before = replaced::<WarmUpPicker>(before);
        Box::new(WarmUpPicker {
            inner: self.inner.picker(candidates, before.map(|before| &*before.inner)),
            oldest: born().min(),
            // All of one age have nobody to be compared with.
            until: if born().min() == born().max() {
                None
            } else {
                born().max().map(|born| born + self.time)
            },
            time: self.time,
        })
    }

    fn refresh(&self) -> Option<Duration> {
        self.inner.refresh()
    }

    fn name(&self) -> &'static str {
        "warm-up"
    }
}

struct WarmUpPicker {
    inner: Box<dyn Picker>,
    oldest: Option<Instant>,
    /// When the last one is warm.
    until: Option<Instant>,
    time: Duration,
}

impl WarmUpPicker {
    /// How much of its share an instance gets.
    fn warmth(&self, stats: &Stats, now: Instant) -> f64 {
        let age = |born: Instant| now.saturating_duration_since(born).as_secs_f64();
        let full = self.oldest.map_or(0.0, age).min(self.time.as_secs_f64());
        if full == 0.0 { 1.0 } else { (age(stats.born()) / full).min(1.0) }
    }

    fn is_held_back(&self, candidate: &Candidate, pick: &Pick<'_>) -> bool {
        let warmth = self.warmth(&candidate.stats, pick.now);
        let luck = || match pick.key {
            Some(key) => fraction([key, candidate.instance.address().as_str().as_bytes()]),
            None => pick.random.fraction(),
        };
        warmth < 1.0 && luck() >= warmth
    }
}

/// How often a call is picked for again before it goes to a new one after all.
const AGAIN: usize = 8;

impl Picker for WarmUpPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let first = self.inner.pick(pick)?;
        let is_held_back =
            |place: usize| pick.candidates.get(place).is_some_and(|c| self.is_held_back(c, pick));
        if self.until.is_none_or(|until| pick.now >= until) || !is_held_back(first) {
            return Some(first);
        }

        let mut without = pick.tried.to_vec();
        let mut place = first;
        for _ in 0..AGAIN {
            without.push(pick.candidates[place].stats.clone());
            match self.inner.pick(&Pick { tried: &without, ..*pick }) {
                Some(next) => place = next,
                None => return Some(first),
            }
            if !is_held_back(place) {
                return Some(place);
            }
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::super::{GoHash, RandomSelect};
    use super::*;

    const TIME: Duration = Duration::from_secs(100);

    /// Nine old ones, and the tenth so old.
    fn one_new(age: u64) -> Fleet {
        let mut fleet = Fleet::new(10);
        fleet.now += Duration::from_secs(1_000);
        fleet.candidates[9].stats = Arc::new(Stats::born_at(fleet.now - Duration::from_secs(age)));
        fleet
    }

    #[test]
    fn the_share_grows_evenly() {
        for (age, share) in [(0, 0), (1, 20), (25, 500), (50, 1_000), (75, 1_500), (100, 2_000), (500, 2_000)]
        {
            let fleet = one_new(age);
            let picker = WarmUp::over(RandomSelect::new(), TIME).picker(&fleet.candidates, None);
            let counts = fleet.counts(&*picker, 20_000);
            assert!(counts[9].abs_diff(share) <= 150 * share.min(1), "at {age} s: {counts:?}");
        }
    }

    #[test]
    fn when_all_are_new_all_are_equal() {
        let fleet = Fleet::new(4);
        let picker = WarmUp::over(RandomSelect::new(), TIME).picker(&fleet.candidates, None);
        assert!(fleet.counts(&*picker, 4_000).iter().all(|count| count.abs_diff(1_000) < 120));
    }

    #[test]
    fn a_new_one_is_better_than_none() {
        let fleet = one_new(1);
        (0..9).for_each(|place| fleet.close(place));
        let picker = WarmUp::over(RandomSelect::new(), TIME).picker(&fleet.candidates, None);
        assert_eq!(fleet.counts(&*picker, 100)[9], 100);
    }

    #[test]
    fn keys_move_once() {
        let mut before: Option<Vec<usize>> = None;
        for age in [0, 20, 40, 60, 80, 100] {
            let fleet = one_new(age);
            let picker = WarmUp::over(GoHash::new(), TIME).picker(&fleet.candidates, None);
            let places = fleet.places_of_keys(&*picker, 5_000);
            if let Some(before) = &before {
                for (before, now) in before.iter().zip(&places) {
                    assert!(before == now || *now == 9, "from {before} to {now} at {age} s");
                }
            }
            before = Some(places);
        }
    }
}
