//! One server and the connections to it: dialled in the background from the first call on,
//! dialled again after a loss with growing, jittered pauses.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::Connection;
use super::health::Health;
use super::inbound::Inbound;
use super::settings::Settings;
use crate::balance::{Random, Shut};
use crate::error::{Error, ErrorKind};
use crate::transport::{Address, Transport};

pub(crate) struct Endpoint {
    address: Address,
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
    live: Arc<ArcSwapOption<Connection>>,
    status: watch::Receiver<Status>,
}

#[derive(Clone)]
enum Status {
    Dialling,
    Live(Arc<Connection>),
    /// The last dial failed; the next one waits.
    Down(DialError),
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

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether it was ever wanted.
    pub(crate) fn is_started(&self) -> bool {
        self.lines.get().is_some()
    }

    /// Begins to dial, if that has not begun.
    pub(crate) fn start(&self) {
        self.lines();
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| {
            let mut slots = Vec::new();
            let mut tasks = Vec::new();
            for _ in 0..self.settings.connections.max(1) {
                let (sender, status) = watch::channel(Status::Dialling);
                let live = Arc::new(ArcSwapOption::empty());
                let dialler = Dialler {
                    address: self.address.clone(),
                    transport: self.transport.clone(),
                    settings: self.settings.clone(),
                    inbound: self.inbound.clone(),
                    health: self.health.clone(),
                    random: Random::new(),
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
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        self.slot(self.lines.get()?).live.load_full().filter(|c| c.is_usable())
    }

    /// A connection, waited for until `deadline` while it is being dialled. Fails at once while
    /// the server is known to be down.
    pub(crate) async fn connection(&self, deadline: Option<Instant>) -> Result<Arc<Connection>, Error> {
        let lines = self.lines();
        // Any connection that is up will do: one of several that is down must not fail a call.
        if let Some(live) = lines.slots.iter().find_map(|_| self.live()) {
            return Ok(live);
        }
        let ready = self.ready_slot(self.slot(lines), false);
        match deadline {
            None => ready.await,
            Some(at) => tokio::time::timeout_at(at, ready).await.unwrap_or_else(|_| {
                let text = "no connection within the time of the call";
                Err(Error::new(ErrorKind::Deadline, text).at(self.address.as_str()).not_sent())
            }),
        }
    }

    /// Waits until every connection is up, through any number of failures.
    pub(crate) async fn ready(&self) {
        for slot in &self.lines().slots {
            let _ = self.ready_slot(slot, true).await;
        }
    }

    async fn ready_slot(&self, slot: &Slot, patient: bool) -> Result<Arc<Connection>, Error> {
        let mut status = slot.status.clone();
        loop {
            let now = status.borrow_and_update().clone();
            match now {
                Status::Live(connection) if connection.is_usable() => return Ok(connection),
                Status::Down(why) if !patient => {
                    let text = format!("cannot connect: {why}");
                    let error = Error::new(ErrorKind::Unavailable, text).with_source(why);
                    return Err(error.at(self.address.as_str()).not_sent());
                }
                _ => {}
            }
            if status.changed().await.is_err() {
                return Err(Error::new(ErrorKind::Unavailable, "the client was closed").not_sent());
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
            if let Some(connection) = slot.live.swap(None) {
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

/// The task behind one slot.
struct Dialler {
    address: Address,
    transport: Arc<dyn Transport>,
    settings: Arc<Settings>,
    inbound: Inbound,
    health: Arc<Health>,
    random: Random,
    status: watch::Sender<Status>,
    live: Arc<ArcSwapOption<Connection>>,
}

impl Dialler {
    async fn run(self) {
        let (first, most) = self.settings.backoff;
        let mut pause = first;
        let mut down = false;
        let mut silent = false;
        loop {
            match self.dial(silent).await {
                Ok(connection) => {
                    let since = Instant::now();
                    if std::mem::take(&mut down) {
                        tracing::info!(address = %self.address, "connected again");
                    }
                    self.live.store(Some(connection.clone()));
                    self.up();
                    self.status.send_replace(Status::Live(connection.clone()));
                    connection.unusable().await;
                    self.live.store(None);
                    silent = connection.was_silent();
                    self.health.stats.shut(if connection.is_draining() { Shut::Draining } else { Shut::Lost });
                    self.status.send_replace(Status::Dialling);
                    // A server that takes connections and drops them is not to be hammered.
                    pause = if since.elapsed() > most { first } else { (pause * 2).min(most) };
                    if since.elapsed() < first {
                        tokio::time::sleep(self.jittered(pause)).await;
                    }
                }
                Err(why) => {
                    if !std::mem::replace(&mut down, true) {
                        tracing::warn!(address = %self.address, %why, "cannot connect; trying again");
                    }
                    *self.health.down.lock() = Some(Arc::from(why.to_string()));
                    self.health.stats.shut(Shut::Down);
                    self.status.send_replace(Status::Down(why));
                    tokio::time::sleep(self.jittered(pause)).await;
                    pause = (pause * 2).min(most);
                    // The last error stays visible until this dial ends: a call that comes now
                    // should not wait for a server that has just been seen down.
                }
            }
        }
    }

    fn up(&self) {
        self.health.down.lock().take();
        for why in [Shut::Down, Shut::Lost, Shut::Draining] {
            self.health.stats.open(why);
        }
    }

    /// Connects. A server that fell silent before has to say something first: a stopped process
    /// still accepts connections.
    async fn dial(&self, prove: bool) -> Result<Arc<Connection>, DialError> {
        let limit = self.settings.connect_timeout;
        let begun = Instant::now();
        let stream = match tokio::time::timeout(limit, self.transport.dial(self.address.target())).await {
            Ok(stream) => stream.map_err(|e| DialError(Arc::new(e)))?,
            Err(_) => return Err(DialError::late(format!("no connection within {limit:?}"))),
        };
        self.health.stats.connected_in(begun.elapsed());
        let connection =
            Connection::start(stream, &self.settings, self.inbound.clone(), self.health.clone());
        let wait = self.settings.heartbeat_timeout;
        if prove && !connection.answers_heartbeat(wait).await {
            connection.close("the server answered no heartbeat");
            return Err(DialError::late(format!("connected, but no heartbeat was answered within {wait:?}")));
        }
        Ok(connection)
    }

    /// Between half and the whole of it, so that clients of one lost server do not come back in
    /// step.
    fn jittered(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + 0.5 * self.random.fraction())
    }
}

impl Drop for Dialler {
    /// The task was ended, maybe in the very moment in which its dial succeeded: after whoever
    /// ended it had looked for a connection to close.
    fn drop(&mut self) {
        let Some(connection) = self.live.swap(None) else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => connection.drain(),
            Err(_) => connection.close("the runtime was shut down"),
        }
    }
}

/// Why a dial failed: shared by all the calls that it fails.
#[derive(Clone, Debug)]
struct DialError(Arc<io::Error>);

impl DialError {
    fn late(text: String) -> Self {
        Self(Arc::new(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
