//! Endpoints: what a route ends in. Generic at the edge, one object-safe trait behind.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tracing::Instrument;
use trunkline_wire::SerializeType;

use super::dispatch::Handling;
use super::handler::MethodFlags;
use super::outcome;
use super::seat::{HandlerSeat, Seat};
use crate::call::{Call, Reply};
use crate::codec::SetError;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::failure::IntoFailure;

/// What a route ends in: decodes, runs the user's function, encodes.
pub(crate) trait Endpoint: Send + Sync + 'static {
    /// `args`: as they came, still encoded.
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> Handling;

    /// Where one connection begins its calls; none where calls are not begun by the one who reads.
    fn seat(self: Arc<Self>) -> Option<Box<dyn Seat>>;

    /// The same endpoint behind a counter of its own. Each connection takes one, so that cores
    /// do not fight over one reference count at every call.
    fn fork(&self) -> Arc<dyn Endpoint>;
}

/// Starts a call. It is taken apart here, so that what every handler's future keeps of it is a pointer.
#[inline]
pub(crate) fn start(endpoint: Arc<dyn Endpoint>, call: Call) -> Handling {
    let (ctx, body) = Ctx::begin(call);
    endpoint.call(ctx, body.into_bytes())
}

/// What a user wrote, and the formats around it.
pub(crate) trait Handler: Sized + Send + Sync + 'static {
    type Reply: Send + Sync + 'static;
    type Error: IntoFailure;

    fn flags(&self) -> MethodFlags;

    fn fork(&self) -> Self;

    /// Decodes the argument and runs the user's function.
    fn handle(self: Arc<Self>, ctx: Ctx, args: Bytes)
    -> impl Future<Output = Handled<Self>> + Send + 'static;

    /// Appends a reply in the format of its request.
    fn encode(format: SerializeType, reply: &Self::Reply, out: &mut Vec<u8>) -> Result<(), SetError>;

    /// A reply that is encoded already and too large to copy.
    fn shared(reply: &Self::Reply) -> Option<Bytes> {
        let _ = reply;
        None
    }

    /// The formats of replies.
    fn speaks() -> &'static [&'static str];
}

/// What the handler said, or why it was not asked.
pub(crate) type Handled<H> = Result<Result<<H as Handler>::Reply, <H as Handler>::Error>, Error>;

impl<H: Handler> Endpoint for H {
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> Handling {
        let flags = self.flags();
        let running = UnderWay::<H, _>::new(ctx.clone(), self.handle(ctx, args));
        if flags.runs_apart() { run_apart(flags, running) } else { Box::pin(running) }
    }

    fn seat(self: Arc<Self>) -> Option<Box<dyn Seat>> {
        let apart = self.flags().runs_apart();
        (!apart).then(|| -> Box<dyn Seat> { Box::new(HandlerSeat::new(self, H::handle)) })
    }

    fn fork(&self) -> Arc<dyn Endpoint> {
        Arc::new(Handler::fork(self))
    }
}

pin_project! {
    /// A handler under way. While it is polled, its context is the current one.
    pub(super) struct UnderWay<H, F> {
        ctx: Option<Ctx>,
        #[pin]
        handling: Option<F>,
        handler: PhantomData<fn() -> H>,
    }
}

impl<H: Handler, F: Future<Output = Handled<H>>> UnderWay<H, F> {
    fn new(ctx: Ctx, handling: F) -> Self {
        Self { ctx: Some(ctx), handling: Some(handling), handler: PhantomData }
    }

    /// Memory for a handler.
    pub(super) fn none() -> Self {
        Self { ctx: None, handling: None, handler: PhantomData }
    }

    #[inline]
    pub(super) fn begin(self: Pin<&mut Self>, ctx: Ctx, handling: F) {
        let mut this = self.project();
        *this.ctx = Some(ctx);
        this.handling.set(Some(handling));
    }

    /// Drops the handler, which leaves the memory.
    #[inline]
    pub(super) fn end(self: Pin<&mut Self>) -> Option<Ctx> {
        let mut this = self.project();
        this.handling.set(None);
        this.ctx.take()
    }

    /// Polls the handler, for what it says.
    #[inline]
    pub(super) fn poll_handled(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Handled<H>> {
        let this = self.project();
        let Some(handling) = this.handling.as_pin_mut() else { return Poll::Pending };
        Ctx::during(this.ctx, || handling.poll(cx))
    }
}

impl<H: Handler, F: Future<Output = Handled<H>>> Future for UnderWay<H, F> {
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let handled = ready!(self.as_mut().poll_handled(cx));
        let Some(ctx) = &*self.project().ctx else { return Poll::Pending };
        Poll::Ready(outcome::reply::<H>(ctx, handled))
    }
}

/// Runs a handler where dropping the caller's end does not stop it.
#[cold]
fn run_apart(
    flags: MethodFlags,
    future: impl Future<Output = Result<Reply, Error>> + Send + 'static,
) -> Handling {
    // The span of a layer around this call goes along to wherever the handler runs.
    let future = future.in_current_span();
    if flags.blocking {
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || runtime.block_on(future));
        return Box::pin(joined(task, false));
    }
    Box::pin(joined(tokio::spawn(future), true))
}

/// `may_have_run`: a task that the runtime drops may have been polled; one of the blocking pool has not begun.
async fn joined(
    task: tokio::task::JoinHandle<Result<Reply, Error>>,
    may_have_run: bool,
) -> Result<Reply, Error> {
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            // One place answers panics, whichever thread they happened on.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                let error = Error::new(ErrorKind::Unavailable, "the runtime is shutting down");
                Err(if may_have_run { error } else { error.not_started() })
            }
        },
    }
}
