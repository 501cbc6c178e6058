//! Endpoints: what a route ends in. Generic at the edge, one object-safe trait behind.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tracing::Instrument;
use trunkline_wire::SerializeType;

use super::first_calls::FirstCalls;
use crate::call::{Call, Reply};
use crate::codec::{CodecError, CodecSet, DecodeSet, EncodeSet, FormatSet, SetError};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, IntoFailure};
use crate::frame::scratch;
use crate::transport::BoxFuture;

/// What a route ends in: decodes, runs the user's function, encodes.
pub(crate) trait Endpoint: Send + Sync + 'static {
    /// `args`: as they came, still encoded.
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> BoxFuture<'static, Result<Reply, Error>>;

    /// The same endpoint behind a counter of its own. Each connection takes one, so that cores
    /// do not fight over one reference count at every call.
    fn fork(&self) -> Arc<dyn Endpoint>;
}

/// Starts a call. It is taken apart here, so that what every handler's future keeps of it is a pointer.
#[inline]
pub(crate) fn start(endpoint: Arc<dyn Endpoint>, call: Call) -> BoxFuture<'static, Result<Reply, Error>> {
    let (ctx, body) = Ctx::begin(call);
    endpoint.call(ctx, body.into_bytes())
}

/// How a method's calls are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodFlags {
    /// Doing the work twice is the same as doing it once.
    pub idempotent: bool,
    /// Goes on when its caller is gone or out of time.
    pub run_to_completion: bool,
    /// Blocks its thread: runs on the blocking pool.
    pub blocking: bool,
}

impl MethodFlags {
    fn runs_apart(self) -> bool {
        self.blocking || self.run_to_completion
    }
}

/// One method of a service that `S` implements; what `#[trunkline::service]` writes for each.
pub trait Method<S>: Send + Sync + 'static {
    /// The argument.
    type Args: Send + 'static;
    /// The reply.
    type Reply: Send + Sync + 'static;
    /// What it may fail with.
    type Error: IntoFailure;
    /// The formats that its arguments come in.
    type ArgsFormats: DecodeSet<Self::Args>;
    /// The formats that its replies go out in: the same.
    type ReplyFormats: EncodeSet<Self::Reply>;

    /// Runs the method.
    fn call<'a>(
        service: &'a S,
        ctx: &'a Ctx,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Reply, Self::Error>> + Send + 'a;
}

/// A method of a user's type.
pub(crate) struct MethodEndpoint<S, M> {
    service: Arc<S>,
    flags: MethodFlags,
    first_calls: Arc<FirstCalls>,
    method: PhantomData<fn() -> M>,
}

impl<S, M> MethodEndpoint<S, M> {
    pub(crate) fn new(service: Arc<S>, flags: MethodFlags) -> Self {
        Self { service, flags, first_calls: Arc::new(FirstCalls::new()), method: PhantomData }
    }
}

impl<S, M> MethodEndpoint<S, M>
where
    M: Method<S>,
{
    async fn handle(self: Arc<Self>, ctx: Ctx, payload: Bytes) -> Result<Reply, Error> {
        // By hand and not by combinators, each of which would move the argument once more.
        let args = match self.first_calls.decode::<M::ArgsFormats, M::Args>(&ctx, &payload) {
            Ok(args) => args,
            Err(error) => return Err(undecodable::<M::ArgsFormats>(error)),
        };
        drop(payload);
        // Pinned where it is made: as a value it would be moved twice, argument and all.
        let handling = pin!(M::call(&self.service, &ctx, args));
        let result = ctx.scope(handling).await;
        answer::<M::ReplyFormats, M::Reply, M::Error>(&ctx, result)
    }
}

impl<S, M> Endpoint for MethodEndpoint<S, M>
where
    S: Send + Sync + 'static,
    M: Method<S>,
{
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> BoxFuture<'static, Result<Reply, Error>> {
        if self.flags.runs_apart() {
            return run_apart(self.flags, self.handle(ctx, args));
        }
        Box::pin(self.handle(ctx, args))
    }

    fn fork(&self) -> Arc<dyn Endpoint> {
        let (service, first_calls) = (self.service.clone(), self.first_calls.clone());
        Arc::new(Self { service, flags: self.flags, first_calls, method: PhantomData })
    }
}

