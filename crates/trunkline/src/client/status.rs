//! How a client does now, as plain data.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::explanation::{exclusion, list_state};
use super::handle::Client;
use super::health::BreakerState;
use super::pool::Pool;
use crate::balance::Candidate;
use crate::config::ClientConfig;
use crate::explain::{Exclusion, ListState};
use crate::registry::Instance;

/// How a client does now: for status pages and whoever else wants to know. Nothing in it is
/// secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientStatus {
    /// Where its lists of instances come from, without a password.
    pub source: Arc<str>,
    /// How instances are chosen.
    pub balancer: &'static str,
    /// Whether it takes no calls any more.
    pub is_closed: bool,
    /// The services that were called or watched so far, sorted by name.
    pub services: Vec<CalledService>,
    /// How often a breaker has opened.
    pub breakers_opened: u64,
    /// How often a breaker has closed again.
    pub breakers_closed: u64,
    /// Bytes held for far ends; others may share the budget.
    pub held_bytes: usize,
    /// What is set, as a file would say it.
    pub config: ClientConfig,
}

/// A service that a client calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CalledService {
    /// Its path; `*` where one list is that of all services.
    pub service: Arc<str>,
    /// How far the list of instances can be believed.
    pub list: ListState,
    /// The instances, sorted by address.
    pub instances: Vec<InstanceStatus>,
    /// Attempts that were made after another one of their call had been to an instance.
    pub retries: u64,
}

/// An instance as a client sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InstanceStatus {
    /// The instance, as its registry has it.
    pub instance: Instance,
    /// Its share of the calls.
    pub weight: u64,
    /// Why it gets no calls now; none where it does.
    pub excluded: Option<Exclusion>,
    /// Connections to it that are up.
    pub connections: usize,
    /// Calls of this client under way there, of whatever service.
    pub in_flight: u32,
    /// How long calls take there, where that is known.
    pub latency: Option<Duration>,
    /// Calls that were answered well.
    pub succeeded: u64,
    /// Calls that were not.
    pub failed: u64,
    /// Its breaker.
    pub breaker: BreakerState,
}

impl Client {
    /// How the client does now. None of a client that was made for tests without a network.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
    /// let client = trunkline::Client::connect("tcp@127.0.0.1:1?weight=3,tcp@127.0.0.1:2").await?;
    /// let status = client.status().expect("it calls over a network");
    /// assert_eq!(&*status.services[0].service, "*");
    /// assert_eq!(status.services[0].instances[0].weight, 3);
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> Option<ClientStatus> {
        let fleet = self.0.fleet()?;
        let now = Instant::now();
        let mut services: Vec<_> =
            fleet.pools().into_iter().map(|(service, pool)| called(service, &pool, now)).collect();
        services.sort_by(|a, b| a.service.cmp(&b.service));
        let (breakers_opened, breakers_closed) = fleet.grounds().changes.counts();
        Some(ClientStatus {
            source: fleet.source().clone(),
            balancer: self.0.settings.balancer.name(),
            is_closed: fleet.is_closed(),
            services,
            breakers_opened,
            breakers_closed,
            held_bytes: self.0.settings.budget.used(),
            config: self.0.settings.to_config(),
        })
    }

    /// Watches a service from now on, though it was not called yet: what [`status`](Self::status)
    /// tells includes it.
    pub fn watch(&self, service: &str) {
        if let Some(fleet) = self.0.fleet() {
            // A client that is closed, or watches too much already, has nothing to tell of it.
            let _ = fleet.pool(service);
        }
    }
}

impl CalledService {
    /// Whether an instance would take a call now.
    pub fn is_available(&self) -> bool {
        self.instances.iter().any(|instance| instance.excluded.is_none())
    }
}

fn called(service: Arc<str>, pool: &Pool, now: Instant) -> CalledService {
    let table = pool.table();
    let open = table.candidates().iter().zip(table.endpoints());
    let shut = table.excluded().iter().map(|(instance, why)| InstanceStatus {
        instance: instance.clone(),
        weight: 0,
        excluded: Some(why.clone()),
        connections: 0,
        in_flight: 0,
        latency: None,
        succeeded: 0,
        failed: 0,
        breaker: BreakerState::Closed,
    });
    let mut instances: Vec<_> =
        open.map(|(candidate, endpoint)| state(candidate, endpoint, now)).chain(shut).collect();
    instances.sort_by(|a, b| a.instance.address().as_str().cmp(b.instance.address().as_str()));
    CalledService { service, list: list_state(table.trust(), now), instances, retries: pool.retries() }
}

fn state(candidate: &Candidate, endpoint: &Endpoint, now: Instant) -> InstanceStatus {
    let health = endpoint.health();
    let (succeeded, failed) = health.counts();
    InstanceStatus {
        instance: candidate.instance.clone(),
        weight: candidate.weight,
        excluded: exclusion(health),
        connections: endpoint.connections(),
        in_flight: candidate.stats.in_flight(),
        latency: candidate.stats.latency(now),
        succeeded,
        failed,
        breaker: health.breaker_state(),
    }
}
