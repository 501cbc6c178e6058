//! What a handler knows of its call: metadata, deadline, peer, cancellation.
//!
//! Around every poll of a handler its [`Ctx`] is the current one, so calls made inside inherit
//! what is left of the deadline and the trace, without a word in the handler.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use trunkline_wire::{Header, Message, Metadata, SerializeType, keys};

use crate::budget::Charge;
use crate::call::{Body, Call, Extensions, Target};
use crate::error::Error;
use crate::transport::{BoxFuture, Peer};

/// What a handler knows of its call. Cheap to clone.
///
/// ```
/// use trunkline::{Ctx, Failure};
///
/// async fn whoami(ctx: &Ctx) -> Result<String, Failure> {
///     ctx.reply_metadata("served-by", "node-1");
///     Ok(ctx.metadata().get("user").unwrap_or("nobody").to_owned())
/// }
/// ```
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

struct Inner {
    target: Target,
    metadata: Metadata,
    deadline: Option<Instant>,
    format: SerializeType,
    oneway: bool,
    origin: Option<Arc<dyn Origin>>,
    extensions: Option<Box<Extensions>>,
    /// Most handlers add none, and then no lock is taken.
    reply_metadata: OnceLock<Mutex<Metadata>>,
    _charge: Option<Charge>,
}

/// Where calls come in: a server's connection.
pub(crate) trait Origin: Send + Sync + 'static {
    fn peer(&self) -> &Peer;
    fn push<'a>(
        &'a self,
        service: &'a str,
        method: &'a str,
        metadata: &'a Metadata,
        payload: Bytes,
    ) -> BoxFuture<'a, Result<(), Error>>;
    fn closed(&self) -> BoxFuture<'_, ()>;
    /// Ends the connection at once, whatever is under way on it.
    fn cut(&self, why: &'static str);
}

thread_local! {
    static CURRENT: RefCell<Option<Ctx>> = const { RefCell::new(None) };
}

impl Ctx {
    /// Takes the call apart into what the handler may know and the encoded argument.
    pub(crate) fn begin(call: Call) -> (Self, Body) {
        let inner = Inner {
            target: call.target,
            metadata: call.metadata,
            deadline: call.deadline,
            format: call.format,
            oneway: call.oneway,
            origin: call.origin,
            extensions: call.extensions,
            reply_metadata: OnceLock::new(),
            _charge: call.charge,
        };
        (Self(Arc::new(inner)), call.body)
    }

    /// The same context with the metadata of another request. None: somebody has kept it.
    #[inline]
    pub(crate) fn with_metadata(mut self, request: &Message) -> Option<Self> {
        // Copied: sharing a few bytes with the frame costs more, and keeps all it was read with.
        request.copy_metadata(&mut Arc::get_mut(&mut self.0)?.metadata);
        Some(self)
    }

    /// The context of another call of the same method over the same connection with the same metadata,
    /// in the same memory. None: somebody has kept it.
    #[inline]
    pub(crate) fn renewed(mut self, request: Header, deadline: Option<Instant>) -> Option<Self> {
        let inner = Arc::get_mut(&mut self.0)?;
        inner.deadline = deadline;
        inner.format = request.serialize();
        inner.oneway = request.is_oneway();
        inner.reply_metadata.take();
        Some(self)
    }

    /// The context of a request that has nothing about it that is rare.
    pub(crate) fn of_request(
        request: &Message,
        target: Target,
        origin: Arc<dyn Origin>,
        deadline: Option<Instant>,
    ) -> Self {
        let mut metadata = Metadata::new();
        request.copy_metadata(&mut metadata);
        Self(Arc::new(Inner {
            target,
            metadata,
            deadline,
            format: request.header().serialize(),
            oneway: request.header().is_oneway(),
            origin: Some(origin),
            extensions: None,
            reply_metadata: OnceLock::new(),
            _charge: None,
        }))
    }

    /// The context of the handler that is running now, where one is.
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(crate) fn with_current<R>(f: impl FnOnce(Option<&Self>) -> R) -> R {
        CURRENT.with_borrow(|ctx| f(ctx.as_ref()))
    }

    /// The service path that was called.
    pub fn service(&self) -> &str {
        self.0.target.service()
    }