/// A closure or function: `|args|` or `|ctx, args|`.
pub trait Function<A, Marker>: Send + Sync + 'static {
    /// The reply.
    type Reply: Send + Sync + 'static;

    /// Runs the function.
    fn call(&self, ctx: Ctx, args: A) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
}

/// Marks functions of the argument alone.
#[derive(Debug)]
pub struct ArgsOnly;

/// Marks functions of the context and the argument.
#[derive(Debug)]
pub struct WithCtx;

// The error is `Failure` and no type parameter: so `Ok(..)` alone says enough, and `?` takes any error.
impl<A, R, F, Fut> Function<A, ArgsOnly> for F
where
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send,
    R: Send + Sync + 'static,
    A: Send + 'static,
{
    type Reply = R;

    async fn call(&self, _: Ctx, args: A) -> Result<R, Failure> {
        self(args).await
    }
}

impl<A, R, F, Fut> Function<A, WithCtx> for F
where
    F: Fn(Ctx, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send,
    R: Send + Sync + 'static,
    A: Send + 'static,
{
    type Reply = R;

    async fn call(&self, ctx: Ctx, args: A) -> Result<R, Failure> {
        self(ctx, args).await
    }
}

/// Argument, shape of the closure, formats: known to the type alone.
type Kinds<A, K, C> = fn() -> (A, K, C);

pub(crate) struct FunctionEndpoint<F, A, K, C> {
    function: Arc<F>,
    flags: MethodFlags,
    first_calls: Arc<FirstCalls>,
    kind: PhantomData<Kinds<A, K, C>>,
}

impl<F, A, K, C> FunctionEndpoint<F, A, K, C> {
    pub(crate) fn new(function: Arc<F>, flags: MethodFlags) -> Self {
        Self { function, flags, first_calls: Arc::new(FirstCalls::new()), kind: PhantomData }
    }
}

impl<F, A, K, C> FunctionEndpoint<F, A, K, C>
where
    F: Function<A, K>,
    C: CodecSet<A, F::Reply>,
{
    async fn handle(self: Arc<Self>, ctx: Ctx, payload: Bytes) -> Result<Reply, Error> {
        let args = match self.first_calls.decode::<C, A>(&ctx, &payload) {
            Ok(args) => args,
            Err(error) => return Err(undecodable::<C>(error)),
        };
        drop(payload);
        let handling = pin!(self.function.call(ctx.clone(), args));
        let result = ctx.scope(handling).await;
        answer::<C, F::Reply, Failure>(&ctx, result)
    }
}

impl<F, A, K, C> Endpoint for FunctionEndpoint<F, A, K, C>
where
    F: Function<A, K>,
    C: CodecSet<A, F::Reply>,
    A: Send + 'static,
    K: 'static,
{
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> BoxFuture<'static, Result<Reply, Error>> {
        if self.flags.runs_apart() {
            return run_apart(self.flags, self.handle(ctx, args));
        }
        Box::pin(self.handle(ctx, args))
    }

    fn fork(&self) -> Arc<dyn Endpoint> {
        let (function, first_calls) = (self.function.clone(), self.first_calls.clone());
        Arc::new(Self { function, flags: self.flags, first_calls, kind: PhantomData })
    }
}

/// A handler of encoded bytes, whatever their format.
pub(crate) struct RawEndpoint<F>(pub(crate) Arc<F>);

impl<F, Fut> Endpoint for RawEndpoint<F>
where
    F: Fn(Ctx, Bytes) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Bytes, Failure>> + Send + 'static,
{
    fn call(self: Arc<Self>, ctx: Ctx, args: Bytes) -> BoxFuture<'static, Result<Reply, Error>> {
        Box::pin(async move {
            let result = ctx.scope((self.0)(ctx.clone(), args)).await;
            match result {
                Ok(bytes) => Ok(Reply {
                    metadata: ctx.take_reply_metadata(),
                    body: bytes.into(),
                    via: None,
                    explanation: None,
                }),
                Err(failure) => {
                    let (mut error, reply) = failure.into_parts();
                    error.metadata_mut().extend(&ctx.take_reply_metadata());
                    // The reply type of such a handler is bytes, encoded already.
                    Err(match reply.map(|reply| reply.downcast::<Bytes>()) {
                        Some(Ok(bytes)) => error.with_reply(ctx.format(), *bytes),
                        Some(Err(_)) => {
                            warn_of_stranger(&ctx, std::any::type_name::<Bytes>());
                            error
                        }
                        None => error,
                    })
                }
            }
        })
    }

    fn fork(&self) -> Arc<dyn Endpoint> {
        Arc::new(Self(self.0.clone()))
    }
}

