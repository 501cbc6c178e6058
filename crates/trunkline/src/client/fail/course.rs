//! One call's course: where it has been, what came of it, and whether it goes on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::decide::{Situation, Verdict};
use super::{FailMode, Retries};
use crate::balance::Stats;
use crate::call::{Call, Reply, Target};
use crate::chance::Random;
use crate::client::attempt::AttemptEnd;
use crate::client::endpoint::Endpoint;
use crate::client::explanation;
use crate::client::fleet::Fleet;
use crate::client::handle::Inner;
use crate::client::live::Handle;
use crate::client::pool::{Pool, Table, Wanted};
use crate::client::wishes::Wishes;
use crate::error::{Error, ErrorKind};
use crate::explain::{Attempt, Explanation, Failed, GaveUp};
use crate::later;

/// How long a call waits for an instance to be connected while others could take it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What an attempt on the short way ended in.
pub(in crate::client) struct Begun {
    pub(in crate::client) error: Error,
    pub(in crate::client) endpoint: Option<Arc<Stats>>,
    pub(in crate::client) at: Instant,
}

pub(in crate::client) struct Course<'a> {
    pub(in crate::client) inner: &'a Inner,
    pub(in crate::client) mode: FailMode,
    pub(super) rules: Retries,
    target: Target,
    wishes: Option<Arc<Wishes>>,
    begun_at: Instant,
    trail: Mutex<Trail>,
}

/// An instance for an attempt.
pub(in crate::client) struct Chosen {
    pub(in crate::client) endpoint: Arc<Endpoint>,
    /// Whether there were others.
    pub(in crate::client) is_choice: bool,
    /// It never got to the server.
    pub(in crate::client) unsent: bool,
}

impl Drop for Chosen {
    /// It may have been the one call that was let through to try the server.
    fn drop(&mut self) {
        if self.unsent {
            self.endpoint.was_not_asked();
        }
    }
}

#[derive(Default)]
struct Trail {
    attempts: Vec<Attempt>,
    tried: Vec<Arc<Stats>>,
    /// For those who go back to the same instance.
    last: Option<Arc<Endpoint>>,
    /// What to go on from.
    begun: Option<Error>,
}

impl<'a> Course<'a> {
    pub(in crate::client) fn new(inner: &'a Inner, call: &Call, begun: Option<Begun>) -> Self {
        let wishes = call.extensions().and_then(|e| e.get_shared::<Wishes>());
        let settings = &inner.settings;
        let mode = wishes.as_ref().and_then(|w| w.mode).unwrap_or(settings.fail_mode);
        let rules =
            wishes.as_ref().and_then(|w| w.retries.clone()).unwrap_or_else(|| settings.retries.clone());
        let mut trail = Trail::default();
        let mut begun_at = Instant::now();
        if let Some(begun) = begun {
            begun_at = begun.at;
            trail.attempts.push(begun.attempt());
            trail.tried.extend(begun.endpoint);
            trail.begun = Some(begun.error);
        }
        Self { inner, mode, rules, target: call.target.clone(), wishes, begun_at, trail: Mutex::new(trail) }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.trail.lock().begun.is_some()
    }

    pub(super) fn take_begun(&self) -> Option<Error> {
        self.trail.lock().begun.take()
    }

    pub(super) fn resume_with(&self, error: Error) {
        self.trail.lock().begun = Some(error);
    }

    pub(super) fn may_run_twice(&self, call: &Call) -> bool {
        call.is_idempotent() || self.rules.blind
    }

