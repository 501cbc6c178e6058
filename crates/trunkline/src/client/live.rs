//! The connection that calls find ready, held once for each of a few groups of threads: one count of
//! references that all callers changed would wander between the cores with every call.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use super::connection::Connection;

/// Groups of threads. More threads share them.
const GROUPS: usize = 8;

/// A connection as one call holds it: by a count of the group of the thread that began it.
pub(crate) struct Handle(Arc<Held>);

// Each on lines of its own, or the counts of two groups would share one.
#[repr(align(64))]
struct Held(Arc<Connection>);

#[derive(Default)]
pub(super) struct Live([ArcSwapOption<Held>; GROUPS]);

impl Handle {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self(Arc::new(Held(connection)))
    }
}

impl Deref for Handle {
    type Target = Arc<Connection>;

    #[inline]
    fn deref(&self) -> &Arc<Connection> {
        &self.0.0
    }
}

impl Live {
    #[inline]
    pub(super) fn get(&self) -> Option<Handle> {
        self.0[group()].load_full().map(Handle)
    }

    pub(super) fn set(&self, connection: &Arc<Connection>) {
        self.0.iter().for_each(|held| held.store(Some(Arc::new(Held(connection.clone())))));
    }

    /// What was held, if anything was.
    pub(super) fn take(&self) -> Option<Arc<Connection>> {
        let taken = self.0.iter().filter_map(|held| held.swap(None)).last();
        taken.map(|held| held.0.clone())
    }
}

/// Threads are dealt out in the order in which they first ask.
fn group() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % GROUPS;
    }
    MINE.with(|mine| *mine)
}
