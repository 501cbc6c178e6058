//! One call as its caller makes it: options first, then `.await`.
//!
//! The short way (no layers, a connection that is up) is a hand-written future: it encodes,
//! parks its waker in the connection's table and decodes the reply, with no allocation of its
//! own. Everything else is boxed.

use std::borrow::Borrow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{COMPRESS_THRESHOLD, CompressType, EncodeError, Header, Metadata, SerializeType};

use super::attempt::{self, Pending};
use super::connection::{Head, NotStarted};
use super::endpoint::Endpoint;
use super::handle::Client;
use super::in_flight::Outcome;
use crate::call::{Body, Call, Reply, Target};
use crate::codec::{Codec, CodecError, Decode, Encode};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::frame::scratch;
use crate::transport::BoxFuture;

/// A call that is made when it is awaited. Dropping the future gives the call up.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn run(client: &trunkline::Client) -> Result<(), trunkline::Error> {
/// let sum: i64 = client
///     .service("Math")
///     .call("Sum", &[1, 2, 3])
///     .timeout(Duration::from_millis(50))
///     .metadata("tenant", "7")
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "a call is made when it is awaited"]
pub struct Request<'a, A: ?Sized, R, B> {
    client: &'a Client,
    service: &'a str,
    method: &'a str,
    args: B,
    codec: Codec<A, R>,
    /// As the service declares it.
    idempotent: bool,
    /// What most calls do not set.
    options: Option<Box<Options>>,
}

#[derive(Default)]
struct Options {
    timeout: Option<Duration>,
    idempotent: Option<bool>,
    metadata: Metadata,
    compress: Option<CompressType>,
    within: Option<Ctx>,
    format: Option<SerializeType>,
}

/// A reply with everything that came along with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response<R> {
    /// The reply.
    pub value: R,
    /// The response's metadata.
    pub metadata: Metadata,
    /// The address of the server that answered.
    pub address: Option<Arc<str>>,
}

impl<'a, A: ?Sized, R, B: Borrow<A>> Request<'a, A, R, B> {
    /// A call of a method; what the clients made by `#[trunkline::service]` return.
    pub fn new(
        client: &'a Client,
        service: &'a str,
        method: &'a str,
        args: B,
        codec: Codec<A, R>,
        idempotent: bool,
    ) -> Self {
        Self { client, service, method, args, codec, idempotent, options: None }
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    /// How long the call may take, in place of the method's or the client's default. Inside a handler it never
    /// takes longer than its caller waits.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout = Some(timeout);
        self
    }

    /// Adds a pair to the request's metadata.
    pub fn metadata(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.options().metadata.insert(key, value);
        self
    }

    /// Sends the call in another format than the service's first.
    pub fn codec<F>(mut self, _: F) -> Self
    where
        F: Encode<A> + Decode<R>,
    {
        self.codec = Codec::of::<F>();
        self
    }

