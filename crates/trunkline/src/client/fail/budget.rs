//! A bound on how much load retries may add: when a service is in trouble, trying everything
//! again makes it worse.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::RetryBudgetConfig;

/// How many retries there may be. By default a fifth of the calls, and 10 a second besides.
///
/// Retries of calls that were not sent, or that a server refused before it started them, cost
/// nothing. When a connection is lost, as many are allowed as calls were under way on it. Second
/// copies of calls that are late have a budget of their own, of the same size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    share: f64,
    per_second: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { share: 0.2, per_second: 10.0 }
    }
}

impl RetryBudget {
    /// Such a share of the calls, and so many a second besides.
    pub fn new(share: f64, per_second: f64) -> Self {
        Self { share: share.max(0.0), per_second: per_second.max(0.0) }
    }

    /// The same as a file says it; nothing where there is no bound.
    pub(crate) fn to_config(self) -> Option<RetryBudgetConfig> {
        let is_bounded = self.share.is_finite() && self.per_second.is_finite();
        is_bounded.then_some(RetryBudgetConfig { share: Some(self.share), per_second: Some(self.per_second) })
    }

    /// As many as there are.
    pub fn unlimited() -> Self {
        Self { share: f64::INFINITY, per_second: f64::INFINITY }
    }
}

/// What is saved up is worth the calls and the seconds of this long.
const SAVED: Duration = Duration::from_secs(10);

/// What is left of one service's budget. Asked only when something is to be tried again, so that
/// a call that succeeds pays nothing for it: what it adds is read off counters then.
#[derive(Debug)]
pub(crate) struct Allowance {
    rules: RetryBudget,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    /// For calls that were under way on lost connections; forgotten after a while.
    credit: f64,
    credited: Instant,
    at: Instant,
    calls: u64,
    lost: u64,
}

impl Allowance {
    pub(crate) fn new(rules: RetryBudget, now: Instant) -> Self {
        let tokens = rules.per_second * SAVED.as_secs_f64();
        let state = State { tokens, credit: 0.0, credited: now, at: now, calls: 0, lost: 0 };
        Self { rules, state: Mutex::new(state) }
    }

    /// Takes one retry. `calls` have ended so far, and `lost` were under way on connections when
    /// these were lost.
    pub(crate) fn take(&self, now: Instant, calls: u64, lost: u64) -> bool {
        if self.rules.share.is_infinite() {
            return true;
        }
        let mut state = self.state.lock();
        let fresh = calls.saturating_sub(state.calls) as f64 * self.rules.share;
        let time = now.saturating_duration_since(state.at).as_secs_f64() * self.rules.per_second;
        let saved = (self.rules.per_second * SAVED.as_secs_f64()).max(fresh).max(1.0);
        state.tokens = (state.tokens + fresh + time).min(saved.max(state.tokens));
        // What was under way on a lost connection comes on top: all of it is to be tried again, but
        // at once. What was not tried again then is no reserve for other troubles.
        let lost_now = lost.saturating_sub(state.lost) as f64;
        if lost_now > 0.0 {
            (state.credit, state.credited) = (state.credit + lost_now, now);
        } else if now.saturating_duration_since(state.credited) > SAVED {
            state.credit = 0.0;
        }
        // The counts are those of the present instances: they fall when one leaves, and go on from
        // there.
        (state.calls, state.lost, state.at) = (calls, lost, now);
        let State { tokens, credit, .. } = &mut *state;
        let Some(from) = [credit, tokens].into_iter().find(|kind| **kind >= 1.0) else { return false };
        *from -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(allowance: &Allowance, now: Instant, calls: u64, lost: u64) -> usize {
        (0..10_000).take_while(|_| allowance.take(now, calls, lost)).count()
    }

    #[test]
    fn there_is_a_share_of_the_calls_and_some_each_second() {
        let mut now = Instant::now();
        let allowance = Allowance::new(RetryBudget::new(0.1, 5.0), now);
        assert_eq!(taken(&allowance, now, 0, 0), 50, "what ten seconds bring is there from the start");
        now += Duration::from_secs(1);
        assert_eq!(taken(&allowance, now, 0, 0), 5);
        assert_eq!(taken(&allowance, now, 1_000, 0), 100);
        assert_eq!(taken(&allowance, now, 1_000, 0), 0);
        now += Duration::from_secs(3_600);
        assert_eq!(taken(&allowance, now, 1_000, 0), 50, "no more is saved up than ten seconds bring");
    }

    #[test]
    fn all_that_was_under_way_on_a_lost_connection_may_be_tried_again() {
        let now = Instant::now();
        let allowance = Allowance::new(RetryBudget::new(0.0, 0.0), now);
        assert_eq!(taken(&allowance, now, 9_000, 4_096), 4_096);
        assert_eq!(taken(&allowance, now, 9_000, 4_096), 0);
    }

    #[test]
    fn what_was_not_tried_again_at_once_is_no_reserve() {
        let now = Instant::now();
        let allowance = Allowance::new(RetryBudget::new(0.0, 0.0), now);
        assert!(allowance.take(now, 0, 4_096));
        assert_eq!(taken(&allowance, now + Duration::from_secs(11), 0, 4_096), 0);
    }

    #[test]
    fn calls_count_on_when_instances_leave_and_their_counts_with_them() {
        let now = Instant::now();
        let allowance = Allowance::new(RetryBudget::new(0.1, 0.0), now);
        assert_eq!(taken(&allowance, now, 50_000, 0), 5_000);
        assert_eq!(taken(&allowance, now, 50, 0), 0, "all instances were replaced");
        assert_eq!(taken(&allowance, now, 1_050, 0), 100);
    }

    #[test]
    fn unlimited_is_unlimited() {
        let now = Instant::now();
        assert_eq!(taken(&Allowance::new(RetryBudget::unlimited(), now), now, 0, 0), 10_000);
    }
}
