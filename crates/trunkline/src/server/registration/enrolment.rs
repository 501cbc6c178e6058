//! What one server registers: kept in step with its router, and withdrawn when it stops.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{LeftBehind, ReadyWhen, RegistrationStatus, is_required};
use crate::config::ServerConfig;
use crate::error::Error;
use crate::registry::{Attributes, Instance, Registrar, Registration, Status};
use crate::server::router::Router;
use crate::transport::Address;

/// What one server registers.
pub(crate) struct Enrolment {
    registrars: Vec<Registrar>,
    addresses: Vec<Address>,
    attributes: Attributes,
    of_services: HashMap<String, Attributes>,
    ready_when: ReadyWhen,
    table: Mutex<Table>,
    /// Told when services come or go.
    woken: Notify,
    phase: AtomicU8,
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<Key, Row>,
    /// Services that are withdrawn while they are still served.
    retired: HashSet<String>,
    /// Services that were there when the server was bound, and still are.
    initial: BTreeSet<Arc<str>>,
}

/// Service, and the places of address and registrar.
type Key = (Arc<str>, usize, usize);

/// One service at one address in one registry.
struct Row {
    instance: Instance,
    held: Result<Arc<Registration>, Arc<str>>,
    is_closing: bool,
}

/// What a withdrawal came to.
pub(crate) struct Withdrawn {
    /// Somebody may know of the server from a registry.
    pub(crate) was_known: bool,
    pub(crate) left_behind: Vec<LeftBehind>,
}

/// Withdraws everything when the server goes, in whatever way it does.
pub(crate) struct Enrolled(pub(in crate::server) Arc<Enrolment>);

/// The phases of a server.
const BOUND: u8 = 0;
const SERVING: u8 = 1;
const STOPPING: u8 = 2;

/// When what a registrar refused is tried again: the same may be registered by a server that has
/// not stopped yet.
const AGAIN: Duration = Duration::from_secs(1);

impl Enrolment {
    pub(super) fn new(
        registrars: Vec<Registrar>,
        addresses: Vec<Address>,
        attributes: Attributes,
        of_services: HashMap<String, Attributes>,
        ready_when: ReadyWhen,
        services: &[String],
    ) -> Self {
        let initial = services.iter().map(|service| service.as_str().into()).collect();
        Self {
            registrars,
            addresses,
            attributes,
            of_services,
            ready_when,
            table: Mutex::new(Table { initial, ..Table::default() }),
            woken: Notify::new(),
            phase: AtomicU8::new(BOUND),
        }
    }

    /// Whether there is anything to do.
    pub(crate) fn is_used(&self) -> bool {
        !self.registrars.is_empty()
    }

    /// Whether the server has to be in a registry before it may start.
    pub(crate) fn is_required(&self) -> bool {
        self.registrars.iter().any(is_required)
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Registers the services where the server has to be registered, and waits until they are.
    pub(crate) async fn require(&self, services: &[String]) -> Result<(), Error> {
        self.match_to(services, is_required);
        for registration in self.registrations_of(|_| true) {
            registration.ready().await?;
        }
        match self.table.lock().rows.values().find_map(|row| row.held.as_ref().err()) {
            Some(why) => Err(super::refused(why.to_string())),
            None => Ok(()),
        }
    }

    /// Keeps what is registered in step with the router, for as long as it is polled.
    pub(crate) async fn keep(self: Arc<Self>, router: Arc<Router>) {
        let mut closing = JoinSet::new();
        loop {
            let (leaving, is_refused) = self.match_to(&router.paths(), |_| true);
            for (key, registration) in leaving {
                closing.spawn(async move {
                    // What is left behind was logged, and vanishes by itself.
                    let _ = registration.close().await;
                    key
                });
            }
            tokio::select! {
                biased;
                () = self.woken.notified() => {}
                Some(closed) = closing.join_next() => {
                    if let Ok(key) = closed {
                        self.table.lock().rows.remove(&key);
                    }
                }
                () = sleep(AGAIN), if is_refused => {}
            }
        }
    }

    /// Registers what is missing; tells what has to be closed, and whether something was refused.
    fn match_to(
        &self,
        services: &[String],
        with: impl Fn(&Registrar) -> bool,
    ) -> (Vec<(Key, Arc<Registration>)>, bool) {
        let table = &mut *self.table.lock();
        let mut is_refused = false;
        for service in services.iter().filter(|service| !table.retired.contains(*service)) {
            let name: Arc<str> = service.as_str().into();
            for (place, address) in self.addresses.iter().enumerate() {
                for (at, registrar) in self.registrars.iter().enumerate().filter(|(_, r)| with(r)) {
                    let key = (name.clone(), place, at);
                    if table.rows.get(&key).is_some_and(|row| row.held.is_ok()) {
                        continue;
                    }
                    let attributes = self.of_services.get(service).unwrap_or(&self.attributes).clone();
                    let instance = Instance::new(address.clone(), attributes);
                    let held = match registrar.register(service, instance.clone()) {
                        Ok(registration) => Ok(Arc::new(registration)),
                        Err(error) => {
                            is_refused = true;
                            let why: Arc<str> = error.to_string().into();
                            if table.rows.get(&key).is_none_or(|row| row.held.as_ref().err() != Some(&why)) {
                                tracing::warn!(
                                    registry = registrar.describe(),
                                    service,
                                    "cannot be registered: {why}"
                                );
                            }
                            Err(why)
                        }
                    };
                    table.rows.insert(key, Row { instance, held, is_closing: false });
                }
            }
        }
        let is_wanted =
            |service: &str| services.iter().any(|s| s == service) && !table.retired.contains(service);
        table.rows.retain(|key, row| row.held.is_ok() || is_wanted(&key.0));
        let leaving = table.rows.iter_mut().filter(|(key, row)| !row.is_closing && !is_wanted(&key.0));
        let leaving = leaving.filter_map(|(key, row)| {
            row.is_closing = true;
            Some((key.clone(), row.held.clone().ok()?))
        });
        (leaving.collect(), is_refused)
    }

    /// What is set, as a file would say it.
    pub(crate) fn describe(&self, config: &mut ServerConfig) {
        if !self.is_used() {
            return;
        }
        config.register = Some(self.registrars.iter().map(Registrar::describe).collect());
        config.advertise = Some(self.addresses.iter().map(Address::as_str).collect());
        config.attributes = Some(self.attributes.text().to_owned());
        let of_services = self.of_services.iter();
        config.service_attributes =
            Some(of_services.map(|(service, own)| (service.clone(), own.text().to_owned())).collect());
        config.ready_when = Some(self.ready_when.name().to_owned());
    }

    /// Something was added to the router or removed from it.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) fn serving(&self) {
        self.phase.store(SERVING, Ordering::SeqCst);
    }

