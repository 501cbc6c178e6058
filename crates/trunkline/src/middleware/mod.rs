//! What goes around calls, on both ends alike.
//!
//! A [`Middleware`] sees a call before and after the rest of the chain. The first one added is
//! the outermost; the chain is fixed when the client or server is built. On a client, `layer`
//! goes around the call and `attempt_layer` around each attempt of it; on a server, `layer`
//! goes around routing and handler.
//!
//! ```
//! use trunkline::middleware::{Middleware, Next};
//! use trunkline::{Call, Error, Reply};
//!
//! struct Log;
//!
//! impl Middleware for Log {
//!     async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
//!         let result = next.run(call).await;
//!         if let Err(error) = &result {
//!             tracing::warn!(service = call.service(), method = call.method(), %error);
//!         }
//!         result
//!     }
//! }
//! ```
//!
//! A layer may answer in place of the rest, run the rest again, and change the call: what it
//! changes is seen by layers further in and by the handler. A panic in a server's layer is
//! answered as one in a handler is, with [`ErrorKind::Internal`](crate::ErrorKind::Internal);
//! on a client it unwinds into the caller.
//!
//! What comes ready made, in an order that suits a server, the outermost first:
//!
//! | layer | does |
//! |---|---|
//! | [`Alias`] | answers to other names; out here, so that the next ones see the real names |
//! | [`Trace`] | a span around each call, and the trace that goes on to nested calls |
//! | [`Metrics`], of the feature `metrics` | counts and times, for Prometheus |
//! | [`Auth`] | who calls; those who may not are kept from all that follows |
//! | [`RateLimit`] | how many calls begin in a stretch of time |
//! | [`LoadShed`] | refuses calls while the process has more to do than it can |
//! | [`ConcurrencyLimit`] | how many calls run at a time |
//! | [`Timeout`] | how long a call may take; further out it would include the waiting of the two limits |
//! | [`Faults`] | what goes wrong, for tests and drills |
//! | [`Tower`], of the feature `tower` | any tower layer |
//!
//! All but [`Auth`] work on a client as well, where [`Auth::token`] sends what a server's
//! [`Auth`] asks for. [`from_fn`] makes a layer from a closure.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::call::{Call, Reply};
use crate::error::Error;
use crate::transport::BoxFuture;

mod alias;
mod auth;
mod concurrency;
mod faults;
#[cfg(feature = "metrics")]
mod metrics;
mod rate;
mod shed;
mod timeout;
#[cfg(feature = "tower")]
mod tower;
mod trace;

pub use alias::Alias;
pub use auth::{Auth, AuthRequest, BearerToken, Check, Token};
pub use concurrency::ConcurrencyLimit;
pub use faults::{Fault, Faults};
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use rate::RateLimit;
pub use shed::LoadShed;
pub use timeout::Timeout;
#[cfg(feature = "tower")]
pub use tower::{Rest, Tower};
pub use trace::Trace;

/// What goes around a call.
pub trait Middleware: Send + Sync + 'static {
    /// Handles a call: asks `next` for the answer, once, several times or not at all.
    fn handle(&self, call: &mut Call, next: Next<'_>) -> impl Future<Output = Result<Reply, Error>> + Send;
}

/// The rest of the chain. Copying it lets a middleware try again.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    rest: &'a [Arc<dyn Erased>],
    end: &'a dyn End,
}

impl<'a> Next<'a> {
    /// Runs the rest of the chain.
    pub fn run(self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        match self.rest.split_first() {
            Some((first, rest)) => first.handle(call, Next { rest, end: self.end }),
            None => self.end.call(call),
        }
    }

    /// Which end of the call this chain is on.
    pub fn side(&self) -> Side {
        self.end.side()
    }

    /// Whether the call's service and method exist here. A client cannot know and says yes.
    ///
    /// What grows with each name it is shown, labels of metrics say, asks this first: on a
    /// server the names are the caller's choice.
    pub fn knows(&self, call: &Call) -> bool {
        self.end.knows(call)
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Next({} more)", self.rest.len())
    }
}

/// An end of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// The caller's.
    Client,
    /// The handler's.
    Server,
}

/// What a chain ends in: the router on a server, the connection on a client.
pub(crate) trait End: Send + Sync {
    fn side(&self) -> Side;

    /// Whether the call's names lead somewhere.
    fn knows(&self, _: &Call) -> bool {
        true
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>>;
}

/// The stored twin of [`Middleware`], whose futures are boxed.
trait Erased: Send + Sync {
    fn handle<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply, Error>>;
}

impl<M: Middleware> Erased for M {
    fn handle<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(Middleware::handle(self, call, next))
    }
}

/// Middleware in order, outermost first.
#[derive(Clone, Default)]
pub(crate) struct Chain(Vec<Arc<dyn Erased>>);

impl Chain {
    pub(crate) fn add(&mut self, middleware: impl Middleware) {
        self.0.push(Arc::new(middleware));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn run<'a>(
        &'a self,
        call: &'a mut Call,
        end: &'a dyn End,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        Next { rest: &self.0, end }.run(call)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({})", self.0.len())
    }
}

/// A middleware from a closure. The closure boxes its future, because a closure's future cannot
/// be declared sendable otherwise.
///
/// ```
/// use trunkline::middleware::from_fn;
///
/// let stamp = from_fn(|call, next| {
///     Box::pin(async move {
///         call.metadata_mut().insert("caller", "billing");
///         next.run(call).await
///     })
/// });
/// # let _ = stamp;
/// ```
pub fn from_fn<F>(f: F) -> FromFn<F>
where
    F: for<'a> Fn(&'a mut Call, Next<'a>) -> BoxFuture<'a, Result<Reply, Error>> + Send + Sync + 'static,
{
    FromFn(f)
}

/// A middleware from a closure; see [`from_fn`].
pub struct FromFn<F>(F);

impl<F> Middleware for FromFn<F>
where
    F: for<'a> Fn(&'a mut Call, Next<'a>) -> BoxFuture<'a, Result<Reply, Error>> + Send + Sync + 'static,
{
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        // The two lifetimes of the signature meet in the shorter one.
        (self.0)(call, next).await
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}
