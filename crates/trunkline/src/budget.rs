//! The bytes a process may hold on behalf of far ends: half-received frames, large requests
//! being worked on, replies nobody reads.
//!
//! A budget is a counter that servers and clients share; nothing is global. Each connection has
//! a small allowance of its own that is not counted, so a good client with small messages is
//! served whatever others do. What goes beyond the allowance is reserved first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Bytes of one connection that are not counted.
pub(crate) const ALLOWANCE: usize = 64 * 1024;

/// How many bytes may be held for far ends. Clones share one count; give the same budget to
/// several servers and clients to bound them together.
#[derive(Clone)]
pub struct ByteBudget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    /// How many connections wait for bytes: while there are any, whoever holds bytes without
    /// making progress is cut early.
    waiting: AtomicUsize,
    freed: Notify,
}

/// A part of the budget, given back when dropped.
pub(crate) struct Charge {
    budget: ByteBudget,
    bytes: usize,
    /// Never waits and is never refused.
    counted_only: bool,
}

impl ByteBudget {
    /// A budget of this many bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many bytes are held now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether somebody waits for bytes, or would have to.
    pub(crate) fn is_short(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0 || self.used() >= self.0.limit
    }

    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes) <= self.0.limit
    }

    pub(crate) fn charge(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0, counted_only: false }
    }

    /// A charge that takes what it asks for although the budget has not got it: others see that it
    /// is there, and it waits for nobody. For what is bounded otherwise.
    pub(crate) fn charge_beyond(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0, counted_only: true }
    }
}

impl Default for ByteBudget {
    /// 256 MiB.
    fn default() -> Self {
        Self::new(256 << 20)
    }
}

impl fmt::Debug for ByteBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBudget").field("limit", &self.limit()).field("used", &self.used()).finish()
    }
}

impl Charge {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes this charge `bytes` large if the budget has them.
    pub(crate) fn try_resize(&mut self, bytes: usize) -> bool {
        if self.counted_only || bytes <= self.bytes {
            self.resize(bytes);
            return true;
        }
        let more = bytes - self.bytes;
        let limit = self.budget.0.limit;
        let taken = self
            .budget
            .0
            .used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
                used.checked_add(more).filter(|sum| *sum <= limit)
            })
            .is_ok();
        if taken {
            self.bytes = bytes;
        }
        taken
    }

    /// Makes this charge `bytes` large although the budget may be exceeded by it: for bytes that
    /// exist already, which stop further ones from coming.
    pub(crate) fn resize(&mut self, bytes: usize) {
        if bytes <= self.bytes {
            self.shrink(bytes);
        } else {
            self.budget.0.used.fetch_add(bytes - self.bytes, Ordering::Relaxed);
            self.bytes = bytes;
        }
    }

    /// Waits until the budget has `bytes` for this charge.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub(crate) async fn wait_resize(&mut self, bytes: usize) {
        if self.try_resize(bytes) {
            return;
        }
        let budget = self.budget.clone();
        let _waiting = Waiting::enter(&budget.0.waiting);
        loop {
            // Enabled before the second look, so that what is freed between them wakes it.
            let mut freed = std::pin::pin!(budget.0.freed.notified());
            freed.as_mut().enable();
            if self.try_resize(bytes) {
                return;
            }
            freed.await;
        }
    }

    /// Moves the whole charge out, leaving an empty one.
    pub(crate) fn take(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        Self { budget: self.budget.clone(), bytes, counted_only: self.counted_only }
    }

    fn shrink(&mut self, bytes: usize) {
        let less = self.bytes - bytes;
        if less > 0 {
            self.bytes = bytes;
            self.budget.0.used.fetch_sub(less, Ordering::SeqCst);
            if self.budget.0.waiting.load(Ordering::SeqCst) > 0 {
                self.budget.0.freed.notify_waiters();
            }
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charge({})", self.bytes)
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        // Sequentially consistent against the load in `shrink`: either the waiter's second look
        // sees the freed bytes, or the freer sees the waiter.
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_comes_back() {
        let budget = ByteBudget::new(100);
        let mut a = budget.charge();
        assert!(a.try_resize(60));
        let mut b = budget.charge();
        assert!(!b.try_resize(50));
        assert_eq!(b.bytes(), 0);
        drop(a);
        assert!(b.try_resize(50));
        assert_eq!(budget.used(), 50);
    }

    #[test]
    fn what_is_only_counted_is_never_refused_and_counts() {
        let budget = ByteBudget::new(100);
        let mut counted = budget.charge_beyond();
        assert!(counted.try_resize(150));
        assert_eq!((budget.used(), budget.is_short()), (150, true));
        assert!(!budget.charge().try_resize(1));
        drop(counted.take());
        assert_eq!((budget.used(), counted.bytes()), (0, 0));
        assert!(counted.try_resize(101));
    }

    #[tokio::test]
    async fn a_waiter_is_woken_when_bytes_are_freed() {
        let budget = ByteBudget::new(100);
        let mut a = budget.charge();
        a.resize(100);
        let mut b = budget.charge();
        let wait = async {
            b.wait_resize(40).await;
        };
        let free = async {
            tokio::task::yield_now().await;
            assert!(budget.is_short());
            drop(a);
        };
        tokio::join!(wait, free);
        assert_eq!(budget.used(), 40);
        assert!(!budget.is_short());
    }
}
