//! Where one caller finds what its call ended in.
//!
//! It has a lock of its own: who looks for an answer, and who puts one in, is not in the way of those
//! who send, and the lock that all callers of a connection share is taken once for a call. A thread
//! keeps the boxes of calls that have ended for its next ones, so that a call allocates none.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::outcome::Outcome;

/// With its lock and the counts of an `Arc` one line of a core's cache.
#[derive(Default)]
pub(crate) struct Letterbox(Mutex<Content>);

#[derive(Default)]
enum Content {
    #[default]
    Nothing,
    /// A caller waits for an answer.
    Call {
        waker: Waker,
        deadline: Option<Instant>,
    },
    /// A caller waits for its frame to be written.
    Notice {
        waker: Waker,
        deadline: Option<Instant>,
    },
    Arrived(Outcome),
}

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Answer,
    /// Only that its frame is written.
    Notice,
}

/// Boxes that a thread keeps. As many calls of one thread may end before the next one begins.
const KEPT: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<Arc<Letterbox>>> = const { RefCell::new(Vec::new()) };
}

impl Letterbox {
    /// A box for a caller who waits until then.
    #[inline]
    pub(crate) fn new(waker: Waker, wanted: Wanted, deadline: Option<Instant>) -> Arc<Self> {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        let letterbox = spare.ok().flatten().unwrap_or_default();
        {
            let mut content = letterbox.0.lock();
            // Known to be empty it is filled in place. What may have to be dropped first would be put
            // together elsewhere and copied, in larger pieces than it was written in, for which a core
            // waits until all that it wrote before has reached its cache.
            let Content::Nothing = *content else { unreachable!("only empty boxes are kept") };
            *content = match wanted {
                Wanted::Answer => Content::Call { waker, deadline },
                Wanted::Notice => Content::Notice { waker, deadline },
            };
        }
        letterbox
    }

    /// Until when its caller waits.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &*self.0.lock() {
            Content::Call { deadline, .. } | Content::Notice { deadline, .. } => *deadline,
            Content::Nothing | Content::Arrived(_) => None,
        }
    }

    /// Puts in what the call ended in. Whom to wake; who puts a second one in wakes nobody.
    #[inline]
    pub(crate) fn put(&self, outcome: Outcome) -> Option<Waker> {
        let mut content = self.0.lock();
        let outcome = match &*content {
            Content::Call { .. } => outcome,
            // Who answers has been written to.
            Content::Notice { .. } => outcome.of_notice(),
            Content::Nothing | Content::Arrived(_) => return None,
        };
        match std::mem::replace(&mut *content, Content::Arrived(outcome)) {
            Content::Call { waker, .. } | Content::Notice { waker, .. } => Some(waker),
            Content::Nothing | Content::Arrived(_) => None,
        }
    }

    /// Takes out what is there.
    #[inline]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Outcome> {
        let mut content = self.0.lock();
        match &mut *content {
            Content::Arrived(_) => match std::mem::take(&mut *content) {
                Content::Arrived(outcome) => Poll::Ready(outcome),
                _ => Poll::Pending,
            },
            Content::Call { waker: kept, .. } | Content::Notice { waker: kept, .. } => {
                if !kept.will_wake(waker) {
                    kept.clone_from(waker);
                }
                Poll::Pending
            }
            Content::Nothing => Poll::Pending,
        }
    }

    /// Keeps a box whose content was taken, unless somebody else still knows it.
    #[inline]
    pub(crate) fn keep(self: Arc<Self>) {
        if Arc::strong_count(&self) > 1 {
            return;
        }
        // Where the thread is ending it is dropped.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(self);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;
    use bytes::Bytes;

    fn letterbox(wanted: Wanted) -> Arc<Letterbox> {
        Letterbox::new(Waker::noop().clone(), wanted, None)
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn with_its_counts_it_is_one_line_of_the_cache() {
        assert_eq!(2 * size_of::<usize>() + size_of::<Letterbox>(), 64);
    }

    #[test]
    fn what_is_put_in_first_is_what_the_caller_finds() {
        let letterbox = letterbox(Wanted::Answer);
        assert!(letterbox.poll(Waker::noop()).is_pending());
        assert!(letterbox.put(Outcome::Plain(Bytes::from_static(b"first"))).is_some());
        assert!(letterbox.put(Outcome::Late).is_none());
        let Poll::Ready(Outcome::Plain(payload)) = letterbox.poll(Waker::noop()) else {
            panic!("an answer was put in")
        };
        assert_eq!(&payload[..], b"first");
        assert!(letterbox.put(Outcome::Late).is_none(), "nobody waits any more");
    }

    #[test]
    fn who_answers_or_may_have_read_a_notice_has_been_written_to() {
        for outcome in [Outcome::Plain(Bytes::new()), Outcome::Lost { sent: true }, Outcome::Written] {
            let letterbox = letterbox(Wanted::Notice);
            assert!(letterbox.put(outcome).is_some());
            assert!(matches!(letterbox.poll(Waker::noop()), Poll::Ready(Outcome::Written)));
        }
        let letterbox = letterbox(Wanted::Notice);
        assert!(letterbox.put(Outcome::Lost { sent: false }).is_some());
        assert!(matches!(letterbox.poll(Waker::noop()), Poll::Ready(Outcome::Lost { sent: false })));
    }

    #[test]
    fn a_box_is_used_again_when_nobody_else_knows_it() {
        let first = letterbox(Wanted::Answer);
        let address = Arc::as_ptr(&first);
        first.put(Outcome::Late);
        assert!(first.poll(Waker::noop()).is_ready());
        let known = first.clone();
        first.keep();
        let second = letterbox(Wanted::Answer);
        assert_ne!(Arc::as_ptr(&second), address, "the reader may still hold it");
        known.keep();
        assert_eq!(Arc::as_ptr(&letterbox(Wanted::Answer)), address);
    }

    #[test]
    fn a_thread_keeps_no_more_than_it_may() {
        let many: Vec<_> = (0..2 * KEPT).map(|_| letterbox(Wanted::Answer)).collect();
        for letterbox in many {
            letterbox.put(Outcome::Late);
            assert!(letterbox.poll(Waker::noop()).is_ready());
            letterbox.keep();
        }
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
    }
}
