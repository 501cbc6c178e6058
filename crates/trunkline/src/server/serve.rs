//! A bound server: accepting, and stopping in order.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::builder::{ServerBuilder, StopCallback};
use super::connection::Connection;
use super::filter::ConnectionFilter;
use super::registration::{Enrolled, Enrolment, LeftBehind, RegistrationStatus, Withdrawn};
use super::service::{MethodInfo, Service};
use super::shared::Shared;
use super::status::Facts;
use super::sweep;
use super::tracker::Tracker;
use crate::error::Error;
use crate::transport::{Address, Listener, Peer, Stream};

/// A server that has bound its addresses. It serves when [`serve_until`](Self::serve_until) or
/// [`spawn`](Self::spawn) runs it.
#[must_use = "a server serves only when it is run: `serve_until`, `serve` or `spawn`"]
pub struct Server {
    shared: Arc<Shared>,
    tracker: Arc<Tracker>,
    listeners: Vec<(String, Box<dyn Listener>)>,
    addresses: Vec<String>,
    filters: Arc<[Arc<dyn ConnectionFilter>]>,
    stopping: Stopping,
    stop: watch::Sender<bool>,
    enrolled: Enrolled,
}

/// What a server was told about stopping.
pub(super) struct Stopping {
    pub(super) grace: Option<Duration>,
    pub(super) drain: Duration,
    pub(super) on_stop: Vec<StopCallback>,
}

/// Looks at and changes a server while it serves. Cheap to clone.
#[derive(Clone)]
pub struct ServerHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) tracker: Arc<Tracker>,
    stop: watch::Sender<bool>,
    pub(super) enrolment: Arc<Enrolment>,
    pub(super) facts: Arc<Facts>,
}

/// A server that runs in a task of its own.
#[derive(Debug)]
pub struct RunningServer {
    handle: ServerHandle,
    address: String,
    task: JoinHandle<StopReport>,
}

/// How a stop went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Calls that were under way or waiting when the stop began.
    pub under_way: usize,
    /// Calls that were cut because the time was up. Their callers were told that they may have
    /// run, or, of those still waiting for a place, that they did not start.
    pub cut: usize,
    /// Connections that were open when the stop began.
    pub connections: usize,
    /// What could not be withdrawn from the registries within 5 seconds. It vanishes from there
    /// when its time to live is over.
    pub left_behind: Vec<LeftBehind>,
    /// How long it took.
    pub took: Duration,
}

/// Accepting goes on after an error, a little later each time: a process without file
/// descriptors must not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
const ACCEPT_PAUSE_MOST: Duration = Duration::from_secs(1);

/// So many connections that wait to be accepted when the server stops are let in.
const CONNECTED_MOST: usize = 1024;

/// How long clients have to notice what was withdrawn from a registry.
const GRACE: Duration = Duration::from_secs(3);

/// After the cut, connections have this long to send the answers that say so.
const LAST_WORDS: Duration = Duration::from_secs(3);

