//! One server and the connections to it: dialled in the background, dialled again after a loss
//! with growing, jittered pauses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fmt, io};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::Connection;
use super::inbound::Inbound;
use super::settings::Settings;
use crate::error::{Error, ErrorKind};
use crate::later::LONGEST;
use crate::transport::{Address, Transport};

pub(crate) struct Endpoint {
    address: Address,
    slots: Vec<Slot>,
    next: AtomicUsize,
    /// The dialling tasks end with the endpoint.
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
    /// With what the connection before this one ended with.
    Dialling(Option<Arc<str>>),
    Live(Arc<Connection>),
    /// The last dial failed; the next one waits.
    Down(Down),
}

/// Why there is no connection.
#[derive(Clone)]
struct Down {
    error: Arc<io::Error>,
    /// What the last connection ended with, where there was one.
    lost: Option<Arc<str>>,
}

impl Endpoint {
    pub(crate) fn new(
        address: Address,
        transport: &Arc<dyn Transport>,
        settings: &Settings,
        inbound: &Inbound,
    ) -> Self {
        let mut slots = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..settings.connections.max(1) {
            let (sender, status) = watch::channel(Status::Dialling(None));
            let live = Arc::new(ArcSwapOption::empty());
            let dialler = Dialler {
                address: address.clone(),
                transport: transport.clone(),
                settings: settings.clone(),
                inbound: inbound.clone(),
                status: sender,
                live: live.clone(),
            };
            tasks.push(tokio::spawn(dialler.run()));
            slots.push(Slot { live, status });
        }
        Self { address, slots, next: AtomicUsize::new(0), tasks }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    fn slot(&self) -> &Slot {
        match &self.slots[..] {
            [only] => only,
            many => &many[self.next.fetch_add(1, Ordering::Relaxed) % many.len()],
        }
    }

    /// A connection that is ready now.
    #[inline]
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        self.slot().live.load_full().filter(|c| c.is_usable())
    }

    /// A connection, waited for until `deadline` while it is being dialled. Fails at once while
    /// the server is known to be down.
    pub(crate) async fn connection(&self, deadline: Option<Instant>) -> Result<Arc<Connection>, Error> {
        // Any connection that is up will do: one of several that is down must not fail a call.
        if let Some(live) = self.slots.iter().find_map(|_| self.live()) {
            return Ok(live);
        }
        let slot = self.slot();
        let ready = Self::ready_slot(slot, &self.address, false);
        match deadline {
            None => ready.await,
            Some(at) => tokio::time::timeout_at(at, ready).await.unwrap_or_else(|_| {
                let mut text = "no connection within the time of the call".to_owned();
                if let Status::Dialling(lost) = &*slot.status.borrow() {
                    append_lost(&mut text, lost.as_deref());
                }
                Err(Error::new(ErrorKind::Deadline, text).at(self.address.as_str()).not_sent())
            }),
        }
    }

    /// Waits until every connection is up, through any number of failures.
    pub(crate) async fn ready(&self) {
        for slot in &self.slots {
            let _ = Self::ready_slot(slot, &self.address, true).await;
        }
    }

    async fn ready_slot(slot: &Slot, address: &Address, patient: bool) -> Result<Arc<Connection>, Error> {
        let mut status = slot.status.clone();
        loop {
            let now = status.borrow_and_update().clone();
            match now {
                Status::Live(connection) if connection.is_usable() => return Ok(connection),
                Status::Down(down) if !patient && status.has_changed().is_ok() => {
                    return Err(down.to_error().at(address.as_str()));
                }
                _ => {}
            }
            if status.changed().await.is_err() {
                let text = "the client was closed; make another one for further calls";
                return Err(Error::new(ErrorKind::Unavailable, text).at(address.as_str()).not_sent());
            }
        }
    }

