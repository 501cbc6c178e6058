//! How much memory the process has come to use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

/// Looks every few milliseconds, from its making to [`peak`](Self::peak).
pub(crate) struct Growth {
    before: usize,
    most: Arc<AtomicUsize>,
    watching: JoinHandle<()>,
}

impl Growth {
    pub(crate) fn watch() -> Self {
        let before = resident();
        let most = Arc::new(AtomicUsize::new(before));
        let seen = most.clone();
        let watching = tokio::spawn(async move {
            loop {
                seen.fetch_max(resident(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self { before, most, watching }
    }

    /// By how many bytes the process has grown at most.
    pub(crate) fn peak(self) -> usize {
        self.watching.abort();
        self.most.load(Ordering::Relaxed).max(resident()) - self.before
    }
}

/// The resident set: the second figure of statm, in pages.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("it is a number");
    pages * 4096
}
