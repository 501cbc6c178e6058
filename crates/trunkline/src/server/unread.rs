//! Answers that the peer has not read: too many of them stop the reading of further requests.

use std::task::{Poll, Waker};

use super::connection::Connection;
use crate::frame::link::Beside;
use crate::frame::outgoing::Outgoing;

/// The reading task, while it waits for its peer to read.
#[derive(Default)]
pub(super) struct Unread {
    waiting: Option<Waker>,
}

impl Beside for Unread {
    fn written(&mut self, _: &Outgoing, wakers: &mut Vec<Waker>) {
        wakers.extend(self.waiting.take());
    }
}

impl Connection {
    /// Waits while the peer has left so many answers unread that no more are made for it. Ends
    /// early when the link is closed, or `until` says so after a nudge.
    pub(super) async fn until_read(&self, until: impl Fn(&Self) -> bool) {
        std::future::poll_fn(|cx| {
            let unread = self.link.with(|s| {
                let unread = s.out.queued() > self.shared.limits.unwritten_per_connection;
                // Under the lock: what is written from now on wakes this task.
                s.extra.waiting = unread.then(|| cx.waker().clone());
                unread
            });
            // Closing and nudging wake the reading task, and it is the one that waits here.
            if unread && !self.link.is_closed() && !until(self) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }
}
