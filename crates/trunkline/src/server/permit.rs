//! A call that goes on in a task of its own: its place among the calls in flight, and its end.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::connection::Connection;
use super::dispatch::{Handling, SMALL_FRAME, panicked};
use super::running::Key;
use crate::budget::Charge;
use crate::call::Reply;
use crate::error::Error;

/// A place among the calls in flight; given back when the call ends, however it ends.
pub(super) struct Permit {
    connection: Arc<Connection>,
    _charge: Option<Charge>,
}

impl Permit {
    pub(super) fn take(connection: &Arc<Connection>, wire_len: usize) -> Self {
        connection.in_flight.fetch_add(1, Ordering::Relaxed);
        connection.shared.admission.enter();
        let charge = (wire_len > SMALL_FRAME).then(|| {
            let mut charge = connection.shared.budget.charge();
            charge.resize(wire_len);
            charge
        });
        Self { connection: connection.clone(), _charge: charge }
    }

    pub(super) async fn finish(self, key: Key, future: Handling) {
        let result = CatchUnwind(future).await;
        let asked = self.connection.running.lock().finish(key);
        // None: the timer has answered already.
        if let Some(asked) = asked {
            let result = result.unwrap_or_else(|panic| Err(panicked(asked.names.target(), &*panic)));
            self.connection.answer_apart(&asked, result);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.connection.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.connection.shared.admission.leave();
        // First whoever's turn it is, lest a connection with many requests keep all the places.
        self.connection.shared.admission.wake_next();
        if self.connection.queued_calls() > 0 {
            self.connection.start_queued();
        }
    }
}

/// A call whose panic is a value.
pub(super) struct CatchUnwind<F>(pub(super) F);

impl<F> Future for CatchUnwind<F>
where
    F: Future<Output = Result<Reply, Error>> + Unpin,
{
    type Output = Result<Result<Reply, Error>, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