    /// One attempt, with the layers around it.
    pub(super) async fn attempt(&self, call: &mut Call, backup: bool) -> Result<Reply, Error> {
        let begun = Instant::now();
        let (place, is_again) = {
            let mut trail = self.trail.lock();
            // Waiting for an instance to come is no retry.
            let is_again = trail.attempts.iter().any(|attempt| attempt.address.is_some());
            trail.attempts.push(Attempt {
                address: None,
                began: begun.saturating_duration_since(self.begun_at),
                took: Duration::ZERO,
                backup,
                failed: None,
            });
            (trail.attempts.len() - 1, is_again)
        };
        if is_again {
            self.with_pool(Pool::tried_again);
        }
        let end = AttemptEnd { course: self, place };
        let whole = call.deadline;
        if let Some(limit) = self.rules.attempt_timeout.filter(|_| self.may_run_twice(call)) {
            call.limit_deadline(later::after(begun, limit));
        }
        let attempts = &self.inner.attempts;
        let result = if attempts.is_empty() {
            end.send(call).await
        } else {
            // What layers change for one attempt is no business of the next.
            attempts.run(&mut call.fork(), &end).await
        };
        call.deadline = whole;
        let mut trail = self.trail.lock();
        let attempt = &mut trail.attempts[place];
        attempt.took = begun.elapsed();
        match &result {
            Err(error) => attempt.failed = Some(failed(error)),
            Ok(_) if self.mode == FailMode::Failbackup => {
                let took = attempt.took;
                drop(trail);
                self.with_pool(|pool| pool.latencies.note(took));
            }
            Ok(_) => {}
        }
        result
    }

    /// An instance for an attempt, once there is one.
    pub(in crate::client) async fn choose(
        &self,
        fleet: &Fleet,
        call: &Call,
        place: usize,
    ) -> Result<Chosen, Error> {
        let table = fleet.table(call).await?;
        let mut trail = self.trail.lock();
        let Some(endpoint) = self.pick(&table, call, &trail, &fleet.grounds().random) else {
            return Err(explanation::nobody(&table, fleet.source(), self.pinned()));
        };
        trail.attempts[place].address = Some(endpoint.name().clone());
        trail.tried.push(endpoint.health().stats.clone());
        trail.last = Some(endpoint.clone());
        Ok(Chosen { endpoint, is_choice: table.is_choice(), unsent: true })
    }

    fn pick(&self, table: &Table, call: &Call, trail: &Trail, random: &Random) -> Option<Arc<Endpoint>> {
        if let Some(address) = self.pinned() {
            return table.at(address).cloned();
        }
        // The same instance as before, for as long as it is on the list.
        if self.mode == FailMode::Failtry
            && let Some(last) = &trail.last
            && let Some(same) = table.endpoints().iter().find(|e| Arc::ptr_eq(e, last))
        {
            return Some(same.clone());
        }
        let tried = match self.mode {
            FailMode::Failtry => &[][..],
            _ => &trail.tried[..],
        };
        let wanted = Wanted {
            service: call.service(),
            method: call.method(),
            key: self.wishes.as_ref().and_then(|w| w.key.as_deref()),
            tried,
            now: Instant::now(),
        };
        table.pick(wanted, random).cloned()
    }

    /// The one address that may get the call, where it names one.
    fn pinned(&self) -> Option<&str> {
        self.wishes.as_ref().and_then(|wishes| wishes.address.as_deref())
    }

    /// A connection of the chosen instance. What takes its time to connect is not waited for where
    /// others can take the call.
    pub(in crate::client) async fn connection(
        &self,
        chosen: &Chosen,
        deadline: Option<Instant>,
    ) -> Result<Handle, Error> {
        let endpoint = &chosen.endpoint;
        let mut connecting = std::pin::pin!(endpoint.connection(deadline));
        if self.mode == FailMode::Failtry || !chosen.is_choice {
            return connecting.await;
        }
        if let Ok(connected) = tokio::time::timeout(PATIENCE, &mut connecting).await {
            return connected;
        }
        if !self.has_another() {
            return connecting.await;
        }
        let text = format!("not connected within {PATIENCE:?}, and others are");
        Err(Error::new(ErrorKind::Unavailable, text).at(endpoint.name().clone()).not_sent())
    }

    /// Whether there is an instance for a second copy that has not got the first.
    pub(super) fn has_another(&self) -> bool {
        if self.pinned().is_some() {
            return false;
        }
        let tried = self.trail.lock().tried.clone();
        self.with_pool(|pool| {
            let table = pool.table();
            let fresh = |s: &Arc<Stats>| s.is_open() && !tried.iter().any(|t| Arc::ptr_eq(t, s));
            table.candidates().iter().any(|candidate| fresh(&candidate.stats))
        })
        .unwrap_or(false)
    }

    /// Takes one retry from the service's budget.
    pub(super) fn affords_another(&self) -> bool {
        self.with_pool(|pool| {
            let (calls, lost) = counts(pool);
            pool.retry_budget.take(Instant::now(), calls, lost)
        })
        .unwrap_or(true)
    }

