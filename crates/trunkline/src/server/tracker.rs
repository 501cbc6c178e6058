//! The open connections of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;

use super::connection::Connection;

#[derive(Default)]
pub(crate) struct Tracker {
    open: Mutex<Slab<Arc<Connection>>>,
    emptied: Notify,
    abandoned: AtomicBool,
}

/// A place in the tracker; leaving it is dropping this.
pub(crate) struct Tracked {
    tracker: Arc<Tracker>,
    key: usize,
}

impl Tracker {
    pub(crate) fn enter(self: &Arc<Self>, connection: &Arc<Connection>) -> Tracked {
        let key = self.open.lock().insert(connection.clone());
        // Who enters behind the last look at the open connections sees that there was one.
        if self.abandoned.load(Ordering::SeqCst) {
            connection.abandon();
        }
        Tracked { key, tracker: self.clone() }
    }

    /// Ends all connections, those that are open and those to come, whatever they still have to say.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        for connection in self.connections() {
            connection.abandon();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.open.lock().iter().map(|(_, c)| c.clone()).collect()
    }

    /// Waits until no connection is open.
    pub(crate) async fn empty(&self) {
        loop {
            let mut emptied = std::pin::pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let mut open = self.tracker.open.lock();
        let gone = open.remove(self.key);
        let empty = open.is_empty();
        drop(open);
        drop(gone);
        if empty {
            self.tracker.emptied.notify_waiters();
        }
    }
}
