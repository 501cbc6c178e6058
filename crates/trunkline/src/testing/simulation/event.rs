//! What happens in the course of a run.

use super::instance::Behaviour;
use super::{SERVICE, Stage};

/// Something that happens in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An instance does something else from now on.
    Behaves {
        /// The instance's name.
        instance: String,
        /// What it does.
        behaviour: Behaviour,
    },
    /// An instance starts and registers.
    Joins {
        /// The instance's name.
        instance: String,
        /// What it does.
        behaviour: Behaviour,
    },
    /// An instance deregisters, serves on for a second, and stops in order.
    Leaves {
        /// The instance's name.
        instance: String,
    },
    /// Something happens to the registry.
    Registry(RegistryEvent),
}

/// Something that happens to the registry in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RegistryEvent {
    /// It stops: the client's list becomes stale.
    Stops,
    /// It is there again.
    Starts,
    /// It loses all that is registered.
    Wiped,
    /// It forgets an instance, which does not know of it.
    Forgets(String),
    /// It lists an instance again.
    Lists(String),
    /// The next events get lost on their way to the client.
    LosesEvents(usize),
    /// From now on, or no longer, each event comes twice.
    DoublesEvents(bool),
    /// From now on, or no longer, events that happen together come in the opposite order.
    ReversesEvents(bool),
}

impl Event {
    /// An instance does something else from now on.
    pub fn behave(instance: &str, behaviour: Behaviour) -> Self {
        Self::Behaves { instance: instance.to_owned(), behaviour }
    }

    /// An instance starts and registers.
    pub fn join(instance: &str, behaviour: Behaviour) -> Self {
        Self::Joins { instance: instance.to_owned(), behaviour }
    }

    /// An instance deregisters and stops in order.
    pub fn leave(instance: &str) -> Self {
        Self::Leaves { instance: instance.to_owned() }
    }
}

impl From<RegistryEvent> for Event {
    fn from(event: RegistryEvent) -> Self {
        Self::Registry(event)
    }
}

impl Stage {
    pub(super) fn register(&self, name: &str) {
        self.registry.put(SERVICE, &format!("memory@{name}"), "");
    }

    fn deregister(&self, name: &str) {
        self.registry.remove(SERVICE, &format!("memory@{name}"));
    }

    pub(super) async fn happens(&self, event: Event) {
        self.log.line(&format!("{event:?}"));
        match event {
            Event::Behaves { instance, behaviour } => self.instances.behave(&instance, behaviour),
            Event::Joins { instance, behaviour } => match self.instances.start(&instance, behaviour).await {
                Ok(()) => self.register(&instance),
                Err(error) => self.log.line(&format!("{instance} cannot join: {}", error.line())),
            },
            Event::Leaves { instance } => {
                self.deregister(&instance);
                self.instances.stop(&instance);
            }
            Event::Registry(event) => self.to_registry(event),
        }
    }

    fn to_registry(&self, event: RegistryEvent) {
        let registry = &self.registry;
        match event {
            RegistryEvent::Stops => registry.stop(),
            RegistryEvent::Starts => registry.start(),
            RegistryEvent::Wiped => registry.wipe(),
            RegistryEvent::Forgets(name) => self.deregister(&name),
            RegistryEvent::Lists(name) => self.register(&name),
            RegistryEvent::LosesEvents(count) => registry.lose_events(count),
            RegistryEvent::DoublesEvents(on) => registry.double_events(on),
            RegistryEvent::ReversesEvents(on) => registry.reverse_events(on),
        }
    }
}
