//! Whether a call that failed is tried again: a decision without I/O.

use std::time::Duration;

use super::{FailMode, Retries};
use crate::error::{Error, ErrorKind, Sent};
use crate::explain::GaveUp;
use crate::later::LONGEST;

/// What is known when an attempt has failed.
pub(crate) struct Situation<'a> {
    pub(crate) mode: FailMode,
    pub(crate) rules: &'a Retries,
    pub(crate) error: &'a Error,
    pub(crate) idempotent: bool,
    /// Whether there is an instance where the call has not been.
    pub(crate) elsewhere: bool,
    /// Attempts so far, this one included.
    pub(crate) attempts: u32,
    /// What is left of the call's time.
    pub(crate) left: Option<Duration>,
    /// From 0 to 1.
    pub(crate) chance: f64,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    GiveUp(GaveUp),
    Again {
        pause: Duration,
        /// It takes from the budget.
        costs: bool,
    },
}

impl Situation<'_> {
    pub(crate) fn verdict(&self) -> Verdict {
        let costs = match self.safety() {
            Safety::Free => false,
            Safety::Costs => true,
            Safety::No(why) => return Verdict::GiveUp(why),
        };
        if !self.mode.tries_again() {
            return Verdict::GiveUp(GaveUp::Mode);
        }
        if self.attempts > self.rules.most {
            return Verdict::GiveUp(GaveUp::Attempts);
        }
        // Who has too much to do is not asked again by the same call.
        if self.error.kind() == ErrorKind::Overloaded && !self.elsewhere && self.mode != FailMode::Failtry {
            return Verdict::GiveUp(GaveUp::NoInstance);
        }
        let pause = self.pause();
        if self.left.is_some_and(|left| left <= pause) {
            return Verdict::GiveUp(GaveUp::Time);
        }
        Verdict::Again { pause, costs }
    }

    fn safety(&self) -> Safety {
        let error = self.error;
        if error.is_final() {
            return Safety::No(GaveUp::Final);
        }
        match (error.kind(), error.sent()) {
            (ErrorKind::Unavailable | ErrorKind::Overloaded, Sent::No | Sent::NotStarted) => Safety::Free,
            (ErrorKind::Unavailable | ErrorKind::Overloaded, Sent::Maybe) => self.if_idempotent(),
            (ErrorKind::Deadline, _) if error.is_remote() => Safety::No(GaveUp::Final),
            // One attempt's time was up, not the call's.
            (ErrorKind::Deadline, sent) if self.left.is_some_and(|left| !left.is_zero()) => match sent {
                Sent::Maybe => self.if_idempotent(),
                Sent::No | Sent::NotStarted => Safety::Free,
            },
            (ErrorKind::Deadline, _) => Safety::No(GaveUp::Time),
            // The handler itself said when to come back.
            (ErrorKind::Application, _) if self.idempotent => Safety::Costs,
            _ => Safety::No(GaveUp::Final),
        }
    }

    fn if_idempotent(&self) -> Safety {
        if self.idempotent || self.rules.blind { Safety::Costs } else { Safety::No(GaveUp::NotIdempotent) }
    }

    /// The first retry elsewhere is at once; each further one, and each at the same server, waits
    /// longer, jittered. What a server asked for is honoured where it is asked again, and what a
    /// handler asked for wherever the call goes.
    fn pause(&self) -> Duration {
        let same = self.mode == FailMode::Failtry || !self.elsewhere;
        let (first, most) = self.rules.pause;
        let pause = match if same { self.attempts } else { self.attempts - 1 } {
            0 => Duration::ZERO,
            n => {
                let pause = first.saturating_mul(1 << (n - 1).min(16)).min(most).min(LONGEST);
                pause.mul_f64(0.5 + self.chance / 2.0)
            }
        };
        match self.error.retry_after() {
            Some(wait) if same || self.error.kind() == ErrorKind::Application => pause.max(wait),
            _ => pause,
        }
    }
}

enum Safety {
    Free,
    Costs,
    No(GaveUp),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(mode: FailMode, error: &Error, idempotent: bool, attempts: u32) -> Verdict {
        let rules = &Retries::default();
        let left = Some(Duration::from_secs(5));
        Situation { mode, rules, error, idempotent, elsewhere: true, attempts, left, chance: 1.0 }.verdict()
    }

