//! The client: a cheap handle to a server and the connections to it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::SerializeType;

use super::attempt::CallEnd;
use super::builder::ClientBuilder;
use super::fail::{self, Begun};
use super::fleet::{Fleet, List};
use super::inbound::{Inbound, PushStream};
use super::pool::Grounds;
use super::request::{Request, Response, mapped};
use super::settings::Settings;
use crate::call::{Call, Reply};
use crate::codec::{Codec, Decode, Encode, Format, Raw};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::later;
use crate::middleware::Chain;
use crate::registry::Resolver;

/// Calls a server. Cheap to clone; lives as long as the program and recovers by itself from
/// whatever happens to its connections.
///
/// ```no_run
/// # async fn run() -> Result<(), trunkline::Error> {
/// use trunkline::Client;
///
/// let client = Client::connect("tcp@127.0.0.1:8972").await?;
/// let negated: i64 = client.service("Math").call("Neg", &5).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

pub(crate) struct Inner {
    pub(super) way: Way,
    pub(super) settings: Settings,
    chain: Chain,
    pub(super) attempts: Chain,
    inbound: Inbound,
}

/// How calls get to a handler.
pub(super) enum Way {
    Fleet(Box<Fleet>),
    #[cfg(feature = "testing")]
    Direct(Arc<dyn crate::middleware::End + Send + Sync>),
}

impl Client {
    /// Connects with the defaults. Checks the address and returns; calls wait for the connection,
    /// and [`ready`](Self::ready) does.
    ///
    /// # Errors
    /// When the address is none or its network is unknown.
    pub async fn connect(servers: &str) -> Result<Self, Error> {
        Self::builder().connect(servers).await
    }

    /// A builder with the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) fn over(builder: ClientBuilder, resolver: Arc<dyn Resolver>, list: List) -> Self {
        let inbound = Inbound::default();
        let settings = Arc::new(builder.settings.clone());
        let grounds = Grounds::new(settings, builder.transports.clone(), inbound.clone());
        let fleet = Fleet::new(resolver, grounds, list);
        Self::with_way(builder, Way::Fleet(Box::new(fleet)), inbound)
    }

    fn with_way(builder: ClientBuilder, way: Way, inbound: Inbound) -> Self {
        let ClientBuilder { settings, chain, attempts, .. } = builder;
        Self(Arc::new(Inner { way, settings, chain, attempts, inbound }))
    }

    /// A client whose calls go straight to `end`.
    #[cfg(feature = "testing")]
    pub(crate) fn direct(builder: ClientBuilder, end: Arc<dyn crate::middleware::End + Send + Sync>) -> Self {
        Self::with_way(builder, Way::Direct(end), Inbound::default())
    }

    /// Calls a service by its path, without a trait.
    #[cfg(feature = "msgpack")]
    pub fn service<'a>(&'a self, path: &'a str) -> ServiceClient<'a> {
        ServiceClient { client: self, path, format: std::marker::PhantomData }
    }

    /// Calls a service by its path, without a trait, in the format `F`.
    pub fn service_in<'a, F: Format>(&'a self, path: &'a str, _: F) -> ServiceClient<'a, F> {
        ServiceClient { client: self, path, format: std::marker::PhantomData }
    }

    /// Sends bytes as they are and returns the reply's bytes: for proxies and for payloads that
    /// are encoded already.
    pub fn raw<'a>(
        &'a self,
        service: &'a str,
        method: &'a str,
        format: SerializeType,
        payload: Bytes,
    ) -> Request<'a, Bytes, Bytes, Bytes> {
        const RAW: Codec<Bytes, Bytes> = Codec::of::<Raw>();
        Request::new(self, service, method, payload, RAW, false).in_format(format)
    }

    /// Makes a call that is put together already: for proxies and bridges.
    ///
    /// It gets the method's or the client's time unless it has a deadline. Inside a handler it
    /// inherits deadline and trace, as every call does.
    ///
    /// ```
    /// use trunkline::{Call, Failure, SerializeType, Server, testing};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
    /// let client = testing::direct(
    ///     Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) }),
    /// );
    /// let reply = client.send(Call::to("Math", "Neg", SerializeType::JSON, b"5".to_vec())).await?;
    /// assert_eq!(reply.body(), b"-5");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// What a call may end in.
    pub async fn send(&self, mut call: Call) -> Result<Reply, Error> {
        let settings = &self.0.settings;
        let known = settings.method(call.service(), call.method());
        let timeout = known.and_then(|m| m.timeout).unwrap_or(settings.timeout);
        let idempotent = known.and_then(|m| m.idempotent);
        if call.deadline.is_none() {
            call.limit_deadline(later::after(Instant::now(), timeout));
        }
        call.idempotent = idempotent.unwrap_or(call.idempotent);
        Ctx::with_current(|current| {
            if let Some(ctx) = current {
                ctx.deadline().into_iter().for_each(|at| call.limit_deadline(at));
                ctx.inherit_into(&mut call.metadata);
            }
        });
        self.run(call).await.map_err(|error| mapped(self, error))
    }

    /// Waits until there are connections, for as long as that takes: to the one server, to one at
    /// least of a list, or to one instance at least of each service that was called so far.
    pub async fn ready(&self) {
        if let Some(fleet) = self.0.fleet() {
            fleet.ready(None).await;
        }
    }

    /// Waits until an instance of this service is connected, for as long as that takes.
    pub async fn ready_for(&self, service: &str) {
        if let Some(fleet) = self.0.fleet() {
            fleet.ready(Some(service)).await;
        }
    }

    /// The messages that the server pushes from now on.
    pub fn pushes(&self) -> PushStream {
        self.0.inbound.subscribe()
    }

    /// The server's address; none where there is more than one, or calls go straight to a service.
    pub fn address(&self) -> Option<&str> {
        self.0.fleet()?.address()
    }

    /// Takes no new calls, for this handle and its clones; those in flight end as they will.
    pub fn close(&self) {
        if let Some(fleet) = self.0.fleet() {
            fleet.close();
        }
        self.0.inbound.end();
    }

    /// All instances of a service, each with why it is kept out of the choice, if it is.
    #[cfg(feature = "testing")]
    pub(crate) fn exclusions(&self, service: &str) -> Vec<(String, Option<crate::explain::Exclusion>)> {
        self.0.fleet().map(|fleet| fleet.exclusions(service)).unwrap_or_default()
    }

    /// Whether a call may take the short way: over a network, with no layers around it.
    #[inline]
    pub(super) fn fleet_without_layers(&self) -> Option<&Fleet> {
        let inner = &*self.0;
        inner.fleet().filter(|_| inner.chain.is_empty() && inner.attempts.is_empty())
    }

    /// The addresses of all instances that may get this call, once there is a list.
    pub(super) async fn instances(&self, call: &Call) -> Result<Vec<Arc<str>>, Error> {
        let Some(fleet) = self.0.fleet() else {
            let text = "calls go straight to a service here: there are no instances to call one by one";
            return Err(Error::new(ErrorKind::Invalid, text).not_sent());
        };
        fleet.addresses(call).await.map_err(|e| e.of(call.service(), call.method()))
    }

    /// A call through all layers.
    pub(super) async fn run(&self, mut call: Call) -> Result<Reply, Error> {
        if self.0.chain.is_empty() {
            return fail::run(&self.0, &mut call, None).await;
        }
        let end = CallEnd(self.0.clone());
        self.0.chain.run(&mut call, &end).await
    }

    /// The rest of a call whose first attempt, on the short way, has failed.
    pub(super) async fn run_on(&self, mut call: Call, begun: Begun) -> Result<Reply, Error> {
        fail::run(&self.0, &mut call, Some(begun)).await
    }
}