    /// Says whether doing the work twice is the same as doing it once, in place of what the
    /// client was told of the method or the service declares.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.options().idempotent = Some(idempotent);
        self
    }

    /// Compresses the argument if it is above 1,024 bytes, in place of the client's default.
    pub fn compress(mut self, kind: CompressType) -> Self {
        self.options().compress = Some(kind);
        self
    }

    /// Makes the call part of a handler's work although it is made in another task: it inherits
    /// deadline and trace.
    pub fn within(mut self, ctx: &Ctx) -> Self {
        self.options().within = Some(ctx.clone());
        self
    }

    pub(super) fn in_format(mut self, format: SerializeType) -> Self {
        self.options().format = Some(format);
        self
    }

    /// Makes the call and returns the reply with its metadata and the address it came from.
    ///
    /// # Errors
    /// As awaiting the request does.
    pub async fn response(self) -> Result<Response<R>, Error> {
        let (codec, map) = (self.codec, self.client.clone());
        let names = (self.service, self.method);
        let mut exchange = Exchange::Fresh(self);
        let reply = std::future::poll_fn(|cx| exchange.poll(cx, true)).await?;
        let Reply { metadata, body, via } = reply;
        let address = via.map(|via| via.address().clone());
        let value = codec
            .decode(&body.into_bytes())
            .map_err(|e| mapped(&map, undecodable(e, names, address.as_deref())))?;
        Ok(Response { value, metadata, address })
    }

    /// Sends the request and waits for no answer; done when the kernel has taken it.
    ///
    /// # Errors
    /// When the arguments do not encode, or the request could not be sent.
    pub async fn notify(self) -> Result<(), Error> {
        let client = self.client;
        let mut call = match self.prepare().and_then(|prepared| self.to_call(prepared)) {
            Ok(call) => call,
            Err(error) => return Err(mapped(client, error)),
        };
        drop(self);
        call.oneway = true;
        client.run(call).await.map(drop).map_err(|e| mapped(client, e))
    }

    /// Works out what goes into the frame beside the argument.
    #[inline]
    fn prepare(&self) -> Result<Prepared, Error> {
        let settings = &self.client.0.settings;
        let now = Instant::now();
        let options = self.options.as_deref();
        let known = settings.method(self.service, self.method);
        let timeout = options
            .and_then(|o| o.timeout)
            .or_else(|| known?.timeout)
            .unwrap_or(settings.timeout)
            .min(LONGEST);
        let idempotent =
            options.and_then(|o| o.idempotent).or_else(|| known?.idempotent).unwrap_or(self.idempotent);
        let mut deadline = now + timeout;
        let mut left = timeout;
        let mut metadata = options.map_or_else(Metadata::new, |o| o.metadata.clone());
        let mut inherit = |ctx: &Ctx| {
            if let Some(at) = ctx.deadline().filter(|at| *at < deadline) {
                deadline = at;
                left = at.saturating_duration_since(now);
            }
            ctx.inherit_into(&mut metadata);
        };
        match options.and_then(|o| o.within.as_ref()) {
            Some(ctx) => inherit(ctx),
            None => Ctx::with_current(|current| current.into_iter().for_each(&mut inherit)),
        }
        if left.is_zero() {
            return Err(self.failed(ErrorKind::Deadline, "no time is left for the call".to_owned()));
        }
        let compress = options.and_then(|o| o.compress).unwrap_or(settings.compress);
        let format = options.and_then(|o| o.format).unwrap_or_else(|| self.codec.serialize_type());
        Ok(Prepared { metadata, deadline, left, format, compress, idempotent })
    }

    fn failed(&self, kind: ErrorKind, text: String) -> Error {
        Error::new(kind, text).of(self.service, self.method).not_sent()
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let encoded = self.codec.encode(self.args.borrow(), out);
        encoded.map_err(|e| self.failed(ErrorKind::Invalid, e.to_string()).with_source(e))
    }

    /// The call as layers see it.
    fn to_call(&self, prepared: Prepared) -> Result<Call, Error> {
        let mut body = scratch::take();
        self.encode(&mut body)?;
        let mut compress = prepared.compress;
        if compress != CompressType::NONE {
            if body.len() > COMPRESS_THRESHOLD {
                body = attempt::compress(&self.client.0.settings, compress, body)
                    .map_err(|e| self.failed(ErrorKind::Invalid, e.to_string()).with_source(e))?;
            } else {
                compress = CompressType::NONE;
            }
        }
        Ok(self.call_with(prepared, body.into(), compress))
    }

    fn call_with(&self, prepared: Prepared, body: Body, compress: CompressType) -> Call {
        let mut call = Call::new(Target::shared(self.service, self.method), prepared.format, body);
        call.metadata = prepared.metadata;
        call.deadline = Some(prepared.deadline);
        call.idempotent = prepared.idempotent;
        call.compress = compress;
        call
    }
}

/// A longer time is as good as this one, and this one can be added to any moment.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

struct Prepared {
    metadata: Metadata,
    deadline: Instant,
    left: Duration,
    format: SerializeType,
    /// What a large argument is compressed with.
    compress: CompressType,
    idempotent: bool,
}

impl<'a, A, R, B> IntoFuture for Request<'a, A, R, B>
where
    A: ?Sized + 'a,
    R: 'a,
    B: Borrow<A> + Send + 'a,
{
    type Output = Result<R, Error>;
    type IntoFuture = CallFuture<'a, A, R, B>;

    fn into_future(self) -> Self::IntoFuture {
        CallFuture {
            client: self.client,
            names: (self.service, self.method),
            codec: self.codec,
            exchange: Exchange::Fresh(self),
        }
    }
}

impl<A: ?Sized, R, B> fmt::Debug for Request<'_, A, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("service", &self.service)
            .field("method", &self.method)
            .field("codec", &self.codec.name())
            .finish_non_exhaustive()
    }
}

/// A call under way. Dropping it gives the call up and frees its place.
#[must_use = "futures do nothing unless they are polled"]
pub struct CallFuture<'a, A: ?Sized, R, B> {
    client: &'a Client,
    names: (&'a str, &'a str),
    codec: Codec<A, R>,
    exchange: Exchange<'a, A, R, B>,
}

