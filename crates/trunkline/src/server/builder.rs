//! Building a server: what it serves, how, and where.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use bytes::Bytes;
use trunkline_wire::{CompressType, Compressor, Compressors};

use super::admission::Admission;
use super::answer::{AnswerRules, ErrorText};
use super::filter::ConnectionFilter;
#[cfg(any(feature = "msgpack", feature = "json"))]
use super::handler::Function;
use super::limits::ServerLimits;
use super::registration::Plan;
use super::router::Router;
use super::serve::{Server, Stopping};
use super::service::Service;
use super::shared::Shared;
use crate::budget::ByteBudget;
#[cfg(any(feature = "msgpack", feature = "json"))]
use crate::codec::CodecSet;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::middleware::{Chain, Middleware};
use crate::transport::{Address, Listener, Transport, Transports};

pub(crate) type StopCallback = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Builds a [`Server`].
#[must_use = "a builder does nothing until `bind`"]
pub struct ServerBuilder {
    router: Router,
    chain: Chain,
    pub(super) limits: ServerLimits,
    pub(super) budget: ByteBudget,
    compressors: Compressors,
    error_text: Option<Box<ErrorText>>,
    filters: Vec<Arc<dyn ConnectionFilter>>,
    transports: Transports,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<crate::transport::tls::Serving>>,
    pub(super) plan: Plan,
    pub(super) grace: Option<Duration>,
    pub(super) drain: Duration,
    on_stop: Vec<StopCallback>,
    pub(super) wrong: Option<Error>,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            router: Router::default(),
            chain: Chain::default(),
            limits: ServerLimits::default(),
            budget: ByteBudget::default(),
            compressors: Compressors::default(),
            error_text: None,
            filters: Vec::new(),
            transports: Transports::default(),
            #[cfg(feature = "tls")]
            tls: None,
            plan: Plan::default(),
            grace: None,
            drain: Duration::from_secs(30),
            on_stop: Vec::new(),
            wrong: None,
        }
    }
}

impl ServerBuilder {
    /// Serves a service. Methods join those already under the same path.
    pub fn service(self, service: Service) -> Self {
        self.router.add(service);
        self
    }

    /// Serves a function or closure, `|args|` or `|ctx, args|`, in the default formats.
    #[cfg(any(feature = "msgpack", feature = "json"))]
    pub fn function<A, K, F>(
        self,
        service: impl Into<Cow<'static, str>>,
        method: impl Into<Cow<'static, str>>,
        function: F,
    ) -> Self
    where
        F: Function<A, K>,
        A: Send + 'static,
        K: 'static,
        crate::DefaultFormats: CodecSet<A, F::Reply>,
    {
        self.service(Service::new(service).function(method, function))
    }

