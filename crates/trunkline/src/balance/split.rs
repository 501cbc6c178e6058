//! So much of the traffic for those, and the rest for the others.

use std::sync::Arc;
use std::time::Duration;

use super::by_name::wrong;
use super::hash::fraction;
use super::{Balancer, Candidate, Pick, Picker, replaced};
use crate::error::Error;

/// Gives a share of the calls to the instances with an attribute, and the rest to the others; within
/// each, another balancer picks.
///
/// Calls with a key are divided by the key, so that the same keys are always in the same share, for
/// all clients alike and while shares only grow; calls without one by chance. A share of which nobody
/// is open falls to the rest, and the rest's to the shares. An instance belongs to the first share
/// that fits.
///
/// ```
/// use trunkline::balance::{Balancer, P2c, Split};
///
/// // One call in twenty tries the new version.
/// let balancer = Split::over(P2c::new()).share("version", "2", 5.0)?;
/// assert_eq!(balancer.name(), "split");
/// assert!(balancer.share("version", "3", 95.5).is_err());
/// # Ok::<(), trunkline::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Split {
    inner: Arc<dyn Balancer>,
    shares: Vec<Share>,
}

#[derive(Clone, Debug)]
struct Share {
    attribute: String,
    value: String,
    /// Of 100.
    percent: f64,
}

impl Split {
    /// Picks by this balancer within each share.
    pub fn over(inner: impl Balancer) -> Self {
        Self { inner: Arc::new(inner), shares: Vec::new() }
    }

    /// Gives so many per cent of the calls to the instances of which one value of an attribute is
    /// this one.
    ///
    /// # Errors
    /// When it is no share of a hundred, or all shares together are more than a hundred per cent.
    pub fn share(
        mut self,
        attribute: impl Into<String>,
        value: impl Into<String>,
        percent: f64,
    ) -> Result<Self, Error> {
        let (attribute, value) = (attribute.into(), value.into());
        if !(0.0..=100.0).contains(&percent) {
            return Err(wrong(format!(
                "a share of {percent} % for {attribute}={value} is none: expected 0 to 100"
            )));
        }
        let given: f64 = self.shares.iter().map(|share| share.percent).sum();
        // Ten tenths add up to a bit more than one.
        if given + percent > 100.0 + 1e-9 {
            return Err(wrong(format!(
                "{percent} % for {attribute}={value} is too much: the shares before it have {given} % already, and \
                 there are 100"
            )));
        }
        self.shares.push(Share { attribute, value, percent });
        Ok(self)
    }

    /// The number of the share that an instance belongs to; past the last one stands the rest.
    fn of(&self, candidate: &Candidate) -> usize {
        let attributes = candidate.instance.attributes();
        let fits = |share: &Share| attributes.all(&share.attribute).any(|value| value == share.value);
        self.shares.iter().position(fits).unwrap_or(self.shares.len())
    }
}

impl Balancer for Split {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let before = replaced::<SplitPicker>(before);
        let mut parts: Vec<(Vec<Candidate>, Vec<usize>)> = vec![Default::default(); self.shares.len() + 1];
        for (place, candidate) in candidates.iter().enumerate() {
            let part = &mut parts[self.of(candidate)];
            part.0.push(candidate.clone());
            part.1.push(place);
        }
        let mut end = 0.0;
        let ends = self.shares.iter().map(|share| {
            end += share.percent / 100.0;
            end
        });
        let parts =
            parts.into_iter().zip(ends.chain([1.0])).enumerate().map(|(i, ((candidates, places), end))| {
                let before = before.and_then(|before| before.parts.get(i)).map(|part| &*part.picker);
                Part { picker: self.inner.picker(&candidates, before), candidates, places, end }
            });
        Box::new(SplitPicker { parts: parts.collect() })
    }

    fn refresh(&self) -> Option<Duration> {
        self.inner.refresh()
    }

    fn name(&self) -> &'static str {
        "split"
    }
}

struct SplitPicker {
    /// The shares, and the rest.
    parts: Vec<Part>,
}

struct Part {
    candidates: Vec<Candidate>,
    /// Where each of them stands in the whole list.
    places: Vec<usize>,
    picker: Box<dyn Picker>,
    /// Where the share ends, between 0 and 1; it begins where the one before it ends.
    end: f64,
}

