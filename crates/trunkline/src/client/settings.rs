//! What a client does by default, and what bounds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use trunkline_wire::{CompressType, Compressors, Limits};

use crate::budget::ByteBudget;
use crate::config::MethodConfig;
use crate::error::Error;

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
    /// What holds for single methods, by service and method.
    pub(crate) methods: HashMap<String, HashMap<String, MethodConfig>>,
}

impl Settings {
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
            heartbeat_timeout: Duration::from_secs(5),
            connections: 1,
            in_flight: 4_096,
            unwritten: 16 << 20,
            limits: Limits::default(),
            compress: CompressType::NONE,
            compressors: Compressors::default(),
            backoff: (Duration::from_millis(50), Duration::from_secs(5)),
            budget: ByteBudget::default(),
            map_error: None,
            methods: HashMap::new(),
        }
    }
}
