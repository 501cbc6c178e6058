//! How many calls the whole server has under way, and which connections wait for a place.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::connection::Connection;

pub(crate) struct Admission {
    limit: usize,
    in_flight: AtomicUsize,
    /// Connections with requests that wait, in turn. A connection's own queue is bounded, and it
    /// stands here once.
    waiting: Mutex<VecDeque<Weak<Connection>>>,
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
        self.in_flight.load(Ordering::Relaxed) >= self.limit
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

    /// Puts a connection in line, unless it stands there.
    pub(crate) fn wait(&self, connection: &Arc<Connection>) {
        let mut waiting = self.waiting.lock();
        let this = Arc::downgrade(connection);
        if !waiting.iter().any(|w| w.ptr_eq(&this)) {
            waiting.push_back(this);
            self.waiters.store(waiting.len(), Ordering::SeqCst);
        }
    }

    /// Lets the connection whose turn it is start what it can.
    pub(crate) fn wake_next(&self) {
        if self.waiters.load(Ordering::SeqCst) == 0 {
            return;
        }
        let next = {
            let mut waiting = self.waiting.lock();
            let next = std::iter::from_fn(|| waiting.pop_front()).find_map(|w| w.upgrade());
            self.waiters.store(waiting.len(), Ordering::SeqCst);
            next
        };
        if let Some(connection) = next {
            connection.start_queued();
            if connection.has_queued() {
                self.wait(&connection);
            }
        }
    }
}
