//! Putting together the explanation of a call from what the client knows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fleet::Fleet;
use super::health::Health;
use super::pool::Table;
use crate::balance::{Candidate, Shut};
use crate::error::{Error, ErrorKind};
use crate::explain::{Attempt, CandidateState, Excluded, Exclusion, Explanation, ListState, NAMED};
use crate::registry::Trust;

/// Who could take the call and who could not, after these attempts. `pinned` is the address that
/// the call names.
pub(super) fn of(table: &Table, fleet: &Fleet, attempts: Vec<Attempt>, pinned: Option<&str>) -> Explanation {
    let now = Instant::now();
    let mut explanation = Explanation {
        source: fleet.source().clone(),
        list: list_state(table.trust(), now),
        balancer: fleet.grounds().settings.balancer.name(),
        candidates: Vec::new(),
        candidates_in_all: 0,
        excluded: Vec::new(),
        excluded_in_all: 0,
        attempts,
        took: Duration::ZERO,
        left: None,
        gave_up: None,
    };
    for (candidate, endpoint) in table.candidates().iter().zip(table.endpoints()) {
        let address = endpoint.name();
        let failed_there =
            |attempt: &Attempt| attempt.failed.is_some() && attempt.address.as_deref() == Some(&**address);
        let exclusion = match pinned {
            Some(pinned) if pinned != &**address => Some(Exclusion::NotPinned),
            _ => exclusion(endpoint.health())
                .or_else(|| explanation.attempts.iter().any(failed_there).then_some(Exclusion::Tried)),
        };
        match exclusion {
            Some(why) => note(&mut explanation, address.clone(), why),
            None => {
                explanation.candidates_in_all += 1;
                if explanation.candidates.len() < NAMED {
                    explanation.candidates.push(state(candidate, address.clone(), now));
                }
            }
        }
    }
    for (instance, why) in table.excluded() {
        let address = instance.address().as_str();
        let other = pinned.is_some_and(|pinned| pinned != address);
        note(&mut explanation, address.into(), if other { Exclusion::NotPinned } else { why.clone() });
    }
    explanation
}

fn note(explanation: &mut Explanation, address: Arc<str>, why: Exclusion) {
    explanation.excluded_in_all += 1;
    let excluded = &mut explanation.excluded;
    // Where the call has been comes first: these are few, and are all named.
    if why == Exclusion::Tried {
        excluded.insert(0, Excluded { address, why });
        excluded.truncate(NAMED);
    } else if excluded.len() < NAMED {
        excluded.push(Excluded { address, why });
    }
}

fn state(candidate: &Candidate, address: Arc<str>, now: Instant) -> CandidateState {
    CandidateState {
        address,
        weight: candidate.weight,
        in_flight: candidate.stats.in_flight(),
        latency: candidate.stats.latency(now),
    }
}

/// Why an instance takes no calls now, the weightiest reason.
pub(super) fn exclusion(health: &Health) -> Option<Exclusion> {
    let stats = &health.stats;
    let reasons = [
        (Shut::Down, Exclusion::Down(health.down.lock().clone().unwrap_or_else(|| "cannot connect".into()))),
        (Shut::Breaker, Exclusion::BreakerOpen),
        (Shut::Draining, Exclusion::Draining),
        (Shut::Ejected, Exclusion::Ejected),
        (Shut::Resting, Exclusion::Resting),
        (Shut::Lost, Exclusion::Lost),
    ];
    reasons.into_iter().find(|(shut, _)| stats.is_shut_for(*shut)).map(|(_, why)| why)
}

pub(super) fn list_state(trust: &Trust, now: Instant) -> ListState {
    match trust {
        Trust::Waiting => ListState::Waiting,
        Trust::Stale { since, why } => {
            ListState::Stale { age: now.saturating_duration_since(*since), why: why.clone() }
        }
        _ => ListState::Fresh,
    }
}

/// There is a list, and nobody on it can take the call.
pub(super) fn nobody(table: &Table, source: &str, pinned: Option<&str>) -> Error {
    let (candidates, excluded) = (table.candidates().len(), table.excluded().len());
    let text = if let Some(pinned) = pinned {
        match table.excluded().iter().find(|(instance, _)| instance.address().as_str() == pinned) {
            Some((_, why)) => format!("{pinned}, which the call names, cannot take it: {why}"),
            None => format!(
                "{pinned}, which the call names, is not on the list of {source}; see that it is registered there, or \
                 let the client choose"
            ),
        }
    } else if candidates + excluded == 0 {
        format!("{source} lists no instance of the service; see that one is registered there under this name")
    } else {
        let first = table.endpoints().iter().find_map(|e| Some((e.name().clone(), exclusion(e.health())?)));
        let first = first.or_else(|| {
            let (instance, why) = table.excluded().first()?;
            Some((instance.address().as_str().into(), why.clone()))
        });
        let all = candidates + excluded;
        match first {
            Some((address, why)) if all == 1 => {
                format!("the only instance, {address}, cannot take the call: {why}")
            }
            Some((address, why)) => format!("none of {all} instances can take the call; {address}: {why}"),
            None => format!("none of {all} instances can take the call"),
        }
    };
    Error::new(ErrorKind::Unavailable, text).not_sent()
}
