//! How a call went: who could have taken it, who could not and why, each attempt, what was waited
//! for, and why it ended where it did.
//!
//! Every failed call carries its [`Explanation`] in the [`Error`](crate::Error); a call that
//! succeeds has one when it was asked for. It is put together when it is wanted, so that a call
//! that nobody asks about pays nothing for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{ErrorKind, Sent};

/// The record of one call.
///
/// `Display` is one line that a person can act on; the fields are for programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Where the list of instances comes from.
    pub source: Arc<str>,
    /// How far that list can be believed.
    pub list: ListState,
    /// How instances are chosen.
    pub balancer: &'static str,
    /// Instances that could take the call, the first few of them.
    pub candidates: Vec<CandidateState>,
    /// How many could in all.
    pub candidates_in_all: usize,
    /// Instances that could not, the first few of them.
    pub excluded: Vec<Excluded>,
    /// How many could not in all.
    pub excluded_in_all: usize,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// How long the call has taken.
    pub took: Duration,
    /// How much of its time was left then.
    pub left: Option<Duration>,
    /// Why no further attempt was made; none where the call succeeded.
    pub gave_up: Option<GaveUp>,
}

/// How far a list of instances can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListState {
    /// Nothing was heard from the source yet.
    Waiting,
    /// It is what the source says.
    Fresh,
    /// The source has not answered for a while; the list is what it said before.
    Stale {
        /// For how long.
        age: Duration,
        /// What went wrong.
        why: Arc<str>,
    },
}

/// An instance that could take the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CandidateState {
    /// Where it is.
    pub address: Arc<str>,
    /// Its share.
    pub weight: u64,
    /// Calls of this client under way there.
    pub in_flight: u32,
    /// How long calls take there, where that is known.
    pub latency: Option<Duration>,
}

/// An instance that could not take the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Excluded {
    /// Where it is.
    pub address: Arc<str>,
    /// Why not.
    pub why: Exclusion,
}

/// Why an instance could not take a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exclusion {
    /// Its `state` is `inactive`.
    Inactive,
    /// It is not in the client's group.
    OtherGroup,
    /// A filter of the client refused it.
    Filtered,
    /// Its weight is not positive, and others' weights are.
    NoWeight,
    /// The client has no transport for its network.
    UnknownNetwork,
    /// Too many calls of it have failed.
    BreakerOpen,
    /// It does much worse than the others.
    Ejected,
    /// There is no connection to it: the last dial failed.
    Down(Arc<str>),
    /// It is not connected and being dialled: its connection was lost, or takes its time to come up.
    Lost,
    /// It said that it is stopping.
    Draining,
    /// It was overloaded and asked to be left alone for a while.
    Resting,
    /// This call had been there.
    Tried,
    /// The call names another address.
    NotPinned,
}

/// One attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Where it went; none when no instance was found.
    pub address: Option<Arc<str>>,
    /// When it began, counted from the call's begin.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// Whether it was a second copy of one under way.
    pub backup: bool,
    /// What it ended in; none for an attempt that succeeded or was given up for another's answer.
    pub failed: Option<Failed>,
}

/// How an attempt failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failed {
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// How far it came.
    pub sent: Sent,
    /// The text.
    pub message: String,
}

/// Why a call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// The answer is final: another attempt would get the same one.
    Final,
    /// It may have run, and running it twice is not the same as once.
    NotIdempotent,
    /// As many attempts were made as there may be.
    Attempts,
    /// The budget for retries was used up.
    Budget,
    /// The time was up, or would have been before the next attempt.
    Time,
    /// No instance was left to try.
    NoInstance,
    /// The fail mode makes one attempt.
    Mode,
}

/// So many instances are named one by one.
pub(crate) const NAMED: usize = 16;

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inactive => "inactive",
            Self::OtherGroup => "in another group",
            Self::Filtered => "refused by a filter",
            Self::NoWeight => "its weight is not positive",
            Self::UnknownNetwork => "no transport for its network",
            Self::BreakerOpen => "its breaker is open",
            Self::Ejected => "ejected: it does much worse than the others",
            Self::Down(why) => return write!(f, "down: {why}"),
            Self::Lost => "not connected, being dialled",
            Self::Draining => "it is stopping",
            Self::Resting => "it asked for a rest",
            Self::Tried => "tried already",
            Self::NotPinned => "not the address that the call names",
        })
    }
}

