//! The bytes a process may hold on behalf of far ends: half-received frames, large requests
//! being worked on, replies nobody reads.
//!
//! A budget is a counter that servers and clients share; nothing is global. Each connection has
//! a small allowance of its own that is not counted, so a good client with small messages is
//! served whatever others do. What goes beyond the allowance is reserved first.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Bytes of one connection that are not counted.
pub(crate) const ALLOWANCE: usize = 64 * 1024;

/// When everybody holds a part of what they need and waits for the rest, so many at a time may take
/// it beyond the limit, each at most [`QUICK`] of it: no more than a quarter together.
const LANES: usize = 4;
const QUICK: usize = 16;

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
    lanes: Arc<Semaphore>,
}

/// A part of the budget, given back when dropped.
pub(crate) struct Charge {
    budget: ByteBudget,
    bytes: usize,
    /// Never waits and is never refused.
    counted_only: bool,
    /// May go beyond the limit.
    lane: Option<OwnedSemaphorePermit>,
}

impl ByteBudget {
    /// A budget of this many bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            lanes: Arc::new(Semaphore::new(LANES)),
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

    /// Whether a charge that will be this large is let beyond the limit when its turn comes.
    pub(crate) fn is_quick(&self, bytes: usize) -> bool {
        bytes <= self.0.limit / QUICK
    }

    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes) <= self.0.limit
    }

    pub(crate) fn charge(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0, counted_only: false, lane: None }
    }

    /// A charge that takes what it asks for although the budget has not got it: others see that it
    /// is there, and it waits for nobody. For what is bounded otherwise.
    pub(crate) fn charge_beyond(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0, counted_only: true, lane: None }
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
        let mut limit = self.budget.0.limit;
        if self.lane.is_some() {
            limit += limit / QUICK * LANES;
        }
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

    /// Waits until the budget has `bytes` for this charge. One that will be no larger than `most`
    /// may wait for its turn to go beyond the limit, if that [is quick](ByteBudget::is_quick).
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub(crate) async fn wait_resize(&mut self, bytes: usize, most: usize) {
        if self.try_resize(bytes) {
            return;
        }
        let budget = self.budget.clone();
        let _waiting = Waiting::enter(&budget.0.waiting);
        let mut lane = pin!(budget.0.lanes.clone().acquire_owned());
        let quick = budget.is_quick(most);
        loop {
            // Enabled before the second look, so that what is freed between them wakes it.
            let mut freed = pin!(budget.0.freed.notified());
            freed.as_mut().enable();
            if self.try_resize(bytes) {
                return;
            }
            tokio::select! {
                () = freed => {}
                // It is never closed.
                lane = &mut lane, if quick && self.lane.is_none() => self.lane = lane.ok(),
            }
        }
    }

    /// Moves the whole charge out, leaving an empty one. Neither has to grow any more.
    pub(crate) fn take(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        self.lane = None;
        Self { budget: self.budget.clone(), bytes, counted_only: self.counted_only, lane: None }
    }

    fn shrink(&mut self, bytes: usize) {
        let less = self.bytes - bytes;
        if less > 0 {
            self.bytes = bytes;
            if bytes == 0 {
                self.lane = None;
            }
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
    async fn who_hold_a_part_each_do_not_wait_for_each_other() {
        let budget = ByteBudget::new(1600);
        let parts = (0..40).map(|_| {
            let mut charge = budget.charge();
            assert!(charge.try_resize(40));
            charge
        });
        let parts: Vec<_> = parts.collect();
        let too_large = budget.clone();
        let too_large = tokio::spawn(async move { too_large.charge().wait_resize(200, 200).await });
        let waiting = parts.into_iter().map(|mut charge| {
            let budget = budget.clone();
            tokio::spawn(async move {
                charge.wait_resize(100, 100).await;
                let used = budget.used();
                tokio::task::yield_now().await;
                drop(charge.take());
                used
            })
        });
        for used in waiting.collect::<Vec<_>>() {
            assert!(used.await.unwrap() <= 2000);
        }
        too_large.await.unwrap();
        assert_eq!((budget.used(), budget.is_short()), (0, false));
    }

    #[tokio::test]
    async fn a_waiter_is_woken_when_bytes_are_freed() {
        let budget = ByteBudget::new(100);
        let mut a = budget.charge();
        a.resize(100);
        let mut b = budget.charge();
        let wait = async {
            b.wait_resize(40, 40).await;
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
