//! Handlers as users write them: methods of a type, functions, handlers of encoded bytes.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use trunkline_wire::SerializeType;

use super::endpoint::{Handled, Handler};
use super::first_calls::FirstCalls;
use super::outcome::undecodable;
use crate::codec::{CodecSet, DecodeSet, EncodeSet, FormatSet, SetError};
use crate::ctx::Ctx;
use crate::failure::{Failure, IntoFailure};
use crate::frame::outgoing::LARGE;

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
    pub(super) fn runs_apart(self) -> bool {
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

impl<S, M> Handler for MethodEndpoint<S, M>
where
    S: Send + Sync + 'static,
    M: Method<S>,
{
    type Reply = M::Reply;
    type Error = M::Error;

    fn flags(&self) -> MethodFlags {
        self.flags
    }

    fn fork(&self) -> Self {
        let (service, first_calls) = (self.service.clone(), self.first_calls.clone());
        Self { service, flags: self.flags, first_calls, method: PhantomData }
    }

    async fn handle(self: Arc<Self>, ctx: Ctx, args: Bytes) -> Handled<Self> {
        // Decoded and pinned where it goes: each name on the way would move it once more.
        let handling = pin!(M::call(
            &self.service,
            &ctx,
            match self.first_calls.decode::<M::ArgsFormats, M::Args>(&ctx, &args) {
                Some(Ok(decoded)) => decoded,
                refused => return Err(undecodable::<M::ArgsFormats>(&ctx, refused.and_then(Result::err))),
            }
        ));
        drop(args);
        Ok(handling.await)
    }

    fn encode(format: SerializeType, reply: &M::Reply, out: &mut Vec<u8>) -> Result<(), SetError> {
        M::ReplyFormats::encode(format, reply, out)
    }

    fn speaks() -> &'static [&'static str] {
        M::ReplyFormats::NAMES
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

impl<F, A, K, C> Handler for FunctionEndpoint<F, A, K, C>
where
    F: Function<A, K>,
    C: CodecSet<A, F::Reply>,
    A: Send + 'static,
    K: 'static,
{
    type Reply = F::Reply;
    type Error = Failure;

    fn flags(&self) -> MethodFlags {
        self.flags
    }

    fn fork(&self) -> Self {
        let (function, first_calls) = (self.function.clone(), self.first_calls.clone());
        Self { function, flags: self.flags, first_calls, kind: PhantomData }
    }

    async fn handle(self: Arc<Self>, ctx: Ctx, args: Bytes) -> Handled<Self> {
        let decoded = match self.first_calls.decode::<C, A>(&ctx, &args) {
            Some(Ok(decoded)) => decoded,
            refused => return Err(undecodable::<C>(&ctx, refused.and_then(Result::err))),
        };
        drop(args);
        let handling = pin!(self.function.call(ctx, decoded));
        Ok(handling.await)
    }

    fn encode(format: SerializeType, reply: &F::Reply, out: &mut Vec<u8>) -> Result<(), SetError> {
        C::encode(format, reply, out)
    }

    fn speaks() -> &'static [&'static str] {
        C::NAMES
    }
}

/// A handler of encoded bytes, whatever their format.
pub(crate) struct RawEndpoint<F>(pub(crate) Arc<F>);

impl<F, Fut> Handler for RawEndpoint<F>
where
    F: Fn(Ctx, Bytes) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Bytes, Failure>> + Send + 'static,
{
    type Reply = Bytes;
    type Error = Failure;

    fn flags(&self) -> MethodFlags {
        MethodFlags::default()
    }

    fn fork(&self) -> Self {
        Self(self.0.clone())
    }

    async fn handle(self: Arc<Self>, ctx: Ctx, args: Bytes) -> Handled<Self> {
        Ok((self.0)(ctx, args).await)
    }

    /// They are encoded already.
    fn encode(_: SerializeType, reply: &Bytes, out: &mut Vec<u8>) -> Result<(), SetError> {
        out.extend_from_slice(reply);
        Ok(())
    }

    fn shared(reply: &Bytes) -> Option<Bytes> {
        (reply.len() >= LARGE).then(|| reply.clone())
    }

    fn speaks() -> &'static [&'static str] {
        &[]
    }
}
