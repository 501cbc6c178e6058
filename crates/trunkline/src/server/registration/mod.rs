//! Putting a server's services into registries, for as long as it serves.
//!
//! What is registered where is decided when the server is bound ([`Plan`]), kept in step with the
//! router while it serves and withdrawn when it stops ([`Enrolment`]). Keeping an entry in its
//! registry, whatever happens there, is the registry's own business.

mod advertise;
mod build;
mod enrolment;
mod local;
mod status;

use std::collections::HashMap;

use advertise::{Advertise, Bound};
pub(super) use enrolment::{Enrolled, Enrolment, Withdrawn};
use local::{Block, Machine};
pub use status::{LeftBehind, ReadyWhen, RegistrationStatus};

use crate::error::{Error, ErrorKind};
use crate::registry::{Attributes, Registrar, Registry};
use crate::transport::Address;

/// What a builder was told about registering.
#[derive(Default)]
pub(super) struct Plan {
    registries: Vec<Registry>,
    advertise: Vec<Advertise>,
    from: Vec<Block>,
    attributes: Attributes,
    of_services: HashMap<String, Attributes>,
    ready_when: ReadyWhen,
}

impl Plan {
    /// What will be registered of these services for listeners that are bound now: each with the
    /// name of its network, and where it listens.
    pub(super) fn enrol(self, bound: &[(String, String)], services: &[String]) -> Result<Enrolment, Error> {
        let registrars = self.registries.iter().map(Registry::registrar).collect::<Result<Vec<_>, _>>()?;
        let addresses = if registrars.is_empty() { Vec::new() } else { self.addresses(bound, &Machine)? };
        for service in services {
            for registrar in &registrars {
                addresses.iter().try_for_each(|address| registrar.check(service, address))?;
            }
        }
        let of_services = self
            .of_services
            .into_iter()
            .map(|(service, own)| (service, overridden(&self.attributes, &own)))
            .collect();
        Ok(Enrolment::new(registrars, addresses, self.attributes, of_services, self.ready_when, services))
    }

    fn addresses(
        &self,
        bound: &[(String, String)],
        machine: &dyn local::Local,
    ) -> Result<Vec<Address>, Error> {
        let bound = bound
            .iter()
            .map(|(network, target)| Bound::new(network, target, &self.from, &self.advertise, machine))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(only_loopback) = bound.iter().find(|bound| bound.is_last_resort) {
            tracing::warn!(
                address = only_loopback.target(),
                "this machine has no address but loopback: only its own programs can dial what is registered"
            );
        }
        advertise::addresses(&bound, &self.advertise)
    }
}

/// The attributes of all services with those of one in their place, key by key.
fn overridden(all: &Attributes, own: &Attributes) -> Attributes {
    let mut attributes = all.clone();
    let mut replaced = Vec::new();
    for (key, value) in own.iter() {
        if replaced.contains(&key) {
            attributes.add(key, value);
        } else {
            attributes.set(key, value);
            replaced.push(key);
        }
    }
    attributes
}

/// An error about what the builder was told.
fn refused(text: String) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

/// Whether a server cannot be without this registry.
fn is_required(registrar: &Registrar) -> bool {
    registrar.start() == crate::registry::Start::Require
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_one_service_take_the_place_of_all_services_key_by_key() {
        for (all, own, expected) in [
            ("weight=3&group=a&group=b", "", "weight=3&group=a&group=b"),
            ("weight=3&group=a&group=b", "weight=7", "group=a&group=b&weight=7"),
            ("weight=3&group=a&group=b", "group=c&group=d", "group=c&group=d&weight=3"),
            ("", "zone=x y", "zone=x+y"),
        ] {
            let merged = overridden(&Attributes::parse(all), &Attributes::parse(own));
            assert_eq!(merged.text(), expected, "{all} {own}");
        }
    }
}