impl fmt::Display for ListState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waited for"),
            Self::Fresh => f.write_str("fresh"),
            Self::Stale { age, why } => write!(f, "{} old: {why}", rounded(*age)),
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Final => "trying again would not help",
            Self::NotIdempotent => "it may have run, and the method is not marked idempotent",
            Self::Attempts => "all attempts were used",
            Self::Budget => "the retry budget is used up",
            Self::Time => "no time was left for another attempt",
            Self::NoInstance => "no other instance could take it",
            Self::Mode => "the fail mode makes one attempt",
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.candidates_in_all + self.excluded_in_all;
        // Where the call has been could take it, too.
        let tried = self.excluded.iter().filter(|excluded| excluded.why == Exclusion::Tried).count();
        let could = self.candidates_in_all + tried;
        match &self.list {
            ListState::Waiting => write!(f, "no list of instances came from {} yet", self.source)?,
            _ if all == 0 => write!(f, "{} lists no instance", self.source)?,
            _ => write!(f, "{could} of {all} instances of {} could take it", self.source)?,
        }
        if let ListState::Stale { age, why } = &self.list {
            write!(f, " (list {} old: {why})", rounded(*age))?;
        }
        if self.attempts.len() > 1 {
            // One instance that was asked again and again with the same outcome is named once.
            let same = |a: &Attempt, b: &Attempt| a.address == b.address && a.text() == b.text();
            let named = |alike: &&[Attempt]| alike[0].address.is_some();
            for (n, alike) in self.attempts.chunk_by(same).filter(named).enumerate() {
                f.write_str(if n == 0 { "; tried " } else { ", " })?;
                match alike {
                    [one] => write!(f, "{one}")?,
                    many => write!(f, "{} times {}", many.len(), many[0])?,
                }
            }
        }
        let untold = |e: &&Excluded| e.why != Exclusion::Tried;
        for (n, excluded) in self.excluded.iter().filter(untold).take(4).enumerate() {
            f.write_str(if n == 0 { "; kept out " } else { ", " })?;
            write!(f, "{} ({})", excluded.address, excluded.why)?;
        }
        match self.excluded_in_all - tried {
            0..=4 => {}
            kept_out => write!(f, " and {} more", kept_out - 4)?,
        }
        if let Some(why) = self.gave_up {
            write!(f, "; {why}")?;
        }
        match self.left {
            Some(left) if !left.is_zero() => write!(f, "; {} left", rounded(left)),
            _ => Ok(()),
        }
    }
}

impl Explanation {
    /// One attempt, and an answer that no other attempt would change.
    pub(crate) fn is_plain(&self) -> bool {
        self.gave_up == Some(GaveUp::Final) && self.attempts.len() <= 1
    }
}

impl Attempt {
    /// What it ended in, without the advice.
    fn text(&self) -> Option<&str> {
        self.failed.as_ref().and_then(|failed| failed.message.split(';').next())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address.as_deref().unwrap_or("no instance"))?;
        if self.backup {
            f.write_str(" as a backup")?;
        }
        match self.text() {
            Some(text) => write!(f, " ({text} after {})", rounded(self.took)),
            None => write!(f, " ({})", rounded(self.took)),
        }
    }
}

/// A time as a person reads it: two or three figures.
fn rounded(time: Duration) -> String {
    let step = match time {
        t if t >= Duration::from_secs(10) => Duration::from_secs(1),
        t if t >= Duration::from_secs(1) => Duration::from_millis(100),
        t if t >= Duration::from_millis(10) => Duration::from_millis(1),
        t if t >= Duration::from_millis(1) => Duration::from_micros(100),
        _ => Duration::from_micros(1),
    };
    let steps = time.as_nanos() / step.as_nanos();
    format!("{:?}", step * u32::try_from(steps).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_one_line_to_act_on() {
        let down = Exclusion::Down("connection refused".into());
        let explanation = Explanation {
            source: "etcd://a:2379/rpcx".into(),
            list: ListState::Stale { age: Duration::from_millis(12_345), why: "no answer".into() },
            balancer: "p2c",
            candidates: Vec::new(),
            candidates_in_all: 1,
            excluded: vec![Excluded { address: "tcp@b:1".into(), why: down }],
            excluded_in_all: 1,
            attempts: Vec::new(),
            took: Duration::from_millis(3),
            left: Some(Duration::from_micros(1_234_567)),
            gave_up: Some(GaveUp::NotIdempotent),
        };
        assert_eq!(
            explanation.to_string(),
            "1 of 2 instances of etcd://a:2379/rpcx could take it (list 12s old: no answer); kept out tcp@b:1 (down: \
             connection refused); it may have run, and the method is not marked idempotent; 1.2s left"
        );
    }
}
