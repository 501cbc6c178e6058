//! Which methods hold up their connection's neighbours, and how closely to look.
//!
//! The clock is the standard library's and not tokio's: what counts is how long a poll really kept
//! a thread, and paused time stands still however long that is. No answer depends on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Remembers whether a method's first poll takes long, that is, whether polling it where its
/// frame was read would hold up the connection's other calls.
#[derive(Default)]
pub(crate) struct Pace {
    /// How many of the next calls go to tasks of their own.
    apart: AtomicU32,
    /// How many went apart the last time; doubles while the method stays slow.
    last: AtomicU32,
}

/// A first poll longer than this is slow.
const SLOW: Duration = Duration::from_micros(200);
const APART_FIRST: u32 = 64;
const APART_MOST: u32 = 4096;

impl Pace {
    /// Whether the next call should go to a task of its own without being polled here.
    #[inline]
    pub(crate) fn is_apart(&self) -> bool {
        let left = self.apart.load(Ordering::Relaxed);
        if left == 0 {
            return false;
        }
        // Lost updates only move the moment of the next try.
        self.apart.store(left - 1, Ordering::Relaxed);
        true
    }

    #[inline]
    pub(crate) fn took(&self, poll: Duration) {
        if poll > SLOW {
            let next = (self.last.load(Ordering::Relaxed) * 2).clamp(APART_FIRST, APART_MOST);
            self.last.store(next, Ordering::Relaxed);
            self.apart.store(next, Ordering::Relaxed);
        } else if self.last.load(Ordering::Relaxed) != 0 {
            self.last.store(0, Ordering::Relaxed);
        }
    }
}

/// Measures first polls. Looking at the clock at every call is a part of a small call's cost that
/// can be felt, so a connection whose calls have all been quick for a while is looked at batch by
/// batch, and call by call again as soon as a batch was slow.
pub(super) struct Stopwatch {
    since: Instant,
    /// Calls that are still measured one by one.
    closely: u32,
}

/// So many quick calls make a connection trusted.
const PROBATION: u32 = 1024;

/// A batch that took longer than this holds somebody up, whoever it was.
const SLOW_BATCH: Duration = Duration::from_millis(1);

impl Stopwatch {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), closely: PROBATION }
    }

    /// A batch begins.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// A first poll has ended: how long it took, if it was measured. It begins where the one
    /// before ended, so that each costs one look at the clock.
    #[inline]
    pub(super) fn lap(&mut self) -> Option<Duration> {
        if self.closely == 0 {
            return None;
        }
        let now = Instant::now();
        let took = now - self.since;
        self.since = now;
        self.closely = if took > SLOW { PROBATION } else { self.closely - 1 };
        Some(took)
    }

    /// A batch has ended.
    #[inline]
    pub(super) fn end(&mut self) {
        if self.closely == 0 && self.since.elapsed() > SLOW_BATCH {
            self.closely = PROBATION;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_method_is_put_apart_for_longer_and_longer() {
        let pace = Pace::default();
        assert!(!pace.is_apart());
        pace.took(SLOW * 2);
        assert_eq!((0..100).filter(|_| pace.is_apart()).count(), 64);
        pace.took(SLOW * 2);
        assert_eq!((0..200).filter(|_| pace.is_apart()).count(), 128);
        pace.took(SLOW / 2);
        pace.took(SLOW * 2);
        assert_eq!((0..100).filter(|_| pace.is_apart()).count(), 64);
    }

    #[test]
    fn a_trusted_connection_is_measured_again_after_a_slow_batch() {
        let mut watch = Stopwatch::new();
        watch.closely = 1;
        assert!(watch.lap().is_some());
        assert!(watch.closely == 0 && watch.lap().is_none() || watch.closely == PROBATION);
        watch.closely = 0;
        watch.since = Instant::now() - SLOW_BATCH * 2;
        watch.end();
        assert!(watch.lap().is_some());
    }
}
