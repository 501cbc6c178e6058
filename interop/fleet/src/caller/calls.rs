//! A number of calls at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Caller;
use super::command::Command;
use super::exchange::Exchange;
use super::tally::Tally;
use crate::problem::{Outcome, problem};

const MOST_CALLS: usize = 100_000;
pub(super) const MOST_CALLERS: usize = 256;
/// Calls whose member is told one by one.
const MOST_ORDER: usize = 1000;
pub(super) const USUAL_LIMIT: Duration = Duration::from_secs(5);

/// How long a call may take.
pub(super) fn limit(timeout_ms: u64) -> Duration {
    if timeout_ms == 0 { USUAL_LIMIT } else { Duration::from_millis(timeout_ms) }
}

#[derive(Default)]
struct Progress {
    tally: Tally,
    order: Vec<String>,
    last: Value,
}

/// Makes the calls of a command.
pub(super) async fn run(caller: &Caller, method: &str, command: &Command) -> Outcome<Value> {
    let each = &command.each;
    let n = if each.is_empty() { command.n.max(1) } else { each.len() };
    let callers = command.callers.max(1);
    if n > MOST_CALLS || callers > MOST_CALLERS {
        return problem(format!(
            "{n} calls by {callers} callers are too many, expected at most {MOST_CALLS} by {MOST_CALLERS}"
        ));
    }
    let plan = |i: usize| match each.get(i) {
        Some(arguments) => Exchange::new(method, Some(arguments), None),
        None => Exchange::new(method, command.args.as_ref(), (n > 1).then_some(i)),
    };
    let plans: Arc<[Exchange]> = (0..n).map(plan).collect::<Outcome<Vec<_>>>()?.into();
    let progress = Progress { order: vec![String::new(); n.min(MOST_ORDER)], ..Progress::default() };
    let progress = Arc::new(Mutex::new(progress));
    let next = Arc::new(AtomicUsize::new(0));
    let limit = limit(command.timeout_ms);
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (caller, plans, progress, next) = (caller.clone(), plans.clone(), progress.clone(), next.clone());
        tasks.spawn(async move {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(exchange) = plans.get(i) else { break };
                let begin = Instant::now();
                let result = caller.call(exchange, limit).await;
                progress.lock().note(i, i + 1 == plans.len(), result, begin.elapsed());
            }
        });
    }
    tasks.join_all().await;
    let mut progress = progress.lock();
    let mut answer = progress.tally.counts();
    answer["order"] = json!(progress.order);
    if !progress.last.is_null() {
        answer["reply"] = progress.last.take();
    }
    Ok(answer)
}

impl Progress {
    fn note(
        &mut self,
        i: usize,
        last: bool,
        result: Result<super::exchange::Answer, trunkline::Error>,
        took: Duration,
    ) {
        let outcome = match &result {
            Ok(answer) => Ok(answer.member.as_str()),
            Err(error) => Err(error.message()),
        };
        self.tally.add(outcome, took);
        if let Some(place) = self.order.get_mut(i) {
            *place = outcome.map_or_else(|text| format!("!{text}"), str::to_owned);
        }
        if let (true, Ok(answer)) = (last, result) {
            self.last = answer.reply;
        }
    }
}
