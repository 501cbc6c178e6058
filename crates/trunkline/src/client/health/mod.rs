//! Whether an instance is able to take calls, as its calls have shown.
//!
//! Calls report how they ended; the keeper, one task of the client, looks at the clock. Between
//! them they set and take away the reasons in the instance's [`Stats`], which is all that a
//! picker looks at.

mod breaker;
mod ejection;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use breaker::{Breaker, BreakerState};
use breaker::{Change, State, Tick};
pub use ejection::Ejection;
pub(crate) use ejection::{Record, outliers};

use crate::balance::{Random, Shut, Stats};
use crate::error::{Error, ErrorKind, Sent};

/// One instance's health. Its connections report to it.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) stats: Arc<Stats>,
    breaker: State,
    /// Answers that were errors of the server: the breaker does not count them, ejection does.
    bad_answers: AtomicU64,
    failures: AtomicU64,
    /// Calls that were under way on connections when these were lost: see the retry budget.
    pub(crate) lost: AtomicU64,
    timers: Mutex<Timers>,
    times_aside: AtomicU32,
    /// Why there is no connection, where there is none.
    pub(crate) down: Mutex<Option<Arc<str>>>,
    keeper: Arc<Notify>,
    changes: Arc<Changes>,
    random: Random,
}

/// How often the breakers of a client have opened and closed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    opened: AtomicU64,
    closed: AtomicU64,
}

impl Changes {
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.opened.load(Ordering::Relaxed), self.closed.load(Ordering::Relaxed))
    }
}

/// When reasons end.
#[derive(Debug, Default)]
struct Timers {
    rest: Option<Instant>,
    aside: Option<Instant>,
}

/// A server's hint to stay away is believed up to this long.
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Health {
    pub(crate) fn new(breaker: Breaker, keeper: Arc<Notify>, changes: Arc<Changes>) -> Self {
        Self {
            stats: Arc::new(Stats::new()),
            breaker: State::new(breaker),
            bad_answers: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            timers: Mutex::default(),
            times_aside: AtomicU32::new(0),
            down: Mutex::new(None),
            keeper,
            changes,
            random: Random::new(),
        }
    }

    /// Calls that were answered well, and calls that were not, ever.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let bad = self.bad_answers.load(Ordering::Relaxed) + self.failures.load(Ordering::Relaxed);
        (self.breaker.successes().saturating_sub(self.bad_answers.load(Ordering::Relaxed)), bad)
    }

    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.breaker.stand()
    }

    /// So many calls were answered well.
    #[inline]
    pub(crate) fn succeeded(&self, calls: u64) {
        self.breaker.succeeded(calls);
        if self.stats.has_trial() {
            self.apply(self.breaker.trial_succeeded());
        }
    }

    /// A call ended in an error.
    #[cold]
    pub(crate) fn failed(&self, error: &Error, now: Instant, started: Option<Instant>) {
        // What never left says nothing about the far end; dialling has its own reason.
        if error.sent() == Sent::No {
            return;
        }
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Deadline | ErrorKind::Internal => {
                if let Some(started) = started {
                    let took = now.saturating_duration_since(started);
                    self.stats.failed(took, now);
                }
                self.failures.fetch_add(1, Ordering::Relaxed);
                self.apply(self.breaker.failed(now, self.random.fraction()));
            }
            kind => {
                // It answered: the breaker is content.
                self.succeeded(1);
                match kind {
                    ErrorKind::Overloaded => {
                        if let Some(wait) = error.retry_after().filter(|wait| !wait.is_zero()) {
                            self.rest(now + wait.min(LONGEST_REST));
                        }
                    }
                    ErrorKind::Application => {
                        self.bad_answers.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
        }
    }

    /// A picker has chosen it although one call only may try: whether this one may.
    #[cold]
    pub(crate) fn take_trial(&self, now: Instant) -> bool {
        let taken = self.breaker.take_trial(now);
        if taken {
            self.stats.shut(Shut::Breaker);
        }
        taken
    }

    /// There is a connection again.
    pub(crate) fn connected(&self) {
        self.down.lock().take();
        for why in [Shut::Down, Shut::Lost, Shut::Draining] {
            self.stats.open(why);
        }
    }

    /// There is none, and the last dial failed.
    pub(crate) fn cannot_connect(&self, why: &std::io::Error) {
        *self.down.lock() = Some(why.to_string().into());
        self.stats.shut(Shut::Down);
    }

    fn rest(&self, until: Instant) {
        self.timers.lock().rest = Some(until);
        self.stats.shut(Shut::Resting);
        self.keeper.notify_one();
    }

    /// Puts it aside; how long.
    pub(crate) fn put_aside(&self, now: Instant, rules: &Ejection) -> Duration {
        let times = self.times_aside.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let pause = rules.pause_for(times);
        self.timers.lock().aside = Some(now + pause);
        self.stats.shut(Shut::Ejected);
        pause
    }

    fn apply(&self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Open { .. } => {
                self.changes.opened.fetch_add(1, Ordering::Relaxed);
                self.stats.set_trial(false);
                self.stats.shut(Shut::Breaker);
                self.keeper.notify_one();
            }
            Change::Close => {
                self.changes.closed.fetch_add(1, Ordering::Relaxed);
                self.stats.set_trial(false);
                self.stats.open(Shut::Breaker);
            }
        }
    }

    /// Takes away the reasons whose time is over. When to look again, if anything is left.
    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        let mut next = None;
        match self.breaker.tick(now) {
            Tick::Closed => {}
            Tick::Wait(until) => next = Some(until),
            Tick::Try => {
                self.stats.set_trial(true);
                self.stats.open(Shut::Breaker);
            }
        }
        let mut timers = self.timers.lock();
        let timers = &mut *timers;
        for (timer, why) in [(&mut timers.rest, Shut::Resting), (&mut timers.aside, Shut::Ejected)] {
            match *timer {
                Some(until) if until <= now => {
                    *timer = None;
                    self.stats.open(why);
                }
                Some(until) => next = Some(next.map_or(until, |n: Instant| n.min(until))),
                None => {}
            }
        }
        next
    }
}