/// A request and its reply, still encoded.
enum Exchange<'a, A: ?Sized, R, B> {
    /// Not polled yet. Goes to `Waiting` on the short way, else to `Boxed`.
    Fresh(Request<'a, A, R, B>),
    /// Sent on a connection; the reply wakes us.
    Waiting {
        pending: Pending,
        client: &'a Client,
        names: (&'a str, &'a str),
        idempotent: bool,
    },
    Boxed(BoxFuture<'a, Result<Reply, Error>>),
    Over,
}

// Nothing here is polled in place: the argument is only borrowed, the boxed future is pinned
// where it lies.
impl<A: ?Sized, R, B> Unpin for CallFuture<'_, A, R, B> {}

impl<'a, A: ?Sized, R, B: Borrow<A>> Exchange<'a, A, R, B> {
    /// The reply's payload alone: what most calls end in is not made into a `Reply` first.
    #[inline]
    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        if let Self::Waiting { pending, .. } = self {
            let Poll::Ready(outcome) = pending.poll(cx) else { return Poll::Pending };
            return Poll::Ready(match attempt::plain_payload(outcome) {
                Ok(payload) => {
                    *self = Self::Over;
                    Ok(payload)
                }
                Err(outcome) => self.conclude(outcome, false).map(|reply| reply.body.into_bytes()),
            });
        }
        self.poll(cx, false).map_ok(|reply| reply.body.into_bytes())
    }

    /// Ends the wait.
    fn conclude(&mut self, outcome: Outcome, tell_address: bool) -> Result<Reply, Error> {
        let Self::Waiting { pending, client, names, idempotent } = std::mem::replace(self, Self::Over) else {
            unreachable!("only a call that waits has an outcome")
        };
        let settings = &client.0.settings;
        attempt::conclude(outcome, pending.connection(), settings, names, idempotent, tell_address)
            .map_err(|e| mapped(client, e))
    }

    fn poll(&mut self, cx: &mut Context<'_>, tell_address: bool) -> Poll<Result<Reply, Error>> {
        loop {
            match self {
                Self::Waiting { pending, .. } => {
                    let Poll::Ready(outcome) = pending.poll(cx) else { return Poll::Pending };
                    return Poll::Ready(self.conclude(outcome, tell_address));
                }
                Self::Boxed(future) => {
                    let result = std::task::ready!(future.as_mut().poll(cx));
                    *self = Self::Over;
                    return Poll::Ready(result);
                }
                Self::Fresh(request) => {
                    let client = request.client;
                    match Self::begin(request, cx) {
                        Ok(next) => *self = next,
                        Err(error) => {
                            *self = Self::Over;
                            return Poll::Ready(Err(mapped(client, error)));
                        }
                    }
                    if matches!(self, Self::Waiting { .. }) {
                        return Poll::Pending;
                    }
                }
                Self::Over => panic!("a call was polled after it had ended"),
            }
        }
    }

    #[inline]
    fn begin(request: &Request<'a, A, R, B>, cx: &Context<'_>) -> Result<Self, Error> {
        let prepared = request.prepare()?;
        let (client, names, idempotent) =
            (request.client, (request.service, request.method), prepared.idempotent);
        let call = match client.endpoint_without_layers().and_then(Endpoint::live) {
            Some(connection) if prepared.compress == CompressType::NONE => {
                let head = Head {
                    header: Header::request(prepared.format),
                    service: names.0,
                    method: names.1,
                    metadata: prepared.metadata.encoded(),
                    left: Some(prepared.left),
                    deadline: Some(prepared.deadline),
                };
                let outbound = head.encode(|out| request.encode(out).map_err(Unencoded::Body))?;
                match connection.begin(outbound, cx.waker()) {
                    Ok(key) => {
                        let pending = Pending::new(connection, key);
                        return Ok(Self::Waiting { pending, client, names, idempotent });
                    }
                    // The long way waits for a place or for another connection.
                    Err(NotStarted::Closed(unsent) | NotStarted::Full(unsent)) => {
                        request.call_with(prepared, unsent.into_payload().into(), CompressType::NONE)
                    }
                    Err(error) => {
                        return Err(attempt::not_started(&error, connection.address()).of(names.0, names.1));
                    }
                }
            }
            _ => request.to_call(prepared)?,
        };
        Ok(Self::Boxed(Box::pin(async move { client.run(call).await.map_err(|e| mapped(client, e)) })))
    }
}

/// Why a frame could not be made.
enum Unencoded {
    Body(Error),
    Frame(EncodeError),
}

impl From<EncodeError> for Unencoded {
    fn from(error: EncodeError) -> Self {
        Self::Frame(error)
    }
}

impl From<Unencoded> for Error {
    fn from(unencoded: Unencoded) -> Self {
        match unencoded {
            Unencoded::Body(error) => error,
            Unencoded::Frame(error) => attempt::too_large(error),
        }
    }
}

impl<A: ?Sized, R, B: Borrow<A>> Future for CallFuture<'_, A, R, B> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let payload = match this.exchange.poll_payload(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(payload)) => payload,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        };
        // By hand and not by combinators, each of which would move the reply once more.
        Poll::Ready(match this.codec.decode(&payload) {
            Ok(value) => Ok(value),
            Err(error) => Err(mapped(this.client, undecodable(error, this.names, this.client.address()))),
        })
    }
}

impl<A: ?Sized, R, B> fmt::Debug for CallFuture<'_, A, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture")
            .field("service", &self.names.0)
            .field("method", &self.names.1)
            .finish_non_exhaustive()
    }
}

/// A reply that does not decode fails its own call and no other.
#[cold]
fn undecodable(cause: CodecError, (service, method): (&str, &str), address: Option<&str>) -> Error {
    let text = format!("the reply does not decode: {cause}");
    let error = Error::new(ErrorKind::Internal, text).of(service, method).with_source(cause);
    match address {
        Some(address) => error.at(address),
        None => error,
    }
}

pub(super) fn mapped(client: &Client, error: Error) -> Error {
    match &client.0.settings.map_error {
        Some(map) => map(error),
        None => error,
    }
}
