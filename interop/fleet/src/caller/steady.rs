//! Load that goes on beside other commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Caller;
use super::calls::{MOST_CALLERS, limit};
use super::command::Steady;
use super::exchange::Exchange;
use super::tally::Tally;
use crate::message::Work;
use crate::problem::{Outcome, problem};
use crate::tell::tell;

const MOST_SECONDS: u64 = 600;

/// Steady load under way.
pub(super) struct SteadyLoad {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    shared: Arc<Shared>,
}

struct Shared {
    settings: Steady,
    caller: Caller,
    number: AtomicU64,
    tallies: Mutex<Tallies>,
}

#[derive(Default)]
struct Tallies {
    total: Tally,
    second: Tally,
}

impl SteadyLoad {
    pub(super) fn begin(mut settings: Steady, caller: Caller) -> Outcome<Self> {
        if !matches!(settings.call.as_str(), "" | "Who" | "Work") {
            return problem(format!("steady load cannot call {:?}, expected Who or Work", settings.call));
        }
        settings.callers = settings.callers.max(1);
        if settings.callers > MOST_CALLERS || settings.seconds > MOST_SECONDS {
            return problem(format!(
                "{settings:?} is too much, expected at most {MOST_CALLERS} callers and {MOST_SECONDS} seconds"
            ));
        }
        if settings.seconds == 0 {
            settings.seconds = MOST_SECONDS;
        }
        let callers = settings.callers;
        let shared = Shared { settings, caller, number: AtomicU64::new(0), tallies: Mutex::default() };
        let shared = Arc::new(shared);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let begin = Instant::now();
        for place in 0..callers {
            tasks.spawn(shared.clone().call_from(place, begin, stopped.clone()));
        }
        tasks.spawn(shared.clone().report(begin, stopped, stop.clone()));
        Ok(Self { stop, tasks, shared })
    }

    /// Waits for the calls under way; the sum.
    pub(super) async fn end(self) -> Value {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
        self.shared.tallies.lock().total.counts()
    }
}

impl Shared {
    /// One caller. With a rate the callers take turns at fixed times; who is late calls at once, and
    /// takes the next turn that has not passed.
    async fn call_from(self: Arc<Self>, place: usize, begin: Instant, mut stopped: watch::Receiver<bool>) {
        let (rate, callers) = (self.settings.rate, u32::try_from(self.settings.callers).unwrap_or(u32::MAX));
        let turn = Duration::from_secs(1) * callers / rate.max(1);
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let mut next = if rate > 0 { begin + turn * place / callers } else { begin };
        loop {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = sleep_until(next) => {}
            }
            self.call().await;
            while rate > 0 && next < Instant::now() {
                next += turn;
            }
        }
    }

    async fn call(&self) {
        let exchange = if self.settings.call == "Work" {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let id = format!("{}-{number}", self.settings.prefix);
            Exchange::Work(Work { id, millis: self.settings.millis })
        } else {
            Exchange::Who
        };
        let begin = Instant::now();
        let result = self.caller.call(&exchange, limit(self.settings.timeout_ms)).await;
        let outcome = result.as_ref().map(|answer| answer.member.as_str()).map_err(|error| error.message());
        let took = begin.elapsed();
        let mut tallies = self.tallies.lock();
        tallies.total.add(outcome, took);
        tallies.second.add(outcome, took);
    }

    async fn report(
        self: Arc<Self>,
        begin: Instant,
        mut stopped: watch::Receiver<bool>,
        stop: watch::Sender<bool>,
    ) {
        for second in 1..=self.settings.seconds {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = sleep_until(begin + Duration::from_secs(second)) => {}
            }
            let mut past = std::mem::take(&mut self.tallies.lock().second);
            let mut line = past.counts();
            line["second"] = json!(second);
            tell(&line);
        }
        stop.send_replace(true);
    }
}
