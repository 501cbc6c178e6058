//! A breaker keeps calls from an instance on which they have failed, and lets one through now and
//! then to see whether they still do.
//!
//! Successes cost a counter. Everything else happens where calls fail, which is rare, under a lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::BreakerConfig;
use crate::later::LONGEST;

/// When to keep calls from an instance. The default is that of rpcx: 95 % of at least 100 calls
/// within 10 s have failed.
///
/// What counts as failed is a lost connection, a call whose time was up, and an answer that says
/// that the server could not: not an answer of the application, whatever it says. An open breaker
/// lets one call through after a pause, 0.5 s at first and half as long again each time that it
/// fails, up to a minute; one success closes it.
///
/// ```
/// use std::time::Duration;
/// use trunkline::Client;
/// use trunkline::client::Breaker;
///
/// let builder = Client::builder().breaker(Breaker::consecutive(5).pause(Duration::from_secs(1)));
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breaker {
    trip: Trip,
    pause: Duration,
    longest: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trip {
    Never,
    /// So many failures in a row.
    Consecutive(u32),
    /// Such a share of at least so many calls within the window.
    Rate {
        share: f64,
        calls: u64,
        window: Duration,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::rate(0.95, 100, Duration::from_secs(10))
    }
}

impl Breaker {
    const PAUSE: Duration = Duration::from_millis(500);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// Never opens.
    pub fn off() -> Self {
        Self { trip: Trip::Never, pause: Self::PAUSE, longest: Self::LONGEST_PAUSE }
    }

    /// Opens when so many calls in a row have failed.
    pub fn consecutive(failures: u32) -> Self {
        Self { trip: Trip::Consecutive(failures.max(1)), ..Self::off() }
    }

    /// Opens when such a share of at least so many calls within the window has failed.
    pub fn rate(share: f64, calls: u64, window: Duration) -> Self {
        let trip = Trip::Rate {
            share: share.clamp(0.01, 1.0),
            calls: calls.max(1),
            window: window.max(Duration::from_millis(10)),
        };
        Self { trip, ..Self::off() }
    }

    /// How often it has to be told the time to know how many calls fall into its window.
    pub(crate) fn looks_every(&self) -> Option<Duration> {
        match self.trip {
            Trip::Rate { window, .. } => Some(window / PIECES),
            Trip::Never | Trip::Consecutive(_) => None,
        }
    }

    /// How long it is open at first.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause.clamp(Duration::from_millis(1), LONGEST);
        self.longest = self.longest.max(self.pause);
        self
    }

    /// The same as a file says it.
    pub(crate) fn to_config(self) -> BreakerConfig {
        let mut config = BreakerConfig {
            on: Some(self.trip != Trip::Never),
            pause: Some(self.pause),
            longest: Some(self.longest),
            ..BreakerConfig::default()
        };
        match self.trip {
            Trip::Never => {}
            Trip::Consecutive(failures) => config.consecutive = Some(failures as usize),
            Trip::Rate { share, calls, window } => {
                config.share = Some(share);
                config.calls = usize::try_from(calls).ok();
                config.window = Some(window);
            }
        }
        config
    }

    /// How long it is open at most.
    #[must_use]
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest.min(LONGEST).max(self.pause);
        self
    }
}

/// Whether a breaker lets calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// All of them.
    Closed,
    /// None.
    Open,
    /// One, to see whether it fails.
    Trying,
}

impl BreakerState {
    /// Its name: `closed`, `open` or `trying`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Trying => "trying",
        }
    }
}

/// The windows of the rate are cut into so many pieces, the oldest of which is dropped at a time.
const PIECES: u32 = 10;

/// One instance's breaker.
#[derive(Debug)]
pub(crate) struct State {
    rules: Breaker,
    successes: AtomicU64,
    /// Failures in a row.
    streak: AtomicU32,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    stand: Stand,
    pieces: Vec<Piece>,
    /// Where pieces are numbered from.
    origin: Option<Instant>,
    /// How long it was open the last time; it grows while trials fail.
    pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stand {
    Closed,
    /// Until then.
    Open(Instant),
    /// One call may try; from then on it is under way.
    Trying {
        since: Option<Instant>,
    },
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    number: u64,
    failures: u64,
    successes_before: u64,
}

/// What a breaker's owner has to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    Nothing,
    /// Keep calls out, and ask again then.
    Open {
        until: Instant,
    },
    /// Let calls in.
    Close,
}

