//! Calls that are late, and the end of them all when the server has no more time: who is
//! answered what, and who is cancelled.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::arrived::{Asked, Names, deadline_of};
use super::connection::Connection;
use super::dispatch::DEADLINE_TEXT;
use super::running::Queued;
use crate::error::{Error, ErrorKind};

impl Connection {
    pub(super) fn wake_timer(self: &Arc<Self>, sooner: bool) {
        if !sooner {
            return;
        }
        if !self.timer_started.swap(true, Ordering::Relaxed) {
            let connection = self.clone();
            tokio::spawn(async move { connection.run_timer().await });
        }
        self.timer.notify_one();
    }

    /// One timer for all deadlines of the connection, started with the first call that needs it.
    async fn run_timer(&self) {
        loop {
            let earliest = self.running.lock().earliest();
            let late = async {
                match earliest {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = late => {}
                () = self.timer.notified() => continue,
                () = self.until_closed() => return,
            }
            let (late, refused) = self.running.lock().expire(Instant::now());
            for (asked, task) in late {
                self.answer_apart(&asked, Err(Error::new(ErrorKind::Deadline, DEADLINE_TEXT)));
                if let Some(task) = task {
                    task.abort();
                }
            }
            for queued in refused {
                self.refuse_queued(&queued);
            }
        }
    }

    fn refuse_queued(&self, queued: &Queued) {
        let error = match deadline_of(&queued.arrived) {
            Some(deadline) if deadline <= queued.until => Error::new(ErrorKind::Deadline, DEADLINE_TEXT),
            _ => {
                Error::new(ErrorKind::Overloaded, "the server is full: the call waited too long for a place")
            }
        };
        self.refuse_with(queued, error.not_started());
    }

    fn refuse_with(&self, queued: &Queued, error: Error) {
        let message = &queued.arrived.message;
        let asked = Asked { header: message.header(), names: Names::unknown(message) };
        self.answer_apart(&asked, Err(error));
    }

    /// The time to stop is up: answers what waits and what runs, and closes.
    pub(super) fn cut(&self) {
        let (running, waiting) = self.running.lock().cut();
        let stopped = || Error::new(ErrorKind::Unavailable, "the server stopped before the call ended");
        for (asked, task) in running {
            self.answer_apart(&asked, Err(stopped()));
            if let Some(task) = task {
                task.abort();
            }
        }
        for queued in waiting {
            self.refuse_with(&queued, stopped().not_started());
        }
        // The reading task sees that nothing is left and ends the connection after these answers.
    }
}
