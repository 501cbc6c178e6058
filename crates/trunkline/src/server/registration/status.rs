//! How it stands with what a server registers.

use std::sync::Arc;

use crate::registry::{Instance, Status};

/// How it stands with one service at one address in one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationStatus {
    /// The service.
    pub service: Arc<str>,
    /// What is registered: the address, and the attributes that the server gives it. Operators may
    /// have changed them in the registry.
    pub instance: Instance,
    /// The registry, without its password.
    pub registry: Arc<str>,
    /// Whether it is there.
    pub status: Status,
}

/// What a stop could not withdraw: it stands in the registry until its time to live is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftBehind {
    /// The service.
    pub service: Arc<str>,
    /// What was registered.
    pub instance: Instance,
    /// The registry, without its password.
    pub registry: Arc<str>,
    /// What went wrong.
    pub why: Arc<str>,
}

/// When a server that registers counts as [ready](crate::server::ServerHandle::is_ready).
///
/// What once was in a registry counts, even while that registry is down: clients keep their lists
/// then, and a failing registry must not take working servers out of service. Services that are
/// added to a bound server do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum ReadyWhen {
    /// Every service is in every registry.
    #[default]
    Everywhere,
    /// Every service is in one of the registries.
    Anywhere,
    /// The server serves, registered or not.
    Serving,
}

impl ReadyWhen {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Anywhere => "anywhere",
            Self::Serving => "serving",
        }
    }
}
