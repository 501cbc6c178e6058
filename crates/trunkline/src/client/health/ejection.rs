//! Putting aside an instance that does much worse than the others of its service.

use std::time::Duration;

use crate::later::LONGEST;

/// When to put an instance aside: it is compared with the others, so that errors which all of
/// them answer put nobody aside.
///
/// Every 10 s, those are compared that had at least 20 calls in that time. Whoever's share of
/// good answers is far below the others' gets no calls for 30 s, twice that the next time, and so
/// on up to 5 min; at most a tenth of a service's instances is put aside at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ejection {
    pub(crate) interval: Duration,
    pub(crate) calls: u64,
    pub(crate) pause: Duration,
    pub(crate) longest: Duration,
    pub(crate) share: f64,
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            calls: 20,
            pause: Duration::from_secs(30),
            longest: Duration::from_secs(300),
            share: 0.1,
        }
    }
}

impl Ejection {
    /// How often instances are compared.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(Duration::from_millis(100), LONGEST);
        self
    }

    /// How many calls an instance must have had to be compared.
    #[must_use]
    pub fn calls(mut self, calls: u64) -> Self {
        self.calls = calls.max(1);
        self
    }

    /// How long an instance is put aside the first time.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause.min(LONGEST);
        self.longest = self.longest.max(self.pause);
        self
    }

    /// The largest share of the instances that may be aside at a time.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share.clamp(0.0, 1.0);
        self
    }

    /// How many of `instances` may be aside at a time. Of two, none: nobody can say which of them
    /// is the odd one.
    pub(crate) fn most(&self, instances: usize) -> usize {
        let most = (instances as f64 * self.share) as usize;
        if instances > 2 && self.share > 0.0 { most.max(1) } else { 0 }
    }

    /// How long the `times`-th time aside lasts.
    pub(crate) fn pause_for(&self, times: u32) -> Duration {
        self.pause.saturating_mul(1 << times.saturating_sub(1).min(16)).min(self.longest)
    }
}

/// How an instance did since the last comparison.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    pub(crate) good: u64,
    pub(crate) bad: u64,
    pub(crate) aside: bool,
}

/// So far below the median an instance must be at least.
const FAR: f64 = 0.2;
/// And so many times farther from it than half of the instances are.
const TIMES: f64 = 5.0;

/// Who is to be put aside, the worst first.
pub(crate) fn outliers(records: &[Record], rules: &Ejection) -> Vec<usize> {
    let left = rules.most(records.len()).saturating_sub(records.iter().filter(|r| r.aside).count());
    let mut rates: Vec<(usize, f64)> = records
        .iter()
        .enumerate()
        .filter(|(_, r)| !r.aside && r.good + r.bad >= rules.calls)
        .map(|(place, r)| (place, r.good as f64 / (r.good + r.bad) as f64))
        .collect();
    rates.sort_by(|a, b| a.1.total_cmp(&b.1));
    if rates.len() < 3 {
        return Vec::new();
    }
    // Medians: a few bad instances must not hide themselves in a mean.
    let median = rates[rates.len() / 2].1;
    let mut distances: Vec<f64> = rates.iter().map(|(_, rate)| (rate - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let bound = median - FAR.max(TIMES * distances[distances.len() / 2]);
    rates.iter().take(left).take_while(|(_, rate)| *rate < bound).map(|(place, _)| *place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(good: u64, bad: u64) -> Record {
        Record { good, bad, aside: false }
    }

    #[test]
    fn the_one_that_does_worse_than_the_others_is_found() {
        let mut records = vec![record(99, 1); 10];
        records[3] = record(10, 90);
        assert_eq!(outliers(&records, &Ejection::default()), [3]);
    }

    #[test]
    fn errors_that_all_answer_put_nobody_aside() {
        assert!(outliers(&[record(0, 100); 10], &Ejection::default()).is_empty());
        let spread: Vec<_> = (0..10).map(|n| record(50 + 2 * n, 50 - 2 * n)).collect();
        assert!(outliers(&spread, &Ejection::default()).is_empty());
    }

    #[test]
    fn never_more_than_the_share_is_aside() {
        let rules = Ejection::default();
        for instances in 0..200 {
            let mut records = vec![record(100, 0); instances];
            records.iter_mut().take(instances / 2).for_each(|r| *r = record(0, 100));
            let found = outliers(&records, &rules).len();
            assert!(found <= rules.most(instances), "{found} of {instances}");
        }
        let mut records = vec![record(100, 0); 20];
        (0..4).for_each(|n| records[n] = record(0, 100));
        assert_eq!(outliers(&records, &rules.clone().share(0.2)).len(), 4);
        records[0].aside = true;
        records[1].aside = true;
        assert!(outliers(&records, &rules).is_empty());
    }

    #[test]
    fn too_few_calls_or_too_few_instances_say_nothing() {
        let mut records = vec![record(19, 0); 10];
        records[0] = record(0, 19);
        assert!(outliers(&records, &Ejection::default()).is_empty());
        assert!(outliers(&[record(0, 100), record(100, 0)], &Ejection::default()).is_empty());
    }

    #[test]
    fn each_time_aside_is_longer_up_to_a_bound() {
        let rules = Ejection::default();
        let seconds: Vec<_> = (1..8).map(|times| rules.pause_for(times).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 300, 300, 300]);
    }
}
