//! Registering instances, as servers do: what should stand in a registry is said once, and kept
//! there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::supervise::{Ticket, Writer};
use super::{Instance, Registry, Start, advertise, name};
use crate::error::{Error, ErrorKind};
use crate::transport::Address;

/// Puts instances into a registry and keeps them there: through restarts of the registry, lost
/// sessions, and deleted or foreign entries. Cheap to clone; one task makes all writes.
///
/// What operators edit is kept, and outlives all of these. When a process begins, its own
/// attributes replace what an earlier run left, except for `state`, which is an operator's word. A
/// graceful stop removes the entry, and with it the state.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// use trunkline::registry::{MemoryRegistry, Status};
///
/// let registry = MemoryRegistry::new();
/// let registrar = registry.registry().registrar()?;
/// let registration = registrar.register("Arith", "tcp@10.0.0.5:8972?weight=3".parse().expect("it is an address"))?;
/// registration.registered().await?;
/// assert!(matches!(registration.status(), Status::Registered { .. }));
///
/// registration.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Registrar {
    writer: Arc<Writer>,
    registry: Arc<str>,
    loopback: bool,
    start: Start,
}

/// An instance that is kept in a registry until this is closed or dropped.
///
/// Dropping it withdraws the instance, too, as far as that goes without waiting.
pub struct Registration {
    ticket: Ticket,
    start: Start,
    registry: Arc<str>,
    service: Arc<str>,
    instance: Instance,
}

/// How it stands with a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is not in the registry yet.
    Registering {
        /// Why the last attempt failed.
        why: Option<Arc<str>>,
    },
    /// It is in the registry.
    Registered {
        /// Since when.
        since: Instant,
    },
    /// It was in the registry, and may not be there any more; it is being put back.
    Lost {
        /// What happened.
        why: Arc<str>,
        /// When.
        since: Instant,
    },
    /// It was withdrawn.
    Closed,
}

/// The status of a registration, now and whenever it changes.
#[derive(Clone, Debug)]
pub struct StatusWatch(watch::Receiver<Progress>);

/// What the writing task tells of one registration.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) status: Status,
    /// Of a closed one: why its entry could not be deleted.
    pub(super) left_behind: Option<Arc<str>>,
}

/// How long a server that requires its registry waits for it.
const REQUIRED_WITHIN: Duration = Duration::from_secs(5);
/// How long closing takes at most.
pub(super) const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// The task that closes keeps the limit itself; this is for the case that there is none any more.
const CLOSED_AT_LAST: Duration = Duration::from_millis(5500);

impl Registrar {
    /// What writes into a registry.
    pub(super) fn new(registry: &Registry, writer: Arc<Writer>) -> Self {
        Self {
            writer,
            registry: registry.name.clone(),
            loopback: registry.local || registry.settings.loopback,
            start: registry.settings.start,
        }
    }

    /// Puts an instance of a service into the registry and keeps it there. It returns at once and
    /// tries for ever; [`Registration::ready`] and [`Registration::registered`] wait.
    ///
    /// # Errors
    /// When the service's name is empty or has a `/` in it, when nobody else could dial the address,
    /// or when the same is registered here already.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn register(&self, service: &str, instance: Instance) -> Result<Registration, Error> {
        self.check(service, instance.address())?;
        let service: Arc<str> = service.into();
        let ticket = self.writer.add(service.clone(), instance.clone())?;
        Ok(Registration { ticket, start: self.start, registry: self.registry.clone(), service, instance })
    }

    /// Whether a service may be registered at an address at all.
    ///
    /// # Errors
    /// When its name is empty or has a `/` in it, or nobody else could dial the address.
    pub fn check(&self, service: &str, address: &Address) -> Result<(), Error> {
        name::check(service)?;
        advertise::check(address, self.loopback, &self.registry)
    }

    /// The registry's name: its URL without the password.
    pub fn describe(&self) -> &str {
        &self.registry
    }

    /// What a server does whose registry cannot be reached when it starts.
    pub fn start(&self) -> Start {
        self.start
    }
}

impl Registration {
    /// How it stands now.
    pub fn status(&self) -> Status {
        self.ticket.progress().borrow().status.clone()
    }

    /// How it stands, now and from now on.
    pub fn watch(&self) -> StatusWatch {
        StatusWatch(self.ticket.progress().clone())
    }

    /// The service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The instance, as it was given.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The registry's name: its URL without the password.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Waits until the instance is in the registry.
    ///
    /// # Errors
    /// When the registration was closed.
    pub async fn registered(&self) -> Result<(), Error> {
        let mut progress = self.ticket.progress().clone();
        let is_settled = |p: &Progress| matches!(p.status, Status::Registered { .. } | Status::Closed);
        match progress.wait_for(is_settled).await.map(|p| p.status.clone()) {
            Ok(Status::Registered { .. }) => Ok(()),
            _ => Err(self.error(ErrorKind::Cancelled, "was closed before it was in the registry")),
        }
    }

    /// Waits as long as a server that starts should: not at all, or, where the registry is
    /// [required](Start::Require), until the instance is in it.
    ///
    /// # Errors
    /// When the registry is required and the instance is not in it within 5 seconds.
    pub async fn ready(&self) -> Result<(), Error> {
        if self.start == Start::Background {
            return Ok(());
        }
        match tokio::time::timeout(REQUIRED_WITHIN, self.registered()).await {
            Ok(result) => result,
            Err(_) => {
                let why = match self.status() {
                    Status::Registering { why: Some(why) } | Status::Lost { why, .. } => why,
                    _ => "no answer".into(),
                };
                Err(self.error(ErrorKind::Unavailable, &format!("is required and failed: {why}")))
            }
        }
    }

    /// Withdraws the instance: deletes its entry, unless another process has it by now. A second
    /// call says what the first one said.
    ///
    /// # Cancel safety
    /// Once polled, the instance is being withdrawn, whether or not anybody waits.
    ///
    /// # Errors
    /// When the entry could not be deleted within 5 seconds. It vanishes by itself when its time
    /// to live is over.
    pub async fn close(&self) -> Result<(), Error> {
        self.ticket.close();
        let mut progress = self.ticket.progress().clone();
        let closed = progress.wait_for(|p| p.status == Status::Closed);
        let left_behind = match tokio::time::timeout(CLOSED_AT_LAST, closed).await {
            Ok(Ok(progress)) => progress.left_behind.clone(),
            _ => Some("nobody is there to do it".into()),
        };
        match left_behind {
            None => Ok(()),
            Some(why) => Err(self.error(
                ErrorKind::Unavailable,
                &format!("could not be withdrawn and vanishes when its time to live is over: {why}"),
            )),
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        let text = format!(
            "the registration of `{}` at {} in `{}` {what}",
            self.service,
            self.instance.address(),
            self.registry
        );
        Error::new(kind, text)
    }
}

impl StatusWatch {
    /// The status as it is now, which counts as seen.
    pub fn current(&mut self) -> Status {
        self.0.borrow_and_update().status.clone()
    }

    /// Waits for the next status; none when there will be no other.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Option<Status> {
        self.0.changed().await.ok()?;
        Some(self.current())
    }
}

impl Status {
    /// Whether the instance is in the registry.
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Registered { .. })
    }
}

impl fmt::Debug for Registrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrar").field("registry", &self.registry).finish_non_exhaustive()
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("service", &self.service)
            .field("instance", &self.instance)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