    /// Serves a handler of encoded bytes.
    pub fn raw<F, Fut>(
        self,
        service: impl Into<Cow<'static, str>>,
        method: impl Into<Cow<'static, str>>,
        handler: F,
    ) -> Self
    where
        F: Fn(Ctx, Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Bytes, Failure>> + Send + 'static,
    {
        self.service(Service::new(service).raw(method, handler))
    }

    /// Puts a middleware around every call. The first one added is the outermost.
    pub fn layer(mut self, middleware: impl Middleware) -> Self {
        self.chain.add(middleware);
        self
    }

    /// Asks a filter about every connection, before a byte of it is read.
    pub fn filter(mut self, filter: impl ConnectionFilter) -> Self {
        self.filters.push(Arc::new(filter));
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Changes some of the bounds.
    ///
    /// ```
    /// # use trunkline::Server;
    /// let server = Server::builder().limit(|l| l.in_flight_per_connection = 64);
    /// # let _ = server;
    /// ```
    pub fn limit(mut self, change: impl FnOnce(&mut ServerLimits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Counts held bytes in this budget, which other servers and clients may share.
    pub fn budget(mut self, budget: &ByteBudget) -> Self {
        self.budget = budget.clone();
        self
    }

    /// Adds a compressor for this server; types 1 to 7.
    pub fn compressor(mut self, kind: CompressType, compressor: impl Compressor) -> Self {
        match self.compressors.clone().with(kind, compressor) {
            Ok(compressors) => self.compressors = compressors,
            Err(error) => {
                self.wrong = Some(Error::new(ErrorKind::Invalid, error.to_string()).with_source(error));
            }
        }
        self
    }

    /// Makes the text that callers see of an error.
    pub fn error_text(mut self, text: impl Fn(&Error) -> String + Send + Sync + 'static) -> Self {
        self.error_text = Some(Box::new(text));
        self
    }

    /// Adds a transport, in place of one of the same network.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transports.add(Arc::new(transport));
        self
    }

    /// Lets every call run to its end although its caller is gone or out of time, as Go does. Off
    /// by default: methods ask for it one by one.
    pub fn run_to_completion(mut self, on: bool) -> Self {
        self.router.lasting = on;
        self
    }

    /// How long to go on serving between withdrawing from the registries and refusing connections,
    /// so that callers notice: 3 s by default where something was registered, else nothing, because
    /// nobody is told.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// How long a stop waits for calls under way before it cuts them: 30 s.
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// Runs this when the server begins to stop. Several run in the order they were added, each
    /// to its end.
    pub fn on_stop<Fut>(mut self, callback: impl FnOnce() -> Fut + Send + 'static) -> Self
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_stop.push(Box::new(move || Box::pin(callback())));
        self
    }

    /// Binds an address, such as `tcp@127.0.0.1:8972`; several are separated by commas. Port 0
    /// takes a free one, which [`Server::address`] tells.
    ///
    /// In a registry that is [required](crate::registry::Start::Require) the services are
    /// registered here, in others when serving begins. So whoever requires one should serve at
    /// once: calls that come before wait.
    ///
    /// # Errors
    /// When the address is none, its network is unknown, or it cannot be bound; when a service
    /// cannot be registered under its name or at this address, or a registry is required and does
    /// not have the services within 5 seconds.
    pub async fn bind(self, addresses: &str) -> Result<Server, Error> {
        if self.wrong.is_some() {
            return self.listen_on([]);
        }
        let mut listeners = Vec::new();
        for text in addresses.split(',') {
            let address: Address = text.trim().parse().map_err(|e: crate::transport::AddressError| {
                Error::new(ErrorKind::Invalid, e.to_string()).with_source(e)
            })?;
            let transport = self.transports.get(address.network()).ok_or_else(|| {
                let text = format!(
                    "cannot serve on {address}: the network `{}` is unknown; known are {}",
                    address.network(),
                    self.transports.names()
                );
                Error::new(ErrorKind::Invalid, text)
            })?;
            let listener = transport.listen(address.target()).await.map_err(|e| {
                Error::new(ErrorKind::Unavailable, format!("cannot listen on {address}: {e}")).with_source(e)
            })?;
            listeners.push((address.network().to_owned(), listener));
        }
        let server = self.serve_on(listeners)?;
        server.register().await?;
        Ok(server)
    }

    /// Serves on listeners that exist already, each with the name of its network. Where a registry
    /// is required, [`Server::register`] waits for it.
    ///
    /// # Errors
    /// When there is none, the builder was given something that cannot be, or a service cannot be
    /// registered under its name or at these addresses.
    pub fn listen_on(
        mut self,
        listeners: impl IntoIterator<Item = (String, Box<dyn Listener>)>,
    ) -> Result<Server, Error> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let listeners: Vec<_> = listeners.into_iter().collect();
        if listeners.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a server needs a listener to serve on, and none was given",
            ));
        }
        self.serve_on(listeners)
    }

    fn serve_on(self, listeners: Vec<(String, Box<dyn Listener>)>) -> Result<Server, Error> {
        #[cfg(feature = "tls")]
        let listeners = self.secured(listeners);
        let bound: Vec<_> =
            listeners.iter().map(|(network, l)| (network.clone(), l.local_address())).collect();
        let enrolment = self.plan.enrol(&bound, &self.router.paths())?;
        let shared = Arc::new(Shared {
            router: Arc::new(self.router),
            chain: Arc::new(self.chain),
            admission: Admission::new(self.limits.in_flight),
            limits: self.limits,
            budget: self.budget,
            rules: AnswerRules { compressors: self.compressors, error_text: self.error_text },
            draining: AtomicBool::new(false),
            pushes: AtomicU64::new(1),
            last_read: AtomicUsize::new(0),
        });
        let stopping = Stopping { grace: self.grace, drain: self.drain, on_stop: self.on_stop };
        Ok(Server::new(shared, listeners, bound, self.filters, stopping, enrolment))
    }

    /// Layers, router and handlers alone, for calls without a transport.
    ///
    /// # Errors
    /// When the builder was given something that cannot be.
    #[cfg(feature = "testing")]
    pub(crate) fn into_direct(self) -> Result<super::direct::Direct, Error> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(super::direct::Direct {
                router: self.router.into(),
                chain: self.chain,
                rules: AnswerRules { compressors: self.compressors, error_text: self.error_text },
                inflated: self.limits.wire.inflated,
            }),
        }
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("services", &self.router.paths())
            .field("layers", &self.chain)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
