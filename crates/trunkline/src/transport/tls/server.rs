//! What a server needs to speak TLS: who it is, and whom it lets in.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rustls::server::WebPkiClientVerifier;
use rustls::{Connection, ServerConfig, ServerConnection};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::errors::{Fault, Kind, of_accept};
use super::pem::Pem;
use super::reload::{INTERVAL, Reloading};
use super::stream::{Channel, Raw, TlsReader, TlsSink, Way};
use super::{invalid, is_secured, provider};
use crate::transport::{BoxFuture, Identity, Listener, Stream};

/// How a server speaks TLS: who it is, and which clients it lets in.
///
/// ```no_run
/// # async fn run() -> Result<(), trunkline::Error> {
/// use trunkline::Server;
/// use trunkline::transport::tls::ServerTls;
///
/// let tls = ServerTls::from_files("server.pem", "server.key").client_ca_file("clients.pem");
/// let server = Server::builder().tls(tls).bind("tcp@0.0.0.0:8972").await?;
/// # Ok(()) }
/// ```
///
/// Files are read again when they change: connections that come from then on get what they hold,
/// those that are open go on. Contents that cannot be used leave what was there, and are logged
/// once.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a `ServerBuilder` is given it"]
pub struct ServerTls {
    certificate: Pem,
    key: Pem,
    client_ca: Option<Pem>,
    optional: bool,
    handshake_timeout: Duration,
    handshakes: usize,
    reload: Duration,
}

impl ServerTls {
    /// The server's certificate, with what links it to its CA behind it, and its key. PEM files;
    /// the key without a password.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Pem::file(certificate), Pem::file(key))
    }

    /// The same from PEM text.
    pub fn from_pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::new(Pem::text(certificate), Pem::text(key))
    }

    fn new(certificate: Pem, key: Pem) -> Self {
        Self {
            certificate,
            key,
            client_ca: None,
            optional: false,
            handshake_timeout: Duration::from_secs(5),
            handshakes: 1024,
            reload: INTERVAL,
        }
    }

    /// Lets in only clients with a certificate that a CA in this PEM file has issued: mutual TLS.
    /// Handlers and middleware find it in [`Peer::identity`](crate::transport::Peer::identity).
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(Pem::file(path));
        self
    }

    /// The same from PEM text.
    pub fn client_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_ca = Some(Pem::text(pem));
        self
    }

    /// Lets in clients without a certificate, too; one that is shown must be good. Whoever may do
    /// what is then up to middleware, which finds no identity.
    pub fn client_certificate_optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// How long a handshake may take, waiting for its turn included: 5 s.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// How many handshakes may be under way at the same time: 1,024. Further connections wait for
    /// their turn, within the time above. They count as connections all the while.
    pub fn handshakes(mut self, limit: usize) -> Self {
        self.handshakes = limit.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How often to look, when somebody connects, whether files have changed: 1 s.
    pub fn reload_every(mut self, interval: Duration) -> Self {
        self.reload = interval;
        self
    }

    /// Reads what there is to read, and finds what cannot be.
    pub(crate) fn prepare(self) -> io::Result<Arc<Serving>> {
        if self.optional && self.client_ca.is_none() {
            return Err(invalid(
                "client certificates are optional, but no CA says which are good: name one by `client_ca_file`",
            ));
        }
        let mut sources = vec![self.certificate.clone(), self.key.clone()];
        sources.extend(self.client_ca.clone());
        let (limit, turns) = (self.handshake_timeout, Semaphore::new(self.handshakes));
        let config = Reloading::load(sources, self.reload, move |texts| self.build(texts))?;
        Ok(Arc::new(Serving { config, limit, turns, noted: Mutex::default() }))
    }

    fn build(&self, texts: &[Vec<u8>]) -> io::Result<Arc<ServerConfig>> {
        let [certificate, key, ca @ ..] = texts else { return Err(io::ErrorKind::InvalidInput.into()) };
        let provider = provider();
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config =
            match (&self.client_ca, ca) {
                (Some(pem), [text]) => {
                    let roots = Arc::new(pem.roots(text)?);
                    let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                    if self.optional {
                        verifier = verifier.allow_unauthenticated();
                    }
                    let verifier = verifier.build();
                    config.with_client_cert_verifier(verifier.map_err(|error| {
                        invalid(format!("{pem} cannot be used to check clients: {error}"))
                    })?)
                }
                _ => config.with_no_client_auth(),
            };
        let (certificates, key) = (self.certificate.certificates(certificate)?, self.key.key(key)?);
        let config = config.with_single_cert(certificates, key).map_err(|error| {
            invalid(format!("{} and {} cannot be used together: {error}", self.certificate, self.key))
        })?;
        Ok(Arc::new(config))
    }
}

