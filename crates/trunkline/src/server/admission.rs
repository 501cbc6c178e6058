//! How many calls the whole server has under way, and which connections wait for a place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::connection::Connection;

pub(crate) struct Admission {
    limit: usize,
    in_flight: AtomicUsize,
    /// Connections whose requests wait for the server's places, in turn. A connection's own queue
    /// is bounded, and it stands here once. It is kept alive: a oneway that waits outlives its
    /// connection.
    waiting: Mutex<VecDeque<Arc<Connection>>>,
    waiters: AtomicUsize,
}

impl Admission {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            in_flight: AtomicUsize::new(0),
            waiting: Mutex::new(VecDeque::new()),
            waiters: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        // Sequentially consistent against `leave`: either who lines up and looks again sees the
        // free place, or who leaves sees the line.
        self.in_flight.load(Ordering::SeqCst) >= self.limit
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    /// Waits until no call is under way.
    pub(crate) async fn idle(&self) {
        // Polled rather than signalled: it is needed once, when the server stops.
        while self.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Puts a connection in line, unless it stands there.
    pub(crate) fn wait(&self, connection: &Arc<Connection>) {
        let mut waiting = self.waiting.lock();
        if !connection.in_line.swap(true, Ordering::Relaxed) {
            waiting.push_back(connection.clone());
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Lets the connections whose turn it is start what they can. One that still has requests
    /// lines up again behind the others.
    pub(crate) fn wake_next(&self) {
        while self.waiters.load(Ordering::SeqCst) > 0 && !self.is_full() {
            let next = {
                let mut waiting = self.waiting.lock();
                let next = waiting.pop_front();
                self.waiters.store(waiting.len(), Ordering::SeqCst);
                next.inspect(|connection| connection.in_line.store(false, Ordering::Relaxed))
            };
            let Some(connection) = next else { return };
            connection.start_queued();
        }
    }
}