impl Server {
    /// A builder with the defaults.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(super) fn new(
        shared: Arc<Shared>,
        listeners: Vec<(String, Box<dyn Listener>)>,
        bound: Vec<(String, String)>,
        filters: Vec<Arc<dyn ConnectionFilter>>,
        stopping: Stopping,
        enrolment: Enrolment,
    ) -> Self {
        let addresses = bound.into_iter().map(|(network, target)| format!("{network}@{target}")).collect();
        let (stop, _) = watch::channel(false);
        let enrolled = Enrolled(Arc::new(enrolment));
        let (tracker, filters) = (Arc::default(), filters.into());
        Self { shared, tracker, listeners, addresses, filters, stopping, stop, enrolled }
    }

    /// The first bound address, such as `tcp@127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// All bound addresses.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The addresses that stand in the registries, which may be others than those that are bound;
    /// none where the server registers nowhere.
    pub fn advertised(&self) -> &[Address] {
        self.enrolled.0.addresses()
    }

    /// Registers the services in those registries that are
    /// [required](crate::registry::Start::Require), and waits until they are there.
    /// [`ServerBuilder::bind`] does it; [`ServerBuilder::listen_on`] cannot wait.
    ///
    /// # Errors
    /// When they are not there within 5 seconds.
    pub fn register(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        // Not `&self`: stop callbacks are not `Sync`, and servers are also started in tasks.
        let (enrolment, paths) = (self.enrolled.0.clone(), self.shared.router.paths());
        async move {
            if enrolment.is_required() {
                enrolment.require(&paths).await?;
            }
            Ok(())
        }
    }

    /// A handle that outlives the call to serve.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: self.shared.clone(),
            tracker: self.tracker.clone(),
            stop: self.stop.clone(),
            enrolment: self.enrolled.0.clone(),
            facts: Arc::new(Facts {
                addresses: self.addresses.clone(),
                grace: self.stopping.grace,
                drain: self.stopping.drain,
            }),
        }
    }

    /// Serves until [`ServerHandle::stop`] is called.
    pub async fn serve(self) -> StopReport {
        self.serve_until(std::future::pending()).await
    }

    /// Serves in a task of its own.
    pub fn spawn(self) -> RunningServer {
        let handle = self.handle();
        let address = self.address().to_owned();
        RunningServer { handle, address, task: tokio::spawn(self.serve()) }
    }

    /// Serves until `signal` ends or [`ServerHandle::stop`] is called, then stops in order: the
    /// services are withdrawn from the registries while the stop callbacks run; for the grace time
    /// everything is served as before; no more connections are accepted; what has arrived is
    /// served to its end; connections close. What is not done when the drain limit is up is cut
    /// and counted.
    ///
    /// # Cancel safety
    /// Dropping the future closes the listeners and all connections at once, and begins to
    /// withdraw what is registered.
    pub async fn serve_until(mut self, signal: impl Future<Output = ()>) -> StopReport {
        // However this future ends: no connection is left without its server.
        let _open = Abandoning(self.tracker.clone());
        let sweeper = Aborting(tokio::spawn(sweep::run(self.shared.clone(), self.tracker.clone())));
        let (close, closing) = watch::channel(false);
        let acceptors: Vec<_> = std::mem::take(&mut self.listeners)
            .into_iter()
            .map(|(_, listener)| {
                let acceptor = Acceptor {
                    shared: self.shared.clone(),
                    tracker: self.tracker.clone(),
                    filters: self.filters.clone(),
                };
                Aborting(tokio::spawn(acceptor.run_until(listener, closing.clone())))
            })
            .collect();
        let enrolment = self.enrolled.0.clone();
        let keeper = enrolment.is_used().then(|| enrolment.clone().keep(self.shared.router.clone()));
        let keeper = keeper.map(|keep| Aborting(tokio::spawn(keep)));
        enrolment.serving();
        let mut stop = self.stop.subscribe();
        tokio::select! {
            biased;
            () = signal => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        self.stop.send_replace(true);
        enrolment.stopping();
        drop(keeper);
        let report = self.stop(acceptors, &close).await;
        drop(sweeper);
        report
    }

    async fn stop(mut self, acceptors: Vec<Aborting>, close: &watch::Sender<bool>) -> StopReport {
        let begun = Instant::now();
        tracing::info!(addresses = self.addresses.join(", "), "the server stops");
        let callbacks = async {
            for callback in std::mem::take(&mut self.stopping.on_stop) {
                callback().await;
            }
        };
        let ((), withdrawn) = tokio::join!(callbacks, self.enrolled.0.withdraw());
        tokio::time::sleep(grace(self.stopping.grace, &withdrawn)).await;
        close.send_replace(true);
        for acceptor in acceptors {
            acceptor.ended().await;
        }
        self.shared.draining.store(true, Ordering::SeqCst);
        let open = self.tracker.connections();
        let (under_way, connections) = (self.under_way(), open.len());
        for connection in open {
            connection.nudge();
        }
        // Work whose connection is gone, oneways say, is waited for as well.
        let served = async {
            self.tracker.empty().await;
            self.shared.admission.idle().await;
        };
        let mut cut = 0;
        if tokio::time::timeout(self.stopping.drain, served).await.is_err() {
            cut = self.under_way();
            for connection in self.tracker.connections() {
                connection.cut();
            }
            if tokio::time::timeout(LAST_WORDS, self.tracker.empty()).await.is_err() {
                self.tracker.abandon();
                let _ = tokio::time::timeout(LAST_WORDS, self.tracker.empty()).await;
            }
        }
        let (left_behind, took) = (withdrawn.left_behind, begun.elapsed());
        let report = StopReport { under_way, cut, connections, left_behind, took };
        tracing::info!(under_way, cut, connections, took = ?report.took, "the server has stopped");
        report
    }
}

