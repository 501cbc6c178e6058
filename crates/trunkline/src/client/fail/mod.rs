//! What a client does when an attempt fails: a fail mode is one file here, and a line in `run`.
//!
//! Only what cannot do its work twice is tried again: what was not sent, what a server refused
//! before it started, and what is idempotent. All attempts share the call's deadline.

mod again;
mod backup;
mod budget;
mod course;
mod decide;
mod latencies;

use std::time::Duration;

pub(crate) use budget::Allowance;
pub use budget::RetryBudget;
pub(super) use course::{Begun, Course, explain_final};
pub(crate) use latencies::Latencies;

use super::handle::Inner;
use super::wishes::Asked;
use crate::call::{Call, Reply};
use crate::config::RetriesConfig;
use crate::error::Error;

/// What to do when an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FailMode {
    /// Tries again at another instance: the default.
    #[default]
    Failover,
    /// Makes one attempt.
    Failfast,
    /// Tries again at the same instance.
    Failtry,
    /// Sends an idempotent call a second time, to another instance, when the first one's answer is
    /// later than those of nearly all calls; the first good answer counts, and the other call is
    /// cancelled. What fails is tried again as in `Failover`.
    Failbackup,
}

impl FailMode {
    pub(crate) fn tries_again(self) -> bool {
        self != Self::Failfast
    }

    /// A mode by its name, in whatever case.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let known = [Self::Failover, Self::Failfast, Self::Failtry, Self::Failbackup];
        known.into_iter().find(|mode| name.eq_ignore_ascii_case(mode.name()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Failfast => "failfast",
            Self::Failtry => "failtry",
            Self::Failbackup => "failbackup",
        }
    }
}

/// How often and when to try again: up to 3 times, after 10 ms the second time, doubled up to
/// 1 s, and jittered.
#[derive(Clone, Debug, PartialEq)]
pub struct Retries {
    pub(crate) most: u32,
    pub(crate) pause: (Duration, Duration),
    pub(crate) blind: bool,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) backup_after: Option<Duration>,
}

impl Default for Retries {
    fn default() -> Self {
        Self::new(3)
    }
}

impl Retries {
    /// Up to so many attempts after the first.
    pub fn new(most: u32) -> Self {
        Self {
            most,
            pause: (Duration::from_millis(10), Duration::from_secs(1)),
            blind: false,
            attempt_timeout: None,
            backup_after: None,
        }
    }

    /// The pauses before retries: the first, doubled each time up to the last.
    #[must_use]
    pub fn pause(mut self, first: Duration, most: Duration) -> Self {
        self.pause = (first, most.max(first));
        self
    }

    /// How long one attempt of an idempotent call may take before another is made; by default the
    /// whole time of the call.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// When `Failbackup` sends its second copy; by default when the first has taken longer than
    /// 95 % of the calls of late, and 10 ms while there were too few of these to say.
    #[must_use]
    pub fn backup_after(mut self, latency: Duration) -> Self {
        self.backup_after = Some(latency);
        self
    }

    /// The same as a file says it.
    pub(crate) fn to_config(&self) -> RetriesConfig {
        RetriesConfig {
            most: usize::try_from(self.most).ok(),
            first: Some(self.pause.0),
            longest: Some(self.pause.1),
            attempt_timeout: self.attempt_timeout,
            backup_after: self.backup_after,
            blind: Some(self.blind),
        }
    }

    /// Tries again what may have run, idempotent or not, as rpcx does: work may be done twice.
    #[must_use]
    pub fn blind(mut self) -> Self {
        self.blind = true;
        self
    }
}

/// Makes a call by its fail mode. `begun` is what an attempt on the short way ended in.
pub(super) async fn run(inner: &Inner, call: &mut Call, begun: Option<Begun>) -> Result<Reply, Error> {
    let course = Course::new(inner, call, begun);
    let mut reply = match course.mode {
        FailMode::Failfast | FailMode::Failover | FailMode::Failtry => again::run(&course, call).await,
        FailMode::Failbackup => backup::run(&course, call).await,
    }?;
    if call.extensions().is_some_and(|e| e.get::<Asked>().is_some()) {
        reply.explanation = course.explanation(call, None).map(Box::new);
    }
    Ok(reply)
}