/// A server's TLS, ready for use.
pub(crate) struct Serving {
    config: Arc<Reloading<Arc<ServerConfig>>>,
    limit: Duration,
    turns: Semaphore,
    noted: Mutex<Vec<(Kind, Instant)>>,
}

/// A kind of failure is a warning once in so long, and otherwise only for those who debug: how
/// often it happens is up to whoever connects.
const QUIET: Duration = Duration::from_secs(60);

impl Serving {
    /// The listener, with TLS if its network has it.
    pub(crate) fn over(self: &Arc<Self>, network: &str, plain: Box<dyn Listener>) -> Box<dyn Listener> {
        if !is_secured(network) {
            return plain;
        }
        Box::new(SecuredListener { plain, serving: self.clone() })
    }

    /// Speaks TLS over an accepted stream. The handshake is done by whoever reads first, so that
    /// filters and the limit for connections come before it, and nobody waits for it.
    fn secure(self: &Arc<Self>, stream: Stream) -> Stream {
        let Stream { reader, sink, mut peer } = stream;
        let channel = Channel::new(sink);
        let identified = peer.identified_later();
        let handshake = {
            let (this, channel, peer) = (self.clone(), channel.clone(), peer.address.clone());
            async move {
                let mut raw = Raw::new(reader);
                let late = || {
                    io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("no TLS handshake within {:?}", this.limit),
                    )
                };
                let done = tokio::time::timeout(this.limit, this.shake(&channel, &mut raw)).await;
                let done = done.unwrap_or_else(|_| Err(Fault::Io(late())));
                let done = done.map_err(|fault| {
                    channel.fail();
                    let (kind, error) = of_accept(fault);
                    this.note(kind, &peer, &error);
                    error
                });
                if done.is_ok()
                    && let Some(identity) = channel.with(identity_of).flatten()
                {
                    let _ = identified.set(identity);
                }
                (raw, done)
            }
        };
        let reader =
            TlsReader { channel: channel.clone(), way: Way::Handshake(Box::pin(handshake)), seen: None };
        Stream { reader: Box::new(reader), sink: Box::new(TlsSink(channel)), peer }
    }

    async fn shake(&self, channel: &Channel, raw: &mut Raw) -> Result<(), Fault> {
        let _turn = self.turns.acquire().await.map_err(|closed| Fault::Io(io::Error::other(closed)))?;
        let config = self.config.current().await;
        let tls = ServerConnection::new((*config).clone()).map_err(Fault::Tls)?;
        channel.handshake(Connection::from(tls), raw).await
    }

    fn note(&self, kind: Kind, peer: &str, error: &io::Error) {
        let now = Instant::now();
        let loud = kind != Kind::Nobody && {
            let mut noted = self.noted.lock();
            noted.retain(|(_, at)| now - *at < QUIET);
            let first = noted.iter().all(|(known, _)| *known != kind);
            if first {
                noted.push((kind, now));
            }
            first
        };
        if loud {
            tracing::warn!(peer, %error, "a TLS handshake failed; more of this kind are logged at debug level for a minute");
        } else {
            tracing::debug!(peer, %error, "a TLS handshake failed");
        }
    }
}

/// Who the far end is, if it has shown a certificate.
pub(super) fn identity_of(tls: &Connection) -> Option<Identity> {
    let chain = tls.peer_certificates()?;
    Some(Identity::of_chain(chain.iter().map(|der| Bytes::copy_from_slice(der)).collect()))
}

struct SecuredListener {
    plain: Box<dyn Listener>,
    serving: Arc<Serving>,
}

impl Listener for SecuredListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Stream>> {
        Box::pin(async { Ok(self.serving.secure(self.plain.accept().await?)) })
    }

    fn local_address(&self) -> String {
        self.plain.local_address()
    }
}