impl State {
    pub(crate) fn new(rules: Breaker) -> Self {
        let inner = Inner { stand: Stand::Closed, pieces: Vec::new(), origin: None, pause: rules.pause };
        Self { rules, successes: AtomicU64::new(0), streak: AtomicU32::new(0), inner: Mutex::new(inner) }
    }

    pub(crate) fn stand(&self) -> BreakerState {
        match self.inner.lock().stand {
            Stand::Closed => BreakerState::Closed,
            Stand::Open(_) => BreakerState::Open,
            Stand::Trying { .. } => BreakerState::Trying,
        }
    }

    /// Calls that succeeded so far.
    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Relaxed)
    }

    /// So many calls have succeeded.
    #[inline]
    pub(crate) fn succeeded(&self, calls: u64) {
        self.successes.fetch_add(calls, Ordering::Relaxed);
        // Most calls find the streak at nought and write nothing.
        if self.streak.load(Ordering::Relaxed) != 0 {
            self.streak.store(0, Ordering::Relaxed);
        }
    }

    /// The call that was let through to try has succeeded.
    pub(crate) fn trial_succeeded(&self) -> Change {
        let mut inner = self.inner.lock();
        if inner.stand == Stand::Closed {
            return Change::Nothing;
        }
        inner.stand = Stand::Closed;
        inner.pause = self.rules.pause;
        inner.pieces.clear();
        Change::Close
    }

    /// A call has failed. `jitter` is from 0 to 1.
    pub(crate) fn failed(&self, now: Instant, jitter: f64) -> Change {
        let streak = self.streak.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut inner = self.inner.lock();
        match inner.stand {
            // A call from before it opened.
            Stand::Open(_) => return Change::Nothing,
            Stand::Trying { .. } => {
                inner.pause = inner.pause.mul_f64(1.5).min(self.rules.longest);
            }
            Stand::Closed => {
                let trips = match self.rules.trip {
                    Trip::Never => false,
                    Trip::Consecutive(most) => streak >= most,
                    Trip::Rate { share, calls, window } => {
                        let (failures, all) = inner.count(now, window, self.successes(), 1);
                        all >= calls && failures as f64 >= share * all as f64
                    }
                };
                if !trips {
                    return Change::Nothing;
                }
            }
        }
        // Half as long to half as long again, so that clients do not try in step.
        let until = now + inner.pause.mul_f64(0.5 + jitter);
        inner.stand = Stand::Open(until);
        Change::Open { until }
    }

    /// Whether a call may go through to try, now that the pause is over. The answer yes is given
    /// once: until that call has ended, or for as long as the pause was.
    pub(crate) fn take_trial(&self, now: Instant) -> bool {
        let mut inner = self.inner.lock();
        let pause = inner.pause;
        match &mut inner.stand {
            Stand::Trying { since } if since.is_none_or(|at| now >= at + pause) => {
                *since = Some(now);
                true
            }
            _ => false,
        }
    }

    /// The call that was let through to try did not get to the server: another one may.
    pub(crate) fn return_trial(&self) -> bool {
        let mut inner = self.inner.lock();
        let trying = matches!(inner.stand, Stand::Trying { .. });
        if trying {
            inner.stand = Stand::Trying { since: None };
        }
        trying
    }

    /// Looks at the clock. When the pause is over, a call may try.
    pub(crate) fn tick(&self, now: Instant) -> Tick {
        let mut inner = self.inner.lock();
        match inner.stand {
            Stand::Closed => {
                // So that the window knows how many calls succeeded before it.
                if let Trip::Rate { window, .. } = self.rules.trip {
                    inner.count(now, window, self.successes(), 0);
                }
                Tick::Closed
            }
            Stand::Open(until) if now < until => Tick::Wait(until),
            Stand::Open(_) => {
                inner.stand = Stand::Trying { since: None };
                Tick::Try
            }
            Stand::Trying { since: None } => Tick::Try,
            // A trial that was given up says nothing.
            Stand::Trying { since: Some(at) } if now >= at + inner.pause => {
                inner.stand = Stand::Trying { since: None };
                Tick::Try
            }
            Stand::Trying { since: Some(at) } => Tick::Wait(at + inner.pause),
        }
    }
}

/// What the clock says of a breaker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tick {
    /// It is closed.
    Closed,
    /// Nothing before then.
    Wait(Instant),
    /// One call may go through to try.
    Try,
}