/// Runs a handler where dropping the caller's end does not stop it.
#[cold]
fn run_apart(
    flags: MethodFlags,
    future: impl Future<Output = Result<Reply, Error>> + Send + 'static,
) -> BoxFuture<'static, Result<Reply, Error>> {
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

#[cold]
fn undecodable<C: FormatSet>(error: SetError) -> Error {
    match error {
        SetError::Unknown(format) => no_codec(format, C::NAMES),
        SetError::Codec(error) => Error::new(ErrorKind::Invalid, codec_text(&error)).with_source(error),
    }
}

/// Go's text, exactly; what the service does speak goes to the log of the one who looks.
pub(crate) fn no_codec(format: SerializeType, spoken: &[&str]) -> Error {
    let text = format!("can not find codec for {}", format.id());
    tracing::debug!(%format, spoken = spoken.join(", "), "a request came in a format the service does not speak");
    Error::new(ErrorKind::Invalid, text)
}

/// Go answers an empty payload with a bare `EOF`; clients may look for it.
fn codec_text(error: &CodecError) -> String {
    match error.text() {
        text @ ("EOF" | "unexpected EOF") => text.to_owned(),
        _ => error.to_string(),
    }
}

#[inline]
fn answer<C, R, E>(ctx: &Ctx, result: Result<R, E>) -> Result<Reply, Error>
where
    C: EncodeSet<R>,
    R: 'static,
    E: IntoFailure,
{
    match result {
        // Nobody reads the reply of a oneway: it is not encoded.
        Ok(_) if ctx.is_oneway() => Ok(Reply::default()),
        // By reference: it would be moved once more.
        Ok(ref reply) => {
            let body = encode::<C, R>(ctx, reply)?;
            Ok(Reply { metadata: ctx.take_reply_metadata(), body: body.into(), via: None, explanation: None })
        }
        Err(error) => {
            let (mut error, reply) = error.into_failure().into_parts();
            error.metadata_mut().extend(&ctx.take_reply_metadata());
            if let Some(reply) = reply {
                error = with_reply::<C, R>(ctx, error, &*reply)?;
            }
            Err(error)
        }
    }
}

fn with_reply<C, R>(ctx: &Ctx, error: Error, reply: &(dyn Any + Send)) -> Result<Error, Error>
where
    C: EncodeSet<R>,
    R: 'static,
{
    let Some(reply) = reply.downcast_ref::<R>() else {
        warn_of_stranger(ctx, std::any::type_name::<R>());
        return Ok(error);
    };
    // As in Go, an error that does not encode its reply is replaced by the encoding's own.
    let payload = encode::<C, R>(ctx, reply)?;
    Ok(error.with_reply(ctx.format(), payload.into()))
}

fn warn_of_stranger(ctx: &Ctx, expected: &str) {
    tracing::warn!(
        service = ctx.service(),
        method = ctx.method(),
        expected,
        "the reply beside the error is not of the method's reply type; it is left out"
    );
}

#[inline]
fn encode<C, R>(ctx: &Ctx, reply: &R) -> Result<Vec<u8>, Error>
where
    C: EncodeSet<R>,
{
    let mut out = scratch::take();
    match C::encode(ctx.format(), reply, &mut out) {
        Ok(()) => Ok(out),
        Err(SetError::Unknown(format)) => Err(no_codec(format, C::NAMES)),
        Err(SetError::Codec(error)) => {
            Err(Error::new(ErrorKind::Internal, error.to_string()).with_source(error))
        }
    }
}
