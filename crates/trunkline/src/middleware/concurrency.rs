//! How many calls run at the same time.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::later;

/// Lets so many calls run at a time; further ones wait in turn, and both their number and their
/// waiting have a bound.
///
/// A call that finds no place ends in [`ErrorKind::Overloaded`] and has not run: callers may try
/// elsewhere without doing the work twice. A call holds its place until it ends or is given up,
/// but a method that runs to completion goes on without one then. The limit is this layer's own: two layers are two
/// limits. To bound a whole server, [`ServerLimits`](crate::server::ServerLimits) costs less.
///
/// ```
/// use std::time::Duration;
/// use trunkline::Server;
/// use trunkline::middleware::ConcurrencyLimit;
///
/// // Eight at a time; sixteen more wait for at most a second.
/// let limit = ConcurrencyLimit::new(8).waiting(16).wait(Duration::from_secs(1));
/// let server = Server::builder().layer(limit);
/// # let _ = server;
/// ```
pub struct ConcurrencyLimit {
    limit: usize,
    places: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
    wait: Duration,
}

impl ConcurrencyLimit {
    /// Lets `limit` calls, at least one, run at a time. As many again wait, for 10 s at most.
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            limit,
            places: Semaphore::new(limit),
            waiting: AtomicUsize::new(0),
            most_waiting: limit,
            wait: Duration::from_secs(10),
        }
    }

    /// Sets how many calls may wait for a place; with 0 a call runs at once or not at all.
    #[must_use]
    pub fn waiting(mut self, most: usize) -> Self {
        self.most_waiting = most;
        self
    }

    /// Sets how long a call waits for a place. It never waits longer than its caller.
    #[must_use]
    pub fn wait(mut self, most: Duration) -> Self {
        self.wait = most;
        self
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    fn line_up(&self) -> Option<InLine<'_>> {
        let counted = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < self.most_waiting).then_some(waiting + 1)
        });
        counted.ok().map(|_| InLine(&self.waiting))
    }

    fn refuse(&self, call: &Call, side: Side, why: &str) -> Error {
        let text = format!("{} calls run already, as many as may, {why}", self.limit);
        let error = Error::new(ErrorKind::Overloaded, text);
        match side {
            Side::Server => error.not_started(),
            Side::Client => error.of(call.service(), call.method()).not_sent(),
        }
    }
}

impl Middleware for ConcurrencyLimit {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let place = match self.places.try_acquire() {
            Ok(place) => place,
            Err(_) => {
                let Some(in_line) = self.line_up() else {
                    let why = format!("and {} wait", self.most_waiting);
                    return Err(self.refuse(call, next.side(), &why));
                };
                let own = later::after(Instant::now(), self.wait);
                let until = call.deadline.map_or(own, |at| at.min(own));
                let place = tokio::time::timeout_at(until, self.places.acquire()).await.ok();
                drop(in_line);
                // The semaphore is never closed, so what is missing is time.
                let Some(Ok(place)) = place else {
                    let why = "and none ended while this one waited";
                    return Err(self.refuse(call, next.side(), why));
                };
                place
            }
        };
        let result = next.run(call).await;
        drop(place);
        result
    }
}

impl fmt::Debug for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimit")
            .field("limit", &self.limit)
            .field("running", &self.running())
            .field("waiting", &self.waiting.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// One of those who wait; counted until dropped.
struct InLine<'a>(&'a AtomicUsize);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