    /// Takes one backup from the service's budget for these: what is slow must not leave nothing
    /// for what fails, nor the other way round.
    pub(super) fn affords_backup(&self) -> bool {
        self.with_pool(|pool| pool.backup_budget.take(Instant::now(), counts(pool).0, 0)).unwrap_or(true)
    }

    pub(super) fn with_pool<T>(&self, ask: impl FnOnce(&Pool) -> T) -> Option<T> {
        let fleet = self.inner.fleet()?;
        fleet.pool(self.target.service()).ok().map(|pool| ask(&pool))
    }

    fn with_random<T: Default>(&self, ask: impl FnOnce(&Random) -> T) -> T {
        self.inner.fleet().map(|fleet| ask(&fleet.grounds().random)).unwrap_or_default()
    }

    /// Whether to go on, and after what pause.
    pub(super) fn next(&self, error: &Error, call: &Call) -> Result<Duration, GaveUp> {
        let now = Instant::now();
        let situation = Situation {
            mode: self.mode,
            rules: &self.rules,
            error,
            idempotent: call.is_idempotent(),
            elsewhere: self.has_another(),
            attempts: u32::try_from(self.trail.lock().attempts.len()).unwrap_or(u32::MAX),
            left: call.deadline.map(|at| at.saturating_duration_since(now)),
            chance: self.with_random(Random::fraction),
        };
        match situation.verdict() {
            Verdict::GiveUp(why) => Err(why),
            Verdict::Again { costs: true, .. } if !self.affords_another() => Err(GaveUp::Budget),
            Verdict::Again { pause, .. } => Ok(pause),
        }
    }

    /// The error with the record of how it came to it.
    pub(super) fn explain(&self, error: Error, call: &Call, gave_up: GaveUp) -> Error {
        let explanation = self.explanation(call, Some(gave_up));
        match explanation {
            Some(explanation) => error.explained(explanation),
            None => error,
        }
    }

    pub(in crate::client) fn explanation(&self, call: &Call, gave_up: Option<GaveUp>) -> Option<Explanation> {
        let fleet = self.inner.fleet()?;
        let trail = self.trail.lock();
        let pool = fleet.pool(call.service()).ok()?;
        let mut explanation = explanation::of(&pool.table(), fleet, trail.attempts.clone(), self.pinned());
        explanation.took = self.begun_at.elapsed();
        // A copy that lost was given up when the other one was answered, which is now.
        for attempt in explanation.attempts.iter_mut().filter(|a| a.failed.is_none() && a.took.is_zero()) {
            attempt.took = explanation.took.saturating_sub(attempt.began);
        }
        explanation.left = call.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        explanation.gave_up = gave_up;
        Some(explanation)
    }
}

/// The error that the one attempt of a call ended in, and that no other would mend, with the
/// record of it.
pub(in crate::client) fn explain_final(
    inner: &Inner,
    begun: Begun,
    service: &str,
    deadline: Instant,
) -> Error {
    let Some((fleet, pool)) = inner.fleet().and_then(|fleet| Some((fleet, fleet.pool(service).ok()?))) else {
        return begun.error;
    };
    // Who gave the final answer is one of those who could take the call.
    let mut explanation = explanation::of(&pool.table(), fleet, Vec::new(), None);
    explanation.took = begun.at.elapsed();
    explanation.left = Some(deadline.saturating_duration_since(Instant::now()));
    explanation.gave_up = Some(GaveUp::Final);
    explanation.attempts.push(begun.attempt());
    begun.error.explained(explanation)
}

impl Begun {
    fn attempt(&self) -> Attempt {
        Attempt {
            address: self.error.shared_address(),
            began: Duration::ZERO,
            took: self.at.elapsed(),
            backup: false,
            failed: Some(failed(&self.error)),
        }
    }
}

/// The calls of a service that have ended, and those that were under way on lost connections.
fn counts(pool: &Pool) -> (u64, u64) {
    let (mut calls, mut lost) = (0, 0);
    for endpoint in pool.table().endpoints() {
        let (good, bad) = endpoint.health().counts();
        calls += good + bad;
        lost += endpoint.health().lost.load(Ordering::Relaxed);
    }
    (calls, lost)
}

fn failed(error: &Error) -> Failed {
    Failed { kind: error.kind(), sent: error.sent(), message: error.message().to_owned() }
}