impl Inner {
    /// Notes failures; failures and calls within the window.
    fn count(&mut self, now: Instant, window: Duration, successes: u64, failures: u64) -> (u64, u64) {
        let piece = (window / PIECES).max(Duration::from_millis(1));
        let origin = *self.origin.get_or_insert(now);
        let number = (now.saturating_duration_since(origin).as_nanos() / piece.as_nanos()) as u64;
        self.pieces.retain(|p| p.number + u64::from(PIECES) > number);
        match self.pieces.last_mut() {
            Some(last) if last.number == number => last.failures += failures,
            _ => self.pieces.push(Piece { number, failures, successes_before: successes }),
        }
        let failures = self.pieces.iter().map(|p| p.failures).sum();
        let before = self.pieces.first().map_or(successes, |p| p.successes_before);
        (failures, failures + successes.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn open_until(change: Change) -> Instant {
        match change {
            Change::Open { until } => until,
            other => panic!("it did not open: {other:?}"),
        }
    }

    #[test]
    fn a_row_of_failures_opens_and_a_success_in_between_does_not() {
        let state = State::new(Breaker::consecutive(3));
        let now = Instant::now();
        for _ in 0..4 {
            assert_eq!(state.failed(now, 0.5), Change::Nothing);
            assert_eq!(state.failed(now, 0.5), Change::Nothing);
            state.succeeded(1);
        }
        state.failed(now, 0.5);
        state.failed(now, 0.5);
        assert_eq!(open_until(state.failed(now, 0.5)), now + Breaker::PAUSE);
    }

    #[test]
    fn the_rate_is_that_of_the_window() {
        let state = State::new(Breaker::default());
        let mut now = Instant::now();
        // A good time before, which the window forgets.
        state.tick(now);
        state.succeeded(1_000);
        for _ in 0..99 {
            assert_eq!(state.failed(now, 0.0), Change::Nothing, "99 of 1,099");
        }
        now += 11 * SECOND;
        for _ in 0..5 {
            state.tick(now);
            state.succeeded(1);
        }
        for n in 1..100 {
            let change = state.failed(now, 0.0);
            // 95 of 100 is 95 %.
            assert_eq!(change != Change::Nothing, n == 95, "{n}");
            if n == 95 {
                break;
            }
        }
    }

    #[test]
    fn fewer_calls_than_asked_for_say_nothing() {
        let state = State::new(Breaker::default());
        let now = Instant::now();
        for _ in 0..99 {
            assert_eq!(state.failed(now, 0.0), Change::Nothing);
        }
        assert_ne!(state.failed(now, 0.0), Change::Nothing);
    }

    #[test]
    fn one_call_tries_and_its_outcome_decides() {
        let state = State::new(Breaker::consecutive(1).pause(SECOND).longest(2 * SECOND));
        let mut now = Instant::now();
        let mut until = open_until(state.failed(now, 0.5));
        let mut pauses = Vec::new();
        for _ in 0..4 {
            assert_eq!(state.tick(now), Tick::Wait(until));
            assert!(!state.take_trial(now));
            now = until;
            assert_eq!(state.tick(now), Tick::Try);
            assert!(state.take_trial(now));
            assert!(!state.take_trial(now), "only one call tries");
            until = open_until(state.failed(now, 0.5));
            pauses.push((until - now).as_millis());
        }
        assert_eq!(pauses, [1_500, 2_000, 2_000, 2_000]);
        now = until;
        assert_eq!(state.tick(now), Tick::Try);
        assert!(state.take_trial(now));
        assert_eq!(state.trial_succeeded(), Change::Close);
        assert_eq!(state.tick(now), Tick::Closed);
        assert_eq!(open_until(state.failed(now, 0.5)), now + SECOND, "the pause begins anew");
    }

    #[test]
    fn a_trial_that_was_given_up_makes_room_for_another() {
        let state = State::new(Breaker::consecutive(1).pause(SECOND));
        let mut now = Instant::now();
        now = open_until(state.failed(now, 0.5));
        assert_eq!(state.tick(now), Tick::Try);
        assert!(state.take_trial(now));
        assert_eq!(state.tick(now), Tick::Wait(now + SECOND));
        now += SECOND;
        assert_eq!(state.tick(now), Tick::Try);
        assert!(state.take_trial(now));
    }
}
