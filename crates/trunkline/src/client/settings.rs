//! What a client does by default, and what bounds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use trunkline_wire::{CompressType, Compressors, Limits};

use super::fail::{FailMode, Retries, RetryBudget};
use super::health::{Breaker, Ejection};
use crate::balance::{Balancer, P2c};
use crate::budget::ByteBudget;
use crate::chance::Random;
use crate::config::MethodConfig;
use crate::error::Error;
use crate::registry::Instance;

pub(crate) type Filter = dyn Fn(&Instance) -> bool + Send + Sync;
pub(crate) type MapError = dyn Fn(Error) -> Error + Send + Sync;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) unwritten: usize,
    pub(crate) limits: Limits,
    pub(crate) compress: CompressType,
    pub(crate) compressors: Compressors,
    pub(crate) backoff: (Duration, Duration),
    pub(crate) budget: ByteBudget,
    pub(crate) map_error: Option<Arc<MapError>>,
    pub(crate) balancer: Arc<dyn Balancer>,
    pub(crate) group: Option<String>,
    pub(crate) filters: Vec<Arc<Filter>>,
    pub(crate) fail_mode: FailMode,
    pub(crate) retries: Retries,
    pub(crate) retry_budget: RetryBudget,
    pub(crate) breaker: Breaker,
    pub(crate) ejection: Option<Ejection>,
    /// What holds for single methods, by service and method.
    pub(crate) methods: HashMap<String, HashMap<String, MethodConfig>>,
    /// What all chance follows from, in runs that are to be repeated.
    pub(crate) seed: Option<u64>,
}

impl Settings {
    /// Whether an idempotent call is made like any other: one attempt for as long as there is
    /// time, and no second copy.
    #[inline]
    pub(crate) fn idempotent_is_plain(&self) -> bool {
        self.fail_mode != FailMode::Failbackup && self.retries.attempt_timeout.is_none()
    }

    /// Chance for one use.
    pub(crate) fn random(&self, what: &str) -> Random {
        Random::for_use(self.seed, what)
    }

    /// What holds for the calls of this method, where something does.
    #[inline]
    pub(crate) fn method(&self, service: &str, method: &str) -> Option<&MethodConfig> {
        // Most clients have none: then no name is hashed.
        if self.methods.is_empty() {
            return None;
        }
        self.methods.get(service)?.get(method)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            heartbeat: Some(Duration::from_secs(10)),
            heartbeat_timeout: Duration::from_secs(3),
            connections: 1,
            in_flight: 4_096,
            unwritten: 16 << 20,
            limits: Limits::default(),
            compress: CompressType::NONE,
            compressors: Compressors::default(),
            backoff: (Duration::from_millis(50), Duration::from_secs(5)),
            budget: ByteBudget::default(),
            map_error: None,
            balancer: Arc::new(P2c),
            group: None,
            filters: Vec::new(),
            fail_mode: FailMode::default(),
            retries: Retries::default(),
            retry_budget: RetryBudget::default(),
            breaker: Breaker::default(),
            ejection: Some(Ejection::default()),
            methods: HashMap::new(),
            seed: None,
        }
    }
}
