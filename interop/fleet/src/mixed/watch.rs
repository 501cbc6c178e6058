//! A line each second of what the callers did, and their sum for each phase.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use crate::stage::Caller;
use crate::tell::say;

/// Watches callers until it is dropped.
pub(super) struct Watch {
    phases: Arc<Mutex<Vec<Phase>>>,
    seconds: Vec<Seconds>,
    task: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Phase {
    name: String,
    shown: bool,
    sum: Sum,
}

/// What was done in a second or a phase.
#[derive(Default)]
struct Sum {
    calls: u64,
    errors: u64,
    /// Of each caller, the highest of its seconds.
    p99: Vec<u64>,
    by_instance: BTreeMap<String, u64>,
}

type Seconds = Arc<Mutex<Vec<Value>>>;

impl Watch {
    pub(super) fn over(callers: &[Caller]) -> Self {
        let seconds = callers.iter().map(Caller::seconds_to_come).collect();
        Self { phases: Arc::default(), seconds, task: None }
    }

    /// The callers have begun just now.
    pub(super) fn begin(&mut self) {
        self.task = Some(tokio::spawn(report(self.seconds.clone(), self.phases.clone())));
    }

    /// From now on this is going on.
    pub(super) fn phase(&self, name: &str) {
        let phase = Phase { name: name.to_owned(), ..Phase::default() };
        self.phases.lock().push(phase);
    }

    /// A line for each phase.
    pub(super) fn summary(&self) -> String {
        let mut out =
            format!("\n{:20}  {:>6}  {:>6}  {:>20}\n", "phase", "calls", "errors", "highest p99 in ms");
        for phase in &*self.phases.lock() {
            let Sum { calls, errors, p99, .. } = &phase.sum;
            let _ = writeln!(out, "{:20}  {calls:>6}  {errors:>6}  {:>20}", phase.name, millis(p99));
        }
        out
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

async fn report(seconds: Vec<Seconds>, phases: Arc<Mutex<Vec<Phase>>>) {
    const SECOND: Duration = Duration::from_secs(1);
    // Late enough for a caller to have told of its second.
    let mut ticks = interval_at(Instant::now() + SECOND * 3 / 2, SECOND);
    for number in 1.. {
        ticks.tick().await;
        let mut sum = Sum { p99: vec![0; seconds.len()], ..Sum::default() };
        for (place, seconds) in seconds.iter().enumerate() {
            for second in std::mem::take(&mut *seconds.lock()) {
                sum.add(place, &second);
            }
        }
        let mut phases = phases.lock();
        let Some(phase) = phases.last_mut() else { continue };
        let news = if phase.shown { "" } else { phase.name.as_str() };
        say(&format!(
            "{number:>3}  {:>5}  {:>6}  {:>38}  {}  {news}",
            sum.calls,
            sum.errors,
            millis(&sum.p99),
            sum.shares()
        ));
        phase.shown = true;
        phase.sum.join(&sum);
    }
}

impl Sum {
    fn add(&mut self, place: usize, second: &Value) {
        let number = |field: &str| second[field].as_u64().unwrap_or(0);
        self.calls += number("calls");
        self.errors += number("errors");
        self.p99[place] = self.p99[place].max(number("p99_us"));
        for (member, calls) in second["by_instance"].as_object().into_iter().flatten() {
            *self.by_instance.entry(member.clone()).or_default() += calls.as_u64().unwrap_or(0);
        }
    }

    fn join(&mut self, second: &Self) {
        self.calls += second.calls;
        self.errors += second.errors;
        self.p99.resize(second.p99.len(), 0);
        self.p99.iter_mut().zip(&second.p99).for_each(|(highest, p99)| *highest = (*highest).max(*p99));
    }

    fn shares(&self) -> String {
        let answered: u64 = self.by_instance.values().sum();
        let share = |(member, calls): (&String, &u64)| {
            format!("{member} {:.0} %", *calls as f64 * 100.0 / answered.max(1) as f64)
        };
        self.by_instance.iter().map(share).collect::<Vec<_>>().join("  ")
    }
}

fn millis(micros: &[u64]) -> String {
    micros.iter().map(|micros| format!("{:.1}", *micros as f64 / 1000.0)).collect::<Vec<_>>().join(", ")
}