impl Server {
    /// Calls that run or wait.
    fn under_way(&self) -> usize {
        let waiting: usize = self.tracker.connections().iter().map(|c| c.queued_calls()).sum();
        self.shared.admission.in_flight() + waiting
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl ServerHandle {
    /// Begins to stop the server; [`Server::serve_until`] returns when it has.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Serves one more service from now on, and registers it. Its methods join those already under
    /// the path and replace namesakes.
    pub fn add(&self, service: Service) {
        self.shared.router.add(service);
        self.enrolment.wake();
    }

    /// Serves the path no longer, and withdraws it from the registries. Calls under way end as they
    /// would have; who has not heard of it yet is told that there is no such service. See
    /// [`retire`](Self::retire) for the gentle way.
    pub fn remove(&self, path: &str) -> bool {
        let removed = self.shared.router.remove(path);
        self.enrolment.forget(path);
        removed
    }

    /// Withdraws the path from the registries, goes on serving it for the grace time, and then
    /// removes it. It tells what could not be withdrawn.
    ///
    /// # Cancel safety
    /// Dropped before its end, the service is withdrawn and goes on being served.
    pub async fn retire(&self, path: &str) -> Vec<LeftBehind> {
        let withdrawn = self.enrolment.retire(path).await;
        tokio::time::sleep(grace(self.facts.grace, &withdrawn)).await;
        self.remove(path);
        withdrawn.left_behind
    }

    /// How it stands with each service in each registry, sorted by service.
    pub fn registrations(&self) -> Vec<RegistrationStatus> {
        self.enrolment.statuses()
    }

    /// Whether calls should be sent here: the server serves, has been registered as
    /// [`ServerBuilder::ready_when`] says, and does not stop.
    pub fn is_ready(&self) -> bool {
        self.why_not_ready().is_empty()
    }

    /// Why the server is not ready, a line for each reason; none where it is.
    pub fn why_not_ready(&self) -> Vec<String> {
        self.enrolment.why_not_ready()
    }

    /// The paths served now.
    pub fn services(&self) -> Vec<String> {
        self.shared.router.paths()
    }

    /// The methods under a path.
    pub fn methods(&self, path: &str) -> Vec<MethodInfo> {
        self.shared.router.methods(path)
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.tracker.len()
    }

    /// How many calls are under way that did not end at their first poll.
    pub fn in_flight(&self) -> usize {
        self.shared.admission.in_flight()
    }

    /// How many bytes are held for far ends now, beyond each connection's small allowance.
    pub fn held_bytes(&self) -> usize {
        self.shared.budget.used()
    }

    /// Whether the server is on its way to stop.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl RunningServer {
    /// The first bound address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Looks at and changes the server.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Stops the server in order and tells how it went.
    ///
    /// # Panics
    /// When a stop callback panicked.
    pub async fn stop(self) -> StopReport {
        self.handle.stop();
        match self.task.await {
            Ok(report) => report,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => StopReport::default(),
            },
        }
    }
}

/// How long to go on serving what was withdrawn.
fn grace(set: Option<Duration>, withdrawn: &Withdrawn) -> Duration {
    let unless_set = if withdrawn.was_known { GRACE } else { Duration::ZERO };
    set.unwrap_or(unless_set)
}

struct Acceptor {
    shared: Arc<Shared>,
    tracker: Arc<Tracker>,
    filters: Arc<[Arc<dyn ConnectionFilter>]>,
}

impl Acceptor {
    /// Accepts until told to close. What has connected by then is still let in: its peer may have
    /// sent a request, and would be answered with a reset.
    async fn run_until(self, mut listener: Box<dyn Listener>, mut closing: watch::Receiver<bool>) {
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => {}
            () = self.run(&mut *listener) => {}
        }
        for _ in 0..CONNECTED_MOST {
            let now = std::future::poll_fn(|cx| Poll::Ready(listener.accept().as_mut().poll(cx)));
            match now.await {
                Poll::Ready(Ok(stream)) if self.tracker.len() < self.shared.limits.connections => {
                    self.admit(stream);
                }
                Poll::Ready(Ok(_)) => {}
                _ => return,
            }
        }
    }

    async fn run(&self, listener: &mut dyn Listener) {
        let mut pause = ACCEPT_PAUSE;
        let mut full = false;
        loop {
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    if pause == ACCEPT_PAUSE {
                        tracing::warn!(%error, "accepting a connection failed; trying again");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE_MOST);
                    continue;
                }
            };
            pause = ACCEPT_PAUSE;
            let limit = self.shared.limits.connections;
            let was_full = std::mem::replace(&mut full, self.tracker.len() >= limit);
            if full {
                if !was_full {
                    tracing::warn!(limit, "as many connections are open as may be; further ones are closed");
                }
                continue;
            }
            self.admit(stream);
        }
    }

    fn admit(&self, mut stream: Stream) {
        let peer = stream.peer.clone();
        for (asked, filter) in self.filters.iter().enumerate() {
            // A panic is this connection's misfortune, not that of all to come.
            let asking = catch_unwind(AssertUnwindSafe(|| filter.accept(stream)));
            match asking.unwrap_or_else(|_| Err("the filter panicked".to_owned())) {
                Ok(admitted) => stream = admitted,
                Err(why) => {
                    tracing::debug!(peer = %peer.address, why, "a connection was refused");
                    tell_closed(&self.filters[..asked], &peer);
                    return;
                }
            }
        }
        let (connection, incoming) = Connection::new(stream, self.shared.clone());
        let tracked = self.tracker.enter(&connection);
        let filters = self.filters.clone();
        tokio::spawn(async move {
            connection.run(incoming).await;
            tell_closed(&filters, &peer);
            drop(tracked);
        });
    }
}

/// Every filter is told, whatever becomes of the one before it.
fn tell_closed(filters: &[Arc<dyn ConnectionFilter>], peer: &Peer) {
    for filter in filters {
        if catch_unwind(AssertUnwindSafe(|| filter.closed(peer))).is_err() {
            tracing::error!(peer = %peer.address, "a connection filter panicked when told of an end");
        }
    }
}

/// A task that ends with its owner.
struct Aborting(JoinHandle<()>);

impl Aborting {
    async fn ended(mut self) {
        let _ = (&mut self.0).await;
    }
}

/// Closes all connections in the end.
struct Abandoning(Arc<Tracker>);

impl Drop for Abandoning {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}