    /// Lets calls in flight end and dials no more.
    pub(crate) fn close(&self) {
        for task in &self.tasks {
            task.abort();
        }
        for slot in &self.slots {
            if let Some(connection) = slot.live.swap(None) {
                connection.drain();
            }
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        for slot in &self.slots {
            if let Some(connection) = slot.live.swap(None) {
                connection.close("the client was dropped");
            }
        }
    }
}

/// The task behind one slot.
struct Dialler {
    address: Address,
    transport: Arc<dyn Transport>,
    settings: Settings,
    inbound: Inbound,
    status: watch::Sender<Status>,
    live: Arc<ArcSwapOption<Connection>>,
}

impl Dialler {
    async fn run(self) {
        let (first, most) = self.settings.backoff;
        let (first, most) = (first.min(LONGEST), most.min(LONGEST));
        let mut pause = first;
        let mut lost: Option<Arc<str>> = None;
        // What was last said of the server, so that a long outage is two lines and not thousands.
        let mut said_down = false;
        loop {
            match self.dial().await {
                Ok(connection) => {
                    let since = Instant::now();
                    if std::mem::take(&mut said_down) {
                        tracing::info!(address = %self.address, "connected again");
                    }
                    self.live.store(Some(connection.clone()));
                    self.status.send_replace(Status::Live(connection.clone()));
                    connection.unusable().await;
                    self.live.store(None);
                    lost = Some(connection.reason().text.into());
                    self.status.send_replace(Status::Dialling(lost.clone()));
                    // A server that takes connections and drops them is not to be hammered.
                    pause = if since.elapsed() > most { first } else { (pause * 2).min(most) };
                    if since.elapsed() < first {
                        tokio::time::sleep(jittered(pause)).await;
                    }
                }
                Err(error) => {
                    let again = jittered(pause);
                    if std::mem::replace(&mut said_down, true) {
                        tracing::debug!(address = %self.address, %error, ?again, "still cannot connect");
                    } else {
                        tracing::warn!(address = %self.address, %error, lost = lost.as_deref(), "cannot connect; trying again");
                    }
                    let down = Down { error: Arc::new(error), lost: lost.clone() };
                    self.status.send_replace(Status::Down(down));
                    tokio::time::sleep(again).await;
                    pause = (pause * 2).min(most);
                    // The last error stays visible until this dial ends: a call that comes now
                    // should not wait for a server that has just been seen down.
                }
            }
        }
    }

    async fn dial(&self) -> io::Result<Arc<Connection>> {
        let limit = self.settings.connect_timeout;
        match tokio::time::timeout(limit, self.transport.dial(self.address.target())).await {
            Ok(Ok(stream)) => Ok(Connection::start(stream, &self.settings, self.inbound.clone())),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let text = format!("no connection within {limit:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }
}

impl Down {
    fn to_error(&self) -> Error {
        let mut text = format!("cannot connect: {}", self.error);
        append_lost(&mut text, self.lost.as_deref());
        text.push_str("; see that a server listens there, which is dialled again meanwhile");
        // One dial fails many calls, and each error has its own source.
        let source = match self.error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.error.kind(), Shared(self.error.clone())),
        };
        Error::new(ErrorKind::Unavailable, text).with_source(source).not_sent()
    }
}

fn append_lost(text: &mut String, lost: Option<&str>) {
    if let Some(lost) = lost {
        text.push_str("; the last connection ended: ");
        text.push_str(lost);
    }
}

/// An error that several own.
#[derive(Debug)]
struct Shared(Arc<io::Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
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

/// Between half and the whole of it, so that clients of one lost server do not come back in step.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    pause.mul_f64(0.5 + 0.5 * (random as f64 / u64::MAX as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_jittered_within_their_bounds() {
        let pause = Duration::from_secs(1);
        let drawn: Vec<_> = (0..100).map(|_| jittered(pause)).collect();
        assert!(drawn.iter().all(|d| (pause / 2..=pause).contains(d)));
        assert!(drawn.iter().any(|d| *d != drawn[0]));
    }
}