impl Inner {
    #[cfg_attr(not(feature = "testing"), expect(clippy::unnecessary_wraps))]
    #[inline]
    pub(super) fn fleet(&self) -> Option<&Fleet> {
        match &self.way {
            Way::Fleet(fleet) => Some(fleet),
            #[cfg(feature = "testing")]
            Way::Direct(_) => None,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbound.end();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// A service by its path, called without a trait in the format `F`.
#[cfg(feature = "msgpack")]
pub struct ServiceClient<'a, F = crate::codec::MsgPack> {
    client: &'a Client,
    path: &'a str,
    format: std::marker::PhantomData<fn() -> F>,
}

/// A service by its path, called without a trait in the format `F`.
#[cfg(not(feature = "msgpack"))]
pub struct ServiceClient<'a, F> {
    client: &'a Client,
    path: &'a str,
    format: std::marker::PhantomData<fn() -> F>,
}

impl<'a, F: Format> ServiceClient<'a, F> {
    /// The same service, called in another format.
    pub fn codec<G: Format>(self, _: G) -> ServiceClient<'a, G> {
        ServiceClient { client: self.client, path: self.path, format: std::marker::PhantomData }
    }

    /// Calls a method. The result is awaited, after options are set if there are any.
    pub fn call<A: ?Sized, R>(&self, method: &'a str, args: &'a A) -> Request<'a, A, R, &'a A>
    where
        F: Encode<A> + Decode<R>,
    {
        Request::new(self.client, self.path, method, args, Codec::of::<F>(), false)
    }

    /// Calls a method and waits for no answer; done when the kernel has taken the request.
    ///
    /// # Errors
    /// When the arguments do not encode, or there is no connection.
    pub async fn notify<A: ?Sized + Sync>(&self, method: &str, args: &A) -> Result<(), Error>
    where
        F: Encode<A>,
    {
        const fn nothing(_: &Bytes) -> Result<(), crate::codec::CodecError> {
            Ok(())
        }
        let codec = Codec::<A, ()>::from_parts(const { &(F::TYPE, F::NAME) }, F::encode, nothing);
        Request::new(self.client, self.path, method, args, codec, false).notify().await
    }
}

impl<F: Format> fmt::Debug for ServiceClient<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient").field("path", &self.path).field("format", &F::NAME).finish()
    }
}

/// What [`Client::raw`] answers with.
pub type RawResponse = Response<Bytes>;
