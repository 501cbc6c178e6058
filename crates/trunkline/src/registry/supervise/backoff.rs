//! How long to wait before a registry is tried again: with full jitter, so that those who lost it
//! together do not return together.

use std::time::Duration;

use tokio::time::Instant;

use crate::chance::Random;

const FIRST: Duration = Duration::from_millis(100);
/// The longest pause while an outage is young, so that a restart of the registry is noticed soon.
const LONGEST_AT_FIRST: Duration = Duration::from_millis(1500);
const AT_FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(10);
/// An attempt that went well for so long makes all before it forgotten.
const WELL: Duration = Duration::from_secs(10);
/// What comes up and breaks at once is no better than what does not come up: its pauses shrink to
/// 800 ms and no further.
const LEAST_DOUBLINGS: u32 = 3;
/// Jitter may come out as nothing, and nothing would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(5);

/// The pauses of one outage after another.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    doublings: u32,
    since: Option<Instant>,
    random: Random,
}

impl Backoff {
    /// Jitter from here.
    pub(crate) fn drawing(random: Random) -> Self {
        Self { random, ..Self::default() }
    }

    /// An attempt failed. `worked_for` is how long it did its work before that, if it did any.
    /// Returns the longest that the pause may take.
    pub(crate) fn failed(&mut self, now: Instant, worked_for: Option<Duration>) -> Duration {
        match worked_for {
            Some(worked) if worked >= WELL => (self.doublings, self.since) = (0, None),
            Some(_) => {
                self.doublings = self.doublings.min(LEAST_DOUBLINGS);
                self.since = None;
            }
            None => {}
        }
        let since = *self.since.get_or_insert(now);
        let longest = if now.duration_since(since) < AT_FIRST { LONGEST_AT_FIRST } else { LONGEST };
        let pause = FIRST.saturating_mul(1 << self.doublings.min(16)).min(longest);
        self.doublings = self.doublings.saturating_add(1);
        pause
    }

    /// The same, as a pause to take: anything from next to nothing to the longest.
    pub(crate) fn pause(&mut self, now: Instant, worked_for: Option<Duration>) -> Duration {
        self.failed(now, worked_for).mul_f64(self.random.fraction()).max(SHORTEST)
    }
}

/// A number from 0 to 1 that nobody can foretell.
pub(crate) fn chance() -> f64 {
    Random::new().fraction()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(pauses: &[Duration]) -> Vec<u128> {
        pauses.iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn pauses_grow_to_a_limit_that_is_low_in_the_first_minute() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        let at = |backoff: &mut Backoff, s| backoff.failed(start + Duration::from_secs(s), None);
        let young: Vec<_> = (0..6).map(|s| at(&mut backoff, s)).collect();
        assert_eq!(ms(&young), [100, 200, 400, 800, 1500, 1500]);
        assert_eq!(
            ms(&[at(&mut backoff, 59), at(&mut backoff, 60), at(&mut backoff, 61)]),
            [1500, 10_000, 10_000]
        );
    }

    #[test]
    fn only_what_went_well_for_a_while_starts_again_from_the_least() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.failed(start, None);
        }
        let short = Some(Duration::from_millis(50));
        assert_eq!(ms(&[backoff.failed(start, short), backoff.failed(start, short)]), [800, 800]);
        assert_eq!(backoff.failed(start, Some(WELL)), FIRST);
    }

    #[test]
    fn jitter_is_full_and_never_nothing() {
        let start = Instant::now();
        let pauses: Vec<_> = (0..500).map(|_| Backoff::default().pause(start, None)).collect();
        assert!(pauses.iter().all(|p| (SHORTEST..=FIRST).contains(p)));
        assert!(pauses.iter().any(|p| *p < FIRST / 4) && pauses.iter().any(|p| *p > FIRST * 3 / 4));
    }
}
