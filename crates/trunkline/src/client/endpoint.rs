//! One server and the connections to it: dialled in the background, dialled again after a loss
//! with growing, jittered pauses.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::Connection;
use super::inbound::Inbound;
use super::settings::Settings;
use crate::error::{Error, ErrorKind};
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
    Dialling,
    Live(Arc<Connection>),
    /// The last dial failed; the next one waits.
    Down(Arc<io::Error>),
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
            let (sender, status) = watch::channel(Status::Dialling);
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
                let text = "no connection within the time of the call";
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
                Status::Down(why) if !patient => {
                    let error = Error::new(ErrorKind::Unavailable, format!("cannot connect: {why}"));
                    return Err(error.with_source(why).at(address.as_str()).not_sent());
                }
                _ => {}
            }
            if status.changed().await.is_err() {
                return Err(Error::new(ErrorKind::Unavailable, "the client was closed").not_sent());
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
        let mut pause = first;
        loop {
            match self.dial().await {
                Ok(connection) => {
                    let since = Instant::now();
                    self.live.store(Some(connection.clone()));
                    self.status.send_replace(Status::Live(connection.clone()));
                    connection.unusable().await;
                    self.live.store(None);
                    self.status.send_replace(Status::Dialling);
                    // A server that takes connections and drops them is not to be hammered.
                    pause = if since.elapsed() > most { first } else { (pause * 2).min(most) };
                    if since.elapsed() < first {
                        tokio::time::sleep(jittered(pause)).await;
                    }
                }
                Err(why) => {
                    let again = jittered(pause);
                    if pause == first {
                        tracing::warn!(address = %self.address, %why, "cannot connect; trying again");
                    }
                    self.status.send_replace(Status::Down(Arc::new(why)));
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
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {limit:?}"))),
        }
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