    pub(crate) fn stopping(&self) {
        self.phase.store(STOPPING, Ordering::SeqCst);
    }

    /// Withdraws one service, which stays so until it is [removed](Self::forget).
    pub(crate) async fn retire(&self, service: &str) -> Withdrawn {
        {
            let mut table = self.table.lock();
            table.retired.insert(service.to_owned());
            table.initial.remove(service);
        }
        self.close(|key| *key.0 == *service).await
    }

    /// A service was removed: it may come back.
    pub(crate) fn forget(&self, service: &str) {
        {
            let mut table = self.table.lock();
            table.retired.remove(service);
            table.initial.remove(service);
        }
        self.wake();
    }

    /// Withdraws everything. It is over within the time that a registry has for it.
    pub(crate) async fn withdraw(&self) -> Withdrawn {
        self.close(|_| true).await
    }

    async fn close(&self, which: impl Fn(&Key) -> bool) -> Withdrawn {
        let mut closing = JoinSet::new();
        let mut withdrawn = Withdrawn { was_known: false, left_behind: Vec::new() };
        for registration in self.registrations_of(which) {
            withdrawn.was_known |= is_known(&registration.status());
            closing.spawn(async move { registration.close().await.map_err(|e| (registration, e)) });
        }
        while let Some(closed) = closing.join_next().await {
            if let Ok(Err((registration, error))) = closed {
                withdrawn.was_known = true;
                withdrawn.left_behind.push(LeftBehind {
                    service: registration.service().into(),
                    instance: registration.instance().clone(),
                    registry: registration.registry().into(),
                    why: error.to_string().into(),
                });
            }
        }
        withdrawn.left_behind.sort_by(|a, b| (&a.service, &a.registry).cmp(&(&b.service, &b.registry)));
        withdrawn
    }

    fn registrations_of(&self, which: impl Fn(&Key) -> bool) -> Vec<Arc<Registration>> {
        let table = self.table.lock();
        let chosen = table.rows.iter().filter(|(key, _)| which(key));
        chosen.filter_map(|(_, row)| row.held.clone().ok()).collect()
    }

    /// How it stands with everything, sorted by service.
    pub(crate) fn statuses(&self) -> Vec<RegistrationStatus> {
        let table = self.table.lock();
        let status = |((service, _, at), row): (&Key, &Row)| RegistrationStatus {
            service: service.clone(),
            instance: row.instance.clone(),
            registry: self.registrars[*at].describe().into(),
            status: row.status(),
        };
        table.rows.iter().map(status).collect()
    }

    /// Why the server is not ready; nothing where it is.
    pub(crate) fn why_not_ready(&self) -> Vec<String> {
        match self.phase.load(Ordering::SeqCst) {
            BOUND => return vec!["the server does not serve yet".to_owned()],
            STOPPING => return vec!["the server stops".to_owned()],
            _ => {}
        }
        let table = self.table.lock();
        let mut reasons = Vec::new();
        for service in &table.initial {
            let places =
                (0..self.addresses.len()).flat_map(|a| (0..self.registrars.len()).map(move |r| (a, r)));
            let rows =
                places.map(|(address, at)| (address, at, table.rows.get(&(service.clone(), address, at))));
            let is_missing = |row: &Option<&Row>| !row.is_some_and(|row| is_known(&row.status()));
            let (missing, there): (Vec<_>, Vec<_>) = rows.partition(|(_, _, row)| is_missing(row));
            let is_enough = match self.ready_when {
                ReadyWhen::Everywhere => missing.is_empty(),
                ReadyWhen::Anywhere => !there.is_empty() || missing.is_empty(),
                ReadyWhen::Serving => true,
            };
            if !is_enough {
                reasons.extend(missing.into_iter().map(|(address, at, row)| {
                    let why = match row.map(Row::status) {
                        Some(Status::Registering { why: Some(why) }) => format!(": {why}"),
                        _ => String::new(),
                    };
                    let (address, registry) = (&self.addresses[address], self.registrars[at].describe());
                    format!("`{service}` at {address} is not in `{registry}` yet{why}")
                }));
            }
        }
        reasons
    }
}

impl Row {
    fn status(&self) -> Status {
        match &self.held {
            Ok(registration) => registration.status(),
            Err(why) => Status::Registering { why: Some(why.clone()) },
        }
    }
}

/// Whether clients may have it on their lists.
fn is_known(status: &Status) -> bool {
    matches!(status, Status::Registered { .. } | Status::Lost { .. })
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.0.stopping();
        // Handles of the server may live on; dropping a registration withdraws it.
        let rows = std::mem::take(&mut self.0.table.lock().rows);
        drop(rows);
    }
}
