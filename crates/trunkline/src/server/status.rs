//! How a server does now, as plain data.

use std::time::Duration;

use super::configure;
use super::registration::RegistrationStatus;
use super::serve::ServerHandle;
use super::service::MethodInfo;
use crate::config::ServerConfig;
use crate::transport::Address;

/// How a server does now: for status pages and whoever else wants to know. Nothing in it is
/// secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The bound addresses.
    pub addresses: Vec<String>,
    /// The addresses that stand in the registries.
    pub advertised: Vec<Address>,
    /// Whether it is on its way to stop.
    pub is_stopping: bool,
    /// Why it is not ready; nothing where it is.
    pub why_not_ready: Vec<String>,
    /// What it serves, sorted by path.
    pub services: Vec<ServedService>,
    /// How it stands in the registries.
    pub registrations: Vec<RegistrationStatus>,
    /// Connections that are open.
    pub connections: usize,
    /// Calls under way that did not end at their first poll.
    pub in_flight: usize,
    /// Requests that wait for a place.
    pub waiting: usize,
    /// Bytes held for far ends beyond each connection's allowance; others may share the budget.
    pub held_bytes: usize,
    /// What is set, as a file would say it. Registries show without passwords and options.
    pub config: ServerConfig,
}

/// A service that is served.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedService {
    /// Its path.
    pub path: String,
    /// Its methods, sorted by name.
    pub methods: Vec<MethodInfo>,
}

/// What a handle knows of how its server was built.
pub(super) struct Facts {
    pub(super) addresses: Vec<String>,
    pub(super) grace: Option<Duration>,
    pub(super) drain: Duration,
}

impl ServerHandle {
    /// How the server does now.
    pub fn status(&self) -> ServerStatus {
        let path_to_service = |path: String| ServedService { methods: self.methods(&path), path };
        ServerStatus {
            addresses: self.facts.addresses.clone(),
            advertised: self.enrolment.addresses().to_vec(),
            is_stopping: self.is_stopping(),
            why_not_ready: self.why_not_ready(),
            services: self.services().into_iter().map(path_to_service).collect(),
            registrations: self.registrations(),
            connections: self.connections(),
            in_flight: self.in_flight(),
            waiting: self.tracker.connections().iter().map(|c| c.queued_calls()).sum(),
            held_bytes: self.held_bytes(),
            config: self.config(),
        }
    }

    fn config(&self) -> ServerConfig {
        let mut config = ServerConfig::default();
        self.enrolment.describe(&mut config);
        config.grace = self.facts.grace;
        config.drain = Some(self.facts.drain);
        config.run_to_completion = Some(self.shared.router.lasting);
        config.budget = Some(self.shared.budget.limit());
        config.limits = Some(configure::to_config(&self.shared.limits));
        config
    }
}
