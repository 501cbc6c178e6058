//! The service of a member: who it is, and what it has begun.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;
use trunkline::{Failure, Result};

use crate::message::{Executions, Fleet, Identity, Nothing, Query, Refusal, Text, Work, Worked};

/// Calls beyond so many ids are refused, not forgotten.
const MOST_REMEMBERED: usize = 1_000_000;

/// The service.
pub(super) struct Service {
    name: String,
    delay: Duration,
    counts: Arc<Counts>,
}

/// What a member has done.
#[derive(Default)]
pub(super) struct Counts {
    answered: AtomicI64,
    executed: Mutex<HashMap<String, i64>>,
}

impl Service {
    pub(super) fn new(name: &str, delay: Duration) -> Self {
        Self { name: name.to_owned(), delay, counts: Arc::default() }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            pid: i64::from(std::process::id()),
            language: "rust".to_owned(),
            rpcx: format!("trunkline {}", env!("CARGO_PKG_VERSION")),
            count: self.counts.answered.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    /// Notes that an id was begun; how often it was.
    fn remember(&self, id: &str) -> Result<i64> {
        let mut executed = self.counts.executed.lock();
        if executed.len() >= MOST_REMEMBERED && !executed.contains_key(id) {
            return Err(Failure::new(format!(
                "fleet: {} remembers {MOST_REMEMBERED} ids already",
                self.name
            )));
        }
        let times = executed.entry(id.to_owned()).or_default();
        *times += 1;
        Ok(*times)
    }
}

impl Fleet for Service {
    async fn who(&self, _: Nothing) -> Result<Identity> {
        sleep(self.delay).await;
        Ok(self.identity())
    }

    async fn keyed(&self, _: String) -> Result<Identity> {
        sleep(self.delay).await;
        Ok(self.identity())
    }

    async fn echo(&self, text: Text) -> Result<Text> {
        sleep(self.delay).await;
        Ok(text)
    }

    async fn work(&self, work: Work) -> Result<Worked> {
        let times = self.remember(&work.id)?;
        sleep(self.delay + Duration::from_millis(work.millis.try_into().unwrap_or_default())).await;
        Ok(Worked { name: self.name.clone(), id: work.id, times })
    }

    async fn refuse(&self, refusal: Refusal) -> Result<Worked> {
        self.remember(&refusal.id)?;
        sleep(self.delay).await;
        Err(Failure::new(refusal.text))
    }

    async fn executed(&self, query: Query) -> Result<Executions> {
        let executed = self.counts.executed.lock();
        let asked = executed.iter().filter(|(id, _)| id.starts_with(&query.prefix));
        Ok(Executions {
            name: self.name.clone(),
            times: asked.map(|(id, times)| (id.clone(), *times)).collect(),
        })
    }
}

impl Counts {
    /// Calls of `Who` and `Keyed` that were answered.
    pub(super) fn answered(&self) -> i64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many ids were begun, and how many of those more than once.
    pub(super) fn executed(&self) -> (usize, usize) {
        let executed = self.executed.lock();
        (executed.len(), executed.values().filter(|times| **times > 1).count())
    }
}