    /// The method that was called.
    pub fn method(&self) -> &str {
        self.0.target.method()
    }

    /// The request's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Adds a pair to the response's metadata. It travels with errors too.
    pub fn reply_metadata(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let metadata = self.0.reply_metadata.get_or_init(|| Mutex::new(Metadata::new()));
        metadata.lock().insert(key, value);
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// How long the caller goes on waiting.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The format of the request and its reply.
    pub fn format(&self) -> SerializeType {
        self.0.format
    }

    /// Whether nobody waits for an answer.
    pub fn is_oneway(&self) -> bool {
        self.0.oneway
    }

    /// Who calls; none when the call came over no connection.
    pub fn peer(&self) -> Option<&Peer> {
        self.0.origin.as_ref().map(|o| o.peer())
    }

    /// What middleware left for the handler.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.as_ref()?.get()
    }

    /// A handle to send messages to the caller's connection, now and after this call.
    pub fn pusher(&self) -> Option<Pusher> {
        self.0.origin.clone().map(Pusher)
    }

    /// Ends when the caller is gone or out of time.
    ///
    /// Handlers are dropped then unless they run to completion, so only those need to ask.
    pub async fn cancelled(&self) {
        let gone = async {
            match &self.0.origin {
                Some(origin) if !self.0.oneway => origin.closed().await,
                _ => std::future::pending().await,
            }
        };
        let late = async {
            match self.0.deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { biased; () = gone => {}, () = late => {} }
    }

    /// Makes this the current context around a future, for tasks that a handler spawns: calls
    /// made inside inherit the deadline and the trace.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped { ctx: Some(self.clone()), future }
    }

    /// Runs `f` while this context is the current one.
    #[inline]
    pub(crate) fn during<T>(ctx: &mut Option<Self>, f: impl FnOnce() -> T) -> T {
        // Moved in and out instead of cloned: no counter is touched per poll. The guard puts
        // back what was there before, also when the poll panics.
        let outer = CURRENT.with_borrow_mut(|current| std::mem::replace(current, ctx.take()));
        let _guard = Restore { outer, ctx };
        f()
    }

    pub(crate) fn has_reply_metadata(&self) -> bool {
        self.0.reply_metadata.get().is_some()
    }

    pub(crate) fn take_reply_metadata(&self) -> Metadata {
        self.0
            .reply_metadata
            .get()
            .map_or_else(Metadata::new, |metadata| std::mem::take(&mut *metadata.lock()))
    }

    /// The trace pairs that nested calls carry on.
    pub(crate) fn inherit_into(&self, metadata: &mut Metadata) {
        for key in [keys::TRACEPARENT, keys::TRACESTATE, keys::BAGGAGE] {
            if let Some(value) = self.0.metadata.get(key)
                && metadata.get(key).is_none()
            {
                metadata.insert(key, value);
            }
        }
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("service", &self.service())
            .field("method", &self.method())
            .field("metadata", &self.0.metadata)
            .field("deadline", &self.0.deadline)
            .finish_non_exhaustive()
    }
}

/// Sends messages to a connected client, which it did not ask for. Cheap to clone.
#[derive(Clone)]
pub struct Pusher(Arc<dyn Origin>);

impl Pusher {
    /// Sends a message; done when the connection has taken it.
    ///
    /// # Errors
    /// When the connection is closed, or too much waits for it to read.
    pub async fn push(
        &self,
        service: &str,
        method: &str,
        metadata: &Metadata,
        payload: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.0.push(service, method, metadata, payload.into()).await
    }

    /// Who will receive it.
    pub fn peer(&self) -> &Peer {
        self.0.peer()
    }

    /// Ends when the connection does.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl fmt::Debug for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pusher").field(&self.peer().address).finish()
    }
}

pin_project! {
    /// A future during whose polls a context is the current one.
    struct Scoped<F> {
        ctx: Option<Ctx>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        Ctx::during(this.ctx, || this.future.poll(cx))
    }
}

struct Restore<'a> {
    outer: Option<Ctx>,
    ctx: &'a mut Option<Ctx>,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        *self.ctx = CURRENT.with_borrow_mut(|current| std::mem::replace(current, self.outer.take()));
    }
}
