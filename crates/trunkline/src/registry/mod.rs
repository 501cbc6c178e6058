//! Where services are: instances, whole lists of them, and who keeps the lists.

mod advertise;
mod attributes;
mod catalog;
#[cfg(feature = "dns")]
mod dns;
#[cfg(feature = "etcd")]
mod etcd;
mod instance;
mod last_good;
mod list;
mod memory;
mod name;
mod open;
mod registrar;
mod schemes;
mod secret;
mod session;
mod settings;
mod snapshot;
mod source;
mod supervise;
mod url;

pub use attributes::Attributes;
pub use catalog::{Catalog, Entry};
pub use instance::Instance;
pub use list::List;
pub use memory::{Faults, MemoryRegistry};
pub use open::{Registry, registrar, resolver};
pub use registrar::{Registrar, Registration, Status, StatusWatch};
pub use secret::Secret;
pub use session::{Expect, Held, Session, Sessions, Swap, Version};
pub use settings::{Settings, Start};
pub use snapshot::{Snapshot, Trust, Watch};
pub use source::{Listing, Report, Source};
pub use url::RegistryUrl;

/// Finds the instances of services.
///
/// A client watches each service that it calls. What a resolver hands out is the last list that
/// deserved belief: an error of a registry is no reason to forget where the servers are.
pub trait Resolver: Send + Sync + 'static {
    /// The list of a service from now on. A resolver keeps one watch for each service, however
    /// many ask for it.
    fn watch(&self, service: &str) -> Watch;

    /// What it is, for errors and status pages; never a password.
    fn describe(&self) -> String;
}
