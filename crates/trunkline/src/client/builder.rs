//! Building a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trunkline_wire::{CompressType, Compressor, Limits};

use super::fail::{FailMode, Retries, RetryBudget};
use super::fleet::List;
use super::handle::Client;
use super::health::{Breaker, Ejection};
use super::settings::Settings;
use crate::balance::Balancer;
use crate::budget::ByteBudget;
use crate::config::MethodConfig;
use crate::error::{Error, ErrorKind};
use crate::middleware::{Chain, Middleware};
use crate::registry::{self, Instance, Registry, Resolver};
use crate::transport::{Address, Transport, Transports};

/// Builds a [`Client`].
#[must_use = "a builder does nothing until `connect`"]
#[derive(Default)]
pub struct ClientBuilder {
    pub(super) settings: Settings,
    pub(super) chain: Chain,
    pub(super) attempts: Chain,
    pub(super) transports: Transports,
    pub(super) wrong: Option<Error>,
}

impl ClientBuilder {
    /// How long a call may take when it does not say: 10 s. There is always a limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// What holds for the calls of one method, unless they say otherwise.
    pub fn method(mut self, service: &str, method: &str, config: MethodConfig) -> Self {
        let methods = self.settings.methods.entry(service.to_owned()).or_default();
        methods.insert(method.to_owned(), config);
        self
    }

    /// How long a connection may take to come up: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How often to ask a silent server whether it is there: 10 s; `None` never asks.
    pub fn heartbeat(mut self, interval: Option<Duration>) -> Self {
        self.settings.heartbeat = interval;
        self
    }

