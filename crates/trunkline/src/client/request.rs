//! One call as its caller makes it: options first, then `.await`.
//!
//! On the short way (no layers, a connection that is up) the call is encoded and sent here, and an
//! [`Exchange`] waits for the reply. Everything else is boxed.

use std::borrow::Borrow;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;
use trunkline_wire::{COMPRESS_THRESHOLD, CompressType, EncodeError, Header, Metadata, SerializeType};

use super::attempt::{self, Pending};
use super::connection::{Head, NotStarted};
use super::exchange::{CallFuture, Exchange, State};
use super::fail::{Begun, FailMode, Retries};
use super::fleet::Fleet;
use super::handle::Client;
use super::pool::Wanted;
use super::wishes::{Asked, Wishes};
use crate::call::{Body, Call, Reply, Target};
use crate::codec::{Codec, CodecError, Decode, Encode};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::explain::Explanation;
use crate::frame::scratch;
use crate::later::{self, LONGEST};

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
    pub(super) client: &'a Client,
    pub(super) service: &'a str,
    pub(super) method: &'a str,
    args: B,
    pub(super) codec: Codec<A, R>,
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
    wishes: Option<Wishes>,
    explain: bool,
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
    /// How the call went, where [`Request::explain`] asked for it.
    pub explanation: Option<Explanation>,
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

    fn wishes(&mut self) -> &mut Wishes {
        self.options().wishes.get_or_insert_default()
    }

    /// Sends calls with one key to one instance, where the client's balancer looks at keys.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.wishes().key = Some(key.as_ref().to_vec());
        self
    }

    /// Sends the call to this instance, `tcp@127.0.0.1:8972` say, or to none.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        // Written as lists write it: without a network it is tcp.
        let address = if address.contains('@') { address } else { format!("tcp@{address}") };
        self.wishes().address = Some(address);
        self
    }

    /// What to do when an attempt fails, in place of the client's default.
    pub fn fail_mode(mut self, mode: FailMode) -> Self {
        self.wishes().mode = Some(mode);
        self
    }

    /// How often to try again, in place of the client's default.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.wishes().retries = Some(retries);
        self
    }

    /// Asks for the record of how the call went, in [`Response::explanation`]. An error has it
    /// without being asked.
    ///
    /// ```no_run
    /// # async fn run(client: &trunkline::Client) -> Result<(), trunkline::Error> {
    /// let request = client.service("Math").call::<_, i64>("Neg", &5);
    /// let response = request.explain().response().await?;
    /// if let Some(explanation) = &response.explanation {
    ///     println!("{explanation}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn explain(mut self) -> Self {
        self.options().explain = true;
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
        let explain = self.options.as_ref().is_some_and(|o| o.explain);
        let mut exchange = Exchange { request: self, state: State::Fresh };
        let reply = std::future::poll_fn(|cx| exchange.poll(cx, true)).await?;
        let Reply { metadata, body, via, explanation } = reply;
        let address = via.map(|via| via.address().clone());
        let Exchange { request, .. } = &exchange;
        let value = request.codec.decode(&body.into_bytes());
        let value = value.map_err(|e| mapped(request.client, request.undecodable(e, address.as_deref())))?;
        let explanation = explanation.map(|e| *e).filter(|_| explain);
        Ok(Response { value, metadata, address, explanation })
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
    pub(super) fn prepare(&self) -> Result<Prepared, Error> {
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
        let mut deadline = later::after(now, timeout);
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
        Ok(Prepared { metadata, now, deadline, left, format, compress, idempotent })
    }

    fn failed(&self, kind: ErrorKind, text: String) -> Error {
        Error::new(kind, text).of(self.service, self.method).not_sent()
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let encoded = self.codec.encode(self.args.borrow(), out);
        encoded.map_err(|e| self.failed(ErrorKind::Invalid, e.to_string()).with_source(e))
    }

    /// The call as layers see it.
    pub(super) fn to_call(&self, prepared: Prepared) -> Result<Call, Error> {
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
        if let Some(options) = self.options.as_deref() {
            if let Some(wishes) = &options.wishes {
                call.extensions_mut().insert(wishes.clone());
            }
            if options.explain {
                call.extensions_mut().insert(Asked);
            }
        }
        call
    }
}

pub(super) struct Prepared {
    metadata: Metadata,
    now: Instant,
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
        CallFuture(Exchange { request: self, state: State::Fresh })
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

impl<'a, A: ?Sized, R, B: Borrow<A>> Request<'a, A, R, B> {
    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    /// A reply that does not decode fails its own call and no other.
    #[cold]
    pub(super) fn undecodable(&self, cause: CodecError, address: Option<&str>) -> Error {
        let error = Error::new(ErrorKind::Internal, format!("the reply does not decode: {cause}"));
        let error = error.of(self.service, self.method).with_source(cause);
        match address {
            Some(address) => error.at(address),
            None => error,
        }
    }

