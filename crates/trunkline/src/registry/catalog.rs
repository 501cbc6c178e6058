//! Looking into a registry and changing what stands there: for consoles, command lines and tests.

use super::{Attributes, Instance, Swap, Version};
use crate::error::Error;
use crate::transport::{Address, BoxFuture};
use std::sync::Arc;

/// A back end that can be looked into and edited.
pub trait Catalog: Send + Sync + 'static {
    /// The services that the registry knows, sorted. One whose servers are all gone may be among
    /// them.
    fn services(&self) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// The instances of a service as the registry holds them now, inactive ones too, sorted by
    /// address. What cannot be read is left out.
    fn instances<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>>;

    /// Replaces the attributes of an instance, if it is still of this version. Whose it is and how
    /// long it lives stay as they are.
    fn edit<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        attributes: &'a Attributes,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>>;

    /// Removes an entry, if it is still of this version: one that a dead server left behind. A
    /// server that lives puts its own back.
    fn remove<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>>;
}

/// An instance as a registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The instance.
    pub instance: Instance,
    /// Under whose session it lives, where the registry tells.
    pub owner: Option<Arc<str>>,
    /// Which of its states this is.
    pub version: Version,
}