    /// How long a heartbeat waits for its echo before the connection is given up: 3 s.
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.settings.heartbeat_timeout = timeout;
        self
    }

    /// How many connections to hold to the server: 1. Calls take them in turn.
    pub fn connections(mut self, connections: usize) -> Self {
        self.settings.connections = connections;
        self
    }

    /// How many calls one connection carries at a time: 4,096. Further ones wait for a place.
    pub fn in_flight(mut self, limit: usize) -> Self {
        self.settings.in_flight = limit.max(1);
        self
    }

    /// Sets the limits for what the server sends.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Compresses arguments above 1,024 bytes. Servers compress their replies to such calls.
    pub fn compress(mut self, kind: CompressType) -> Self {
        self.settings.compress = kind;
        self
    }

    /// Adds a compressor for this client; types 1 to 7.
    pub fn compressor(mut self, kind: CompressType, compressor: impl Compressor) -> Self {
        match self.settings.compressors.clone().with(kind, compressor) {
            Ok(compressors) => self.settings.compressors = compressors,
            Err(error) => {
                self.wrong = Some(Error::new(ErrorKind::Invalid, error.to_string()).with_source(error));
            }
        }
        self
    }

    /// The pauses between failed dials: the first, doubled each time up to the last; 50 ms to 5 s.
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.settings.backoff = (first, most.max(first));
        self
    }

    /// Counts held bytes in this budget, which other clients and servers may share.
    ///
    /// A client only counts: it waits for nobody to give bytes back, for nothing would make them.
    /// What bounds it are its own limits: each connection holds one unfinished frame at most, which
    /// [`limits`](Self::limits) bound, and 16 MiB of requests that the server does not take, beyond
    /// which calls are refused. Replies that have come are their callers', one for each call.
    pub fn budget(mut self, budget: &ByteBudget) -> Self {
        self.settings.budget = budget.clone();
        self
    }

    /// Looks at every error before the caller does, to translate a fleet's texts into kinds, say.
    pub fn map_error(mut self, map: impl Fn(Error) -> Error + Send + Sync + 'static) -> Self {
        self.settings.map_error = Some(Arc::new(map));
        self
    }

    /// Puts a middleware around every call. The first one added is the outermost.
    pub fn layer(mut self, middleware: impl Middleware) -> Self {
        self.chain.add(middleware);
        self
    }

    /// Puts a middleware around every attempt of a call, inside all layers.
    pub fn attempt_layer(mut self, middleware: impl Middleware) -> Self {
        self.attempts.add(middleware);
        self
    }

    /// Adds a transport, in place of one of the same network.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transports.add(Arc::new(transport));
        self
    }

    /// How the instance for a call is chosen: by default the better of two drawn at random
    /// ([`P2c`](crate::balance::P2c)).
    pub fn balancer(mut self, balancer: impl Balancer) -> Self {
        self.settings.balancer = Arc::new(balancer);
        self
    }

    /// Calls only instances of this group, as Go's option of that name does.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.settings.group = Some(group.into());
        self
    }

    /// Calls only instances that this keeps. Several filters have to agree.
    ///
    /// ```
    /// use trunkline::Client;
    ///
    /// let builder = Client::builder().filter(|instance| instance.attributes().get("zone") == Some("a"));
    /// # let _ = builder;
    /// ```
    pub fn filter(mut self, keep: impl Fn(&Instance) -> bool + Send + Sync + 'static) -> Self {
        self.settings.filters.push(Arc::new(keep));
        self
    }

    /// What to do when an attempt fails: [`FailMode::Failover`] by default.
    pub fn fail_mode(mut self, mode: FailMode) -> Self {
        self.settings.fail_mode = mode;
        self
    }

    /// How often and when to try again: up to 3 times by default.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.settings.retries = retries;
        self
    }

    /// How much load retries may add.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.settings.retry_budget = budget;
        self
    }

    /// Draws all that is left to chance, which instance is picked and how long pauses are, from
    /// this seed: a client that is called in the same order at the same moments does the same
    /// again. For tests and simulations.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// When calls are kept from an instance on which they fail.
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.settings.breaker = breaker;
        self
    }

    /// When an instance is put aside that does much worse than the others; `None` never.
    pub fn ejection(mut self, ejection: Option<Ejection>) -> Self {
        self.settings.ejection = ejection;
        self
    }

    /// Finds the servers and starts to connect; [`Client::ready`] waits for that.
    ///
    /// `servers` is an address, `tcp@127.0.0.1:8972`, a list of them separated by commas, each with
    /// its attributes if it has any, `tcp@a:1?weight=2,tcp@b:1`, or the URL of a registry,
    /// `etcd://127.0.0.1:2379/rpcx_test`.
    ///
    /// # Errors
    /// When an address is none or its network is unknown, or the URL is none. A server or a
    /// registry that is not there is no error here: it may come.
    pub async fn connect(self, servers: &str) -> Result<Client, Error> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if servers.contains("://") {
            let resolver = Registry::open(servers)?.resolver()?;
            return Ok(Client::over(self, resolver, List::ByService));
        }
        let list: registry::List = servers.parse()?;
        let instances = list.instances();
        for instance in instances.iter() {
            self.reaches(instance.address())?;
        }
        let of = match &instances[..] {
            [only] => List::OfOne(only.address().to_string()),
            _ => List::OfAll,
        };
        Ok(Client::over(self, Arc::new(list), of))
    }

    /// Finds the servers by a resolver: a registry opened before, which several clients may share,
    /// or one of your own.
    ///
    /// # Errors
    /// When the builder was given something that cannot be.
    pub async fn connect_to(self, resolver: Arc<dyn Resolver>) -> Result<Client, Error> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(Client::over(self, resolver, List::ByService)),
        }
    }

    fn reaches(&self, address: &Address) -> Result<(), Error> {
        let network = address.network();
        if self.transports.get(network).is_some() {
            return Ok(());
        }
        let known = self.transports.names();
        let text = format!("cannot reach {address}: the network `{network}` is unknown; known are {known}");
        Err(Error::new(ErrorKind::Invalid, text).not_sent())
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("timeout", &self.settings.timeout).finish_non_exhaustive()
    }
}