    /// Sends the call, if that goes the short way, and says how it goes on.
    #[inline]
    pub(super) fn begin(&self, cx: &Context<'_>) -> Result<State<'a>, Error> {
        let prepared = self.prepare()?;
        let (names, idempotent) = ((self.service, self.method), prepared.idempotent);
        let Some(fleet) = self.quick(&prepared) else { return self.boxed(prepared) };
        let pool = fleet.pool(names.0).map_err(|e| e.of(names.0, names.1))?;
        let table = pool.table();
        let wanted = Wanted {
            service: names.0,
            method: names.1,
            key: self.options.as_deref().and_then(|o| o.wishes.as_ref()?.key.as_deref()),
            tried: &[],
            now: prepared.now,
        };
        let picked = table.pick(wanted, &fleet.grounds().random);
        let Some(connection) = picked.and_then(|endpoint| endpoint.live()) else {
            picked.into_iter().for_each(|endpoint| endpoint.was_not_asked());
            return self.boxed(prepared);
        };
        let head = Head {
            header: Header::request(prepared.format),
            service: names.0,
            method: names.1,
            metadata: prepared.metadata.encoded(),
            left: Some(prepared.left),
            deadline: Some(prepared.deadline),
        };
        let mut outbound = head.encode(|out| self.encode(out).map_err(Unencoded::Body))?;
        match connection.begin(&mut outbound, cx.waker()) {
            Ok(key) => {
                let pending = Pending::new(connection, key, prepared.now, table.is_choice());
                Ok(State::Waiting { pending, deadline: prepared.deadline, idempotent })
            }
            // The long way waits for a place or for another connection.
            Err(NotStarted::Closed | NotStarted::Full) => {
                picked.into_iter().for_each(|endpoint| endpoint.was_not_asked());
                let body = outbound.into_payload().into();
                Ok(self.on_its_way(self.call_with(prepared, body, CompressType::NONE), None))
            }
            Err(error) => {
                let error = attempt::not_started(error, connection.address()).of(names.0, names.1);
                picked.into_iter().for_each(|endpoint| endpoint.was_not_asked());
                let endpoint = Some(connection.health().stats.clone());
                self.go_on(Begun { error, endpoint, at: prepared.now }, prepared.deadline)
            }
        }
    }

    /// Whether the call goes the short way: no layers, and nothing about it that is rare.
    #[inline]
    fn quick(&self, prepared: &Prepared) -> Option<&'a Fleet> {
        let settings = &self.client.0.settings;
        let plain = prepared.compress == CompressType::NONE
            && self.options.as_deref().is_none_or(Options::are_plain)
            && (!prepared.idempotent || settings.idempotent_is_plain());
        self.client.fleet_without_layers().filter(|_| plain)
    }

    /// Not made a part of its callers: a call on the short way would carry the long way's frame along.
    #[inline(never)]
    fn boxed(&self, prepared: Prepared) -> Result<State<'a>, Error> {
        Ok(self.on_its_way(self.to_call(prepared)?, None))
    }

    /// As [`boxed`](Self::boxed).
    #[inline(never)]
    fn on_its_way(&self, call: Call, begun: Option<Begun>) -> State<'a> {
        let client = self.client;
        State::Boxed(Box::pin(async move {
            let result = match begun {
                Some(begun) => client.run_on(call, begun).await,
                None => client.run(call).await,
            };
            result.map_err(|e| mapped(client, e))
        }))
    }

    /// After an attempt on the short way that has failed: the rest of its course.
    #[cold]
    pub(super) fn go_on(&self, begun: Begun, deadline: Instant) -> Result<State<'a>, Error> {
        // Where no time is left, what came of the attempt is what the caller hears.
        let Ok(mut prepared) = self.prepare() else { return Err(begun.error) };
        prepared.deadline = deadline;
        let call = self.to_call(prepared)?;
        Ok(self.on_its_way(call, Some(begun)))
    }
}

impl Options {
    fn are_plain(&self) -> bool {
        let plain = |w: &Wishes| w.address.is_none() && w.mode.is_none() && w.retries.is_none();
        !self.explain && self.wishes.as_ref().is_none_or(plain)
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

pub(super) fn mapped(client: &Client, error: Error) -> Error {
    match &client.0.settings.map_error {
        Some(map) => map(error),
        None => error,
    }
}
