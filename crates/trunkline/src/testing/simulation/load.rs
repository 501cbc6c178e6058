//! Who calls in a run, how often and how.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use trunkline_wire::SerializeType;

use super::SERVICE;
use super::log::Log;
use super::outcome::CallRecord;
use crate::chance::Random;
use crate::client::Client;

/// The callers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    kind: Kind,
    calls: u64,
    idempotent: bool,
    timeout: Option<Duration>,
    keys: u64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Callers { callers: usize, pause: Duration },
    Rate { per_second: f64 },
}

impl Load {
    /// So many callers, each with one call at a time, 1,000 calls in all.
    pub fn callers(callers: usize) -> Self {
        Self::of(Kind::Callers { callers, pause: Duration::ZERO })
    }

    /// Calls that begin by chance, so many a second on average, whatever became of those before:
    /// 1,000 in all.
    pub fn rate(per_second: f64) -> Self {
        Self::of(Kind::Rate { per_second: per_second.max(1e-3) })
    }

    fn of(kind: Kind) -> Self {
        Self { kind, calls: 1_000, idempotent: false, timeout: None, keys: 0 }
    }

    /// So many calls in all.
    #[must_use]
    pub fn calls(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }

    /// How long a caller waits between its calls.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        if let Kind::Callers { pause: between, .. } = &mut self.kind {
            *between = pause;
        }
        self
    }

    /// Whether the calls are idempotent.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// How long a call may take, in place of the client's limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Calls have one of so many keys, in turn, for balancers that look at them.
    #[must_use]
    pub fn keys(mut self, keys: u64) -> Self {
        self.keys = keys;
        self
    }

    /// Makes all calls; what became of them, by their numbers.
    pub(super) async fn run(self, client: &Client, seed: u64, log: &Arc<Log>) -> Vec<CallRecord> {
        let caller = Arc::new(Caller {
            client: client.clone(),
            load: self,
            log: log.clone(),
            next: AtomicU64::new(0),
            records: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        match self.kind {
            Kind::Callers { callers, pause } => {
                for _ in 0..callers {
                    let caller = caller.clone();
                    tasks.spawn(async move {
                        while caller.call().await {
                            if !pause.is_zero() {
                                tokio::time::sleep(pause).await;
                            }
                        }
                    });
                }
            }
            Kind::Rate { per_second } => {
                let random = Random::for_use(Some(seed), "arrivals");
                let mut next = Instant::now();
                for _ in 0..self.calls {
                    next += Duration::from_secs_f64(-(1.0 - random.fraction()).ln() / per_second);
                    tokio::time::sleep_until(next).await;
                    let caller = caller.clone();
                    tasks.spawn(async move {
                        caller.call().await;
                    });
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        let mut records = std::mem::take(&mut *caller.records.lock());
        records.sort_by_key(|record| record.number);
        records
    }
}

struct Caller {
    client: Client,
    load: Load,
    log: Arc<Log>,
    next: AtomicU64,
    records: Mutex<Vec<CallRecord>>,
}

impl Caller {
    /// One call; false when all have been made.
    async fn call(&self) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.load.calls {
            return false;
        }
        let began = Instant::now();
        let body = Bytes::copy_from_slice(&number.to_be_bytes());
        let mut request = self.client.raw(SERVICE, "Call", SerializeType::RAW, body);
        if self.load.idempotent {
            request = request.idempotent(true);
        }
        if let Some(timeout) = self.load.timeout {
            request = request.timeout(timeout);
        }
        if self.load.keys > 0 {
            request = request.key((number % self.load.keys).to_be_bytes());
        }
        let result = request.response().await;
        let took = began.elapsed();
        let at = began.duration_since(self.log.began());
        let (address, error) = match &result {
            Ok(response) => (response.address.clone(), None),
            Err(error) => (error.shared_address(), Some(error.kind())),
        };
        match &result {
            Ok(_) => {
                let address = address.as_deref().unwrap_or("nobody");
                self.log.line(&format!("call {number} {address} {took:?}"));
            }
            Err(error) => self.log.line(&format!("call {number} failed after {took:?}: {}", error.line())),
        }
        self.records.lock().push(CallRecord { number, at, took, error });
        true
    }
}