impl Part {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let place = self.picker.pick(&Pick { candidates: &self.candidates, ..*pick })?;
        let is_open = self.candidates.get(place).is_some() && pick.is_open(self.places[place]);
        is_open.then(|| self.places[place])
    }
}

impl Picker for SplitPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let at = pick.key.map_or_else(|| pick.random.fraction(), |key| fraction([&b"split"[..], key]));
        let (rest, shares) = self.parts.split_last()?;
        let own = shares.iter().find(|part| at < part.end);
        // A share that comes to nothing falls to the rest, and the rest's to the shares in order.
        own.and_then(|part| part.pick(pick))
            .or_else(|| rest.pick(pick))
            .or_else(|| shares.iter().find_map(|part| part.pick(pick)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::super::{RandomSelect, RoundRobin};
    use super::*;

    /// Places 0 and 1 are of version 2, 2 of version 3, 3 to 9 of none.
    fn versions() -> Fleet {
        Fleet::at((0..10).map(|i| match i {
            0 | 1 => format!("tcp@a:{i}?version=2"),
            2 => format!("tcp@a:{i}?version=1&version=3"),
            _ => format!("tcp@a:{i}"),
        }))
    }

    fn split() -> Split {
        Split::over(RoundRobin::new())
            .share("version", "2", 5.0)
            .unwrap()
            .share("version", "3", 20.0)
            .unwrap()
    }

    #[test]
    fn each_has_its_share() {
        let fleet = versions();
        let picker = split().picker(&fleet.candidates, None);
        let by_chance = fleet.counts(&*picker, 100_000);
        let mut by_key = [0; 10];
        fleet.places_of_keys(&*picker, 100_000).into_iter().for_each(|place| by_key[place] += 1);
        for counts in [&by_chance[..], &by_key] {
            // Three standard deviations: 207 of 5,000 and 379 of 20,000.
            assert!((counts[0] + counts[1]).abs_diff(5_000) < 207, "{counts:?}");
            assert!(counts[2].abs_diff(20_000) < 379, "{counts:?}");
            assert!(counts[0].abs_diff(counts[1]) <= 1, "{counts:?}");
        }
    }

    #[test]
    fn a_share_that_grows_keeps_its_keys() {
        let fleet = versions();
        let keys = |percent| {
            let split = Split::over(RandomSelect::new()).share("version", "2", percent).unwrap();
            let picker = split.picker(&fleet.candidates, None);
            fleet.places_of_keys(&*picker, 10_000).into_iter().map(|place| place < 2).collect::<Vec<_>>()
        };
        let [none, some, more, all] = [0.0, 5.0, 30.0, 100.0].map(keys);
        assert!(none.iter().all(|is_new| !is_new) && all.iter().all(|is_new| *is_new));
        assert!(some.iter().zip(more).all(|(some, more)| !some || more));
    }

    #[test]
    fn what_comes_to_nothing_falls_to_the_rest() {
        let fleet = versions();
        let picker = split().picker(&fleet.candidates, None);
        (0..=1).for_each(|place| fleet.close(place));
        let counts = fleet.counts(&*picker, 10_000);
        assert!(counts[0] + counts[1] == 0 && (1_800..2_200).contains(&counts[2]), "{counts:?}");

        (3..10).for_each(|place| fleet.close(place));
        assert_eq!(fleet.counts(&*picker, 100)[2], 100, "there is no other");

        let only_rest = fleet.only(|place| place > 5);
        (6..10).for_each(|place| fleet.open(place));
        let picker = split().picker(&only_rest.candidates, Some(&*picker));
        assert_eq!(only_rest.counts(&*picker, 400), [100; 4], "an empty share");
    }

    #[test]
    fn more_than_all_is_refused() {
        for percents in [&[101.0][..], &[-1.0], &[f64::NAN], &[60.0, 41.0]] {
            let made =
                percents.iter().enumerate().try_fold(Split::over(RandomSelect::new()), |split, (i, p)| {
                    split.share("version", i.to_string(), *p)
                });
            assert!(made.is_err(), "{percents:?}");
        }
        let tenths = (0..10).try_fold(Split::over(RandomSelect::new()), |split, i| {
            split.share("version", i.to_string(), 10.0)
        });
        assert!(tenths.is_ok());
    }
}
