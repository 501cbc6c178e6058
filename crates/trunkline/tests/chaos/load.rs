//! Steady load from one client, and what came of every call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use trunkline::registry::{Instance, List};
use trunkline::{Client, Error};

/// Callers, each of which makes a call and rests for so long.
const CALLERS: usize = 16;
const REST: Duration = Duration::from_millis(40);

/// One call as its caller saw it.
pub(crate) struct Seen {
    pub(crate) begun: Instant,
    pub(crate) took: Duration,
    /// The process that answered.
    pub(crate) result: Result<u32, Error>,
}

pub(crate) struct Load {
    callers: JoinSet<()>,
    seen: Arc<Mutex<Vec<Seen>>>,
    next: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

/// What calls there are.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    /// May be made twice.
    Who,
    /// Must not: each has a number of its own.
    Work,
}

/// A list of these addresses.
pub(crate) fn list<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Vec<Instance> {
    addresses.into_iter().map(|address| address.parse().unwrap()).collect()
}

pub(crate) async fn client(list: &List) -> Client {
    let client = Client::builder().connect_to(Arc::new(list.clone())).await.unwrap();
    client.ready_for("Chaos").await;
    client
}

impl Load {
    pub(crate) fn start(client: &Client, calls: Calls) -> Self {
        let mut callers = JoinSet::new();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let next = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        for _ in 0..CALLERS {
            let (client, seen) = (client.clone(), seen.clone());
            let (next, over) = (next.clone(), over.clone());
            callers.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let service = client.service("Chaos");
                    let result = match calls {
                        Calls::Who => service.call("Who", &()).idempotent(true).await,
                        Calls::Work => service.call("Work", &next.fetch_add(1, Ordering::Relaxed)).await,
                    };
                    seen.lock().unwrap().push(Seen { begun, took: begun.elapsed(), result });
                    sleep(REST).await;
                }
            });
        }
        Self { callers, seen, next, over }
    }

    /// Pieces of work that were asked for so far.
    pub(crate) fn asked(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The processes that have answered since then.
    pub(crate) fn processes(&self, since: Instant) -> HashMap<u32, usize> {
        let mut processes = HashMap::new();
        for seen in self.seen.lock().unwrap().iter().filter(|s| s.begun >= since) {
            if let Ok(pid) = seen.result {
                *processes.entry(pid).or_default() += 1;
            }
        }
        processes
    }

    /// Waits until so many processes answer.
    pub(crate) async fn until_answered_by(&self, processes: usize) {
        let since = Instant::now();
        while self.processes(since).len() < processes {
            assert!(since.elapsed() < Duration::from_secs(60), "{:?} answer", self.processes(since));
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets every caller finish its call, and tells what was seen.
    pub(crate) async fn end(mut self) -> Vec<Seen> {
        self.over.store(true, Ordering::Relaxed);
        while let Some(caller) = self.callers.join_next().await {
            caller.unwrap();
        }
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// No call failed; the 99th percentile of all that began between the two moments.
pub(crate) fn all_well(seen: &[Seen], from: Instant, to: Instant) -> Duration {
    let failed: Vec<_> = seen.iter().filter_map(|s| s.result.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} of {} calls failed, first: {}", failed.len(), seen.len(), failed[0]);
    let mut took: Vec<_> = seen.iter().filter(|s| (from..to).contains(&s.begun)).map(|s| s.took).collect();
    assert!(took.len() > 50, "only {} calls", took.len());
    took.sort();
    took[took.len() * 99 / 100]
}
