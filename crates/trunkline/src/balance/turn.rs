//! Whose turn it is: a place in a round, moved on by every pick and shared by the pickers that follow
//! each other.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Random;

/// A counter that begins somewhere.
///
/// Where it begins is drawn at the first pick: a thousand clients that start together and go
/// through the same sorted list must not all begin with the same instance.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Where the round begins, plus one; 0 before it was drawn.
    start: AtomicU64,
    taken: AtomicU64,
}

impl Turn {
    /// A round that begins at this place.
    pub(super) fn from(start: u64) -> Self {
        Self { start: AtomicU64::new(start.saturating_add(1)), taken: AtomicU64::new(0) }
    }

    /// The next place of a round of so many.
    pub(super) fn next(&self, length: usize, random: &Random) -> usize {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let length = (length as u64).max(1);
        ((self.start(random) % length + taken % length) % length) as usize
    }

    fn start(&self, random: &Random) -> u64 {
        let start = match self.start.load(Ordering::Relaxed) {
            0 => {
                // Nobody's first pick waits for another's: whoever is first decides for all.
                let drawn = (random.next() >> 1) + 1;
                match self.start.compare_exchange(0, drawn, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => drawn,
                    Err(other) => other,
                }
            }
            start => start,
        };
        start - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_drawn_once() {
        let random = Random::seeded(3);
        let turn = Turn::default();
        let first = turn.next(10, &random);
        let more: Vec<_> = (0..10).map(|_| turn.next(10, &random)).collect();
        assert_eq!(more, (1..=10).map(|i| (first + i) % 10).collect::<Vec<_>>());
    }

    #[test]
    fn different_clients_begin_at_different_places() {
        let starts: std::collections::HashSet<_> =
            (0..100).map(|seed| Turn::default().next(100, &Random::seeded(seed))).collect();
        assert!(starts.len() > 50, "{starts:?}");
    }

    #[test]
    fn a_round_of_nothing_is_no_panic() {
        assert_eq!(Turn::from(u64::MAX).next(0, &Random::seeded(0)), 0);
    }
}