    #[test]
    fn only_what_is_safe_is_tried_again() {
        let lost = || Error::new(ErrorKind::Unavailable, "connection lost");
        let again = |costs| Verdict::Again { pause: Duration::ZERO, costs };
        let no = Verdict::GiveUp;
        for (error, idempotent, expected) in [
            (lost().not_sent(), false, again(false)),
            (lost().not_started(), false, again(false)),
            (Error::new(ErrorKind::Overloaded, "busy").not_started(), false, again(false)),
            (lost(), true, again(true)),
            (lost(), false, no(GaveUp::NotIdempotent)),
            (Error::new(ErrorKind::Application, "no"), true, no(GaveUp::Final)),
            (Error::new(ErrorKind::Invalid, "bad").not_sent(), true, no(GaveUp::Final)),
            (Error::new(ErrorKind::Internal, "panic"), true, no(GaveUp::Final)),
            (
                Error::new(ErrorKind::Deadline, "no connection in the attempt's time").not_sent(),
                false,
                again(false),
            ),
            (Error::new(ErrorKind::Deadline, "late"), true, again(true)),
            (Error::new(ErrorKind::Deadline, "late"), false, no(GaveUp::NotIdempotent)),
            (Error::new(ErrorKind::Deadline, "a layer's limit").remote(), true, no(GaveUp::Final)),
        ] {
            assert_eq!(
                verdict(FailMode::Failover, &error, idempotent, 1),
                expected,
                "{error:?} {idempotent}"
            );
            let once = verdict(FailMode::Failfast, &error, idempotent, 1);
            assert!(matches!(once, Verdict::GiveUp(_)), "{once:?}");
        }
    }

    #[test]
    fn blind_retries_are_an_explicit_choice() {
        let lost = Error::new(ErrorKind::Unavailable, "connection lost");
        let rules = &Retries::new(3).blind();
        let (mode, left) = (FailMode::Failover, None);
        let situation = Situation {
            mode,
            rules,
            error: &lost,
            idempotent: false,
            elsewhere: true,
            attempts: 1,
            left,
            chance: 0.0,
        };
        assert_eq!(situation.verdict(), Verdict::Again { pause: Duration::ZERO, costs: true });
    }

    #[test]
    fn pauses_grow_and_attempts_end() {
        let refused = Error::new(ErrorKind::Unavailable, "refused").not_sent();
        let pauses = |mode| {
            (1..=4)
                .map(|attempts| match verdict(mode, &refused, false, attempts) {
                    Verdict::Again { pause, .. } => Some(pause.as_millis()),
                    Verdict::GiveUp(why) => {
                        assert_eq!(why, GaveUp::Attempts);
                        None
                    }
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(pauses(FailMode::Failover), [Some(0), Some(10), Some(20), None]);
        assert_eq!(pauses(FailMode::Failtry), [Some(10), Some(20), Some(40), None]);
    }

    #[test]
    fn who_has_too_much_to_do_is_not_asked_twice() {
        let busy = Error::new(ErrorKind::Overloaded, "busy").not_started();
        let (mode, rules, left) = (FailMode::Failover, &Retries::default(), None);
        let situation = |elsewhere| {
            let (error, idempotent) = (&busy, true);
            Situation { mode, rules, error, idempotent, elsewhere, attempts: 1, left, chance: 0.0 }.verdict()
        };
        assert_eq!(situation(true), Verdict::Again { pause: Duration::ZERO, costs: false });
        assert_eq!(situation(false), Verdict::GiveUp(GaveUp::NoInstance));
    }

    #[test]
    fn what_a_handler_asks_for_is_honoured_wherever_the_call_goes() {
        let wait = Duration::from_millis(300);
        let locked = Error::new(ErrorKind::Application, "locked").with_retry_after(wait);
        for mode in [FailMode::Failover, FailMode::Failtry, FailMode::Failbackup] {
            assert_eq!(verdict(mode, &locked, true, 1), Verdict::Again { pause: wait, costs: true });
            assert_eq!(verdict(mode, &locked, false, 1), Verdict::GiveUp(GaveUp::Final));
        }
    }

    #[test]
    fn a_call_that_was_out_of_time_is_over() {
        let late = Error::new(ErrorKind::Deadline, "late");
        let (mode, rules, left) = (FailMode::Failover, &Retries::default(), Some(Duration::ZERO));
        let (error, idempotent, elsewhere) = (&late, true, true);
        let situation =
            Situation { mode, rules, error, idempotent, elsewhere, attempts: 1, left, chance: 0.0 };
        assert_eq!(situation.verdict(), Verdict::GiveUp(GaveUp::Time));
    }

    #[test]
    fn no_setting_of_pauses_overflows() {
        let refused = Error::new(ErrorKind::Unavailable, "refused").not_sent();
        let rules = &Retries::new(u32::MAX).pause(Duration::MAX, Duration::MAX);
        let (mode, left, error) = (FailMode::Failtry, None, &refused);
        let (idempotent, elsewhere, attempts) = (true, true, u32::MAX);
        let situation = Situation { mode, rules, error, idempotent, elsewhere, attempts, left, chance: 1.0 };
        assert_eq!(situation.verdict(), Verdict::Again { pause: LONGEST, costs: false });
    }

    #[test]
    fn no_pause_outlasts_the_call() {
        let refused =
            Error::new(ErrorKind::Unavailable, "refused").not_sent().with_retry_after(Duration::from_secs(9));
        assert_eq!(verdict(FailMode::Failtry, &refused, false, 1), Verdict::GiveUp(GaveUp::Time));
    }
}
