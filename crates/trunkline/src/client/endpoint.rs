//! One server and the connections to it, which are made from the first call on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::dialler::{Dialler, Status, append_lost};
use super::health::Health;
use super::inbound::Inbound;
use super::live::{Handle, Live};
use super::settings::Settings;
use crate::error::{Error, ErrorKind};
use crate::transport::{Address, Transport};

pub(crate) struct Endpoint {
    address: Address,
    name: Arc<str>,
    health: Arc<Health>,
    transport: Arc<dyn Transport>,
    settings: Arc<Settings>,
    inbound: Inbound,
    next: AtomicUsize,
    /// Connections are made from the first call on: of a thousand instances, most are never
    /// called by one client.
    lines: OnceLock<Lines>,
}

/// The connections. The dialling tasks end with them.
struct Lines {
    slots: Vec<Slot>,
    tasks: Vec<JoinHandle<()>>,
}

/// Where one connection stands.
struct Slot {
    /// What `status` says when it says `Live`: read at every call, without a lock.
    live: Arc<Live>,
    status: watch::Receiver<Status>,
}

impl Endpoint {
    pub(crate) fn new(
        address: Address,
        transport: &Arc<dyn Transport>,
        settings: &Arc<Settings>,
        inbound: &Inbound,
        health: Health,
    ) -> Self {
        Self {
            name: address.as_str().into(),
            address,
            health: Arc::new(health),
            transport: transport.clone(),
            settings: settings.clone(),
            inbound: inbound.clone(),
            next: AtomicUsize::new(0),
            lines: OnceLock::new(),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The address, shared.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// A call that was meant for it did not get there.
    #[inline]
    pub(crate) fn was_not_asked(&self) {
        if self.health.stats.has_trial() {
            self.health.return_trial();
        }
    }

    /// Whether it was ever wanted.
    pub(crate) fn is_started(&self) -> bool {
        self.lines.get().is_some()
    }

    /// How many connections are up.
    pub(crate) fn connections(&self) -> usize {
        let is_up = |slot: &&Slot| slot.live.get().is_some_and(|c| c.is_usable());
        self.lines.get().map_or(0, |lines| lines.slots.iter().filter(is_up).count())
    }

    /// Begins to dial, if that has not begun.
    pub(crate) fn start(&self) {
        self.lines();
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| {
            let mut slots = Vec::new();
            let mut tasks = Vec::new();
            for line in 0..self.settings.connections.max(1) {
                let (sender, status) = watch::channel(Status::Dialling(None));
                let live = Arc::new(Live::default());
                let dialler = Dialler {
                    address: self.address.clone(),
                    transport: self.transport.clone(),
                    settings: self.settings.clone(),
                    inbound: self.inbound.clone(),
                    health: self.health.clone(),
                    random: self.settings.random(&format!("dials of {} by line {line}", self.address)),
                    status: sender,
                    live: live.clone(),
                };
                tasks.push(tokio::spawn(dialler.run()));
                slots.push(Slot { live, status });
            }
            Lines { slots, tasks }
        })
    }

    fn slot<'l>(&self, lines: &'l Lines) -> &'l Slot {
        match &lines.slots[..] {
            [only] => only,
            many => &many[self.next.fetch_add(1, Ordering::Relaxed) % many.len()],
        }
    }

    /// A connection that is ready now.
    #[inline]
    pub(crate) fn live(&self) -> Option<Handle> {
        self.slot(self.lines.get()?).live.get().filter(|c| c.is_usable())
    }

    /// A connection, waited for until `deadline` while it is being dialled. Fails at once while
    /// the server is known to be down.
    pub(crate) async fn connection(&self, deadline: Option<Instant>) -> Result<Handle, Error> {
        let lines = self.lines();
        // Any connection that is up will do: one of several that is down must not fail a call.
        if let Some(live) = lines.slots.iter().find_map(|_| self.live()) {
            return Ok(live);
        }
        let slot = self.slot(lines);
        let ready = self.ready_slot(slot, false);
        match deadline {
            None => ready.await,
            Some(at) => tokio::time::timeout_at(at, ready).await.unwrap_or_else(|_| {
                let mut text = "no connection within the time of the call".to_owned();
                if let Status::Dialling(lost) = &*slot.status.borrow() {
                    append_lost(&mut text, lost.as_deref());
                }
                Err(Error::new(ErrorKind::Deadline, text).at(self.name.clone()).not_sent())
            }),
        }
    }

    /// Waits until every connection is up, through any number of failures.
    pub(crate) async fn ready(&self) {
        for slot in &self.lines().slots {
            let _ = self.ready_slot(slot, true).await;
        }
    }

    async fn ready_slot(&self, slot: &Slot, patient: bool) -> Result<Handle, Error> {
        let mut status = slot.status.clone();
        loop {
            let now = status.borrow_and_update().clone();
            match now {
                Status::Live(connection) if connection.is_usable() => return Ok(Handle::new(connection)),
                Status::Down(down) if !patient && status.has_changed().is_ok() => {
                    return Err(down.to_error().at(self.name.clone()));
                }
                _ => {}
            }
            if status.changed().await.is_err() {
                let text = "the client was closed; make another one for further calls";
                return Err(Error::new(ErrorKind::Unavailable, text).at(self.name.clone()).not_sent());
            }
        }
    }
}

impl Endpoint {
    /// Lets calls in flight end and dials no more.
    pub(crate) fn close(&self) {
        let Some(lines) = self.lines.get() else { return };
        for task in &lines.tasks {
            task.abort();
        }
        for slot in &lines.slots {
            if let Some(connection) = slot.live.take() {
                connection.drain();
            }
        }
    }
}

impl Drop for Endpoint {
    /// The client was dropped, or the server is on no list any more.
    fn drop(&mut self) {
        self.close();
    }
}
