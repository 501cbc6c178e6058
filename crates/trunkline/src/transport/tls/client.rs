//! What a client needs to speak TLS: whom it trusts, who it is.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore};

use super::errors::{Fault, of_dial};
use super::pem::Pem;
use super::reload::{INTERVAL, Reloading};
use super::server::identity_of;
use super::stream::{Channel, Raw, TlsReader, TlsSink, Way};
use super::verification::{Seen, Trusting, Unverified};
use super::{invalid, is_secured, provider};
use crate::transport::{BoxFuture, Listener, Stream, Transport};

/// How a client speaks TLS: whom it trusts, who it is.
///
/// ```no_run
/// # async fn run() -> Result<(), trunkline::Error> {
/// use trunkline::Client;
/// use trunkline::transport::tls::ClientTls;
///
/// let tls = ClientTls::ca_file("ca.pem").certificate_files("client.pem", "client.key");
/// let client = Client::builder().tls(tls).connect("tcp@billing.example:8972").await?;
/// # Ok(()) }
/// ```
///
/// Files are read again when they change: connections that are made from then on use what they
/// hold. Contents that cannot be used leave what was there, and are logged once.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a `ClientBuilder` is given it"]
pub struct ClientTls {
    trust: Trust,
    certificate: Option<(Pem, Pem)>,
    server_name: Option<String>,
    reload: Duration,
}

#[derive(Clone, Debug)]
enum Trust {
    System,
    These(Pem),
    Anybody,
}

/// After a handshake in which the server asked for a certificate, its verdict is waited for: with
/// TLS 1.3 it comes after the handshake, and a call that was sent by then may have run. Servers
/// that say nothing to a good certificate are not waited for any longer.
const VERDICT: Duration = Duration::from_millis(250);

impl ClientTls {
    /// Trusts the CAs that this system trusts: for servers with certificates of public CAs, or
    /// where a company's CA is installed.
    ///
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`, where they are set, name other files, as for OpenSSL and
    /// Go.
    pub fn system() -> Self {
        Self::trusting(Trust::System)
    }

    /// Trusts the CAs in this PEM file, and nobody else. A server's self-signed certificate may
    /// stand there, too.
    pub fn ca_file(path: impl Into<PathBuf>) -> Self {
        Self::trusting(Trust::These(Pem::file(path)))
    }

    /// Trusts the CAs in this PEM text, and nobody else.
    pub fn ca_pem(pem: impl Into<Vec<u8>>) -> Self {
        Self::trusting(Trust::These(Pem::text(pem)))
    }

    /// **Trusts whoever answers.** What is sent is encrypted, but maybe to somebody in between, who
    /// can read and change every call. This is Go's `InsecureSkipVerify`, for fleets whose servers
    /// have self-signed certificates that nobody hands out.
    ///
    /// Better: give the self-signed certificate itself to [`ca_file`](Self::ca_file), and its name
    /// to [`server_name`](Self::server_name).
    pub fn insecure_skip_verify() -> Self {
        Self::trusting(Trust::Anybody)
    }

    fn trusting(trust: Trust) -> Self {
        Self { trust, certificate: None, server_name: None, reload: INTERVAL }
    }

    /// Shows this certificate, with what links it to its CA behind it, to servers that ask for one.
    /// PEM files; the key without a password.
    pub fn certificate_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate = Some((Pem::file(certificate), Pem::file(key)));
        self
    }

    /// The same from PEM text.
    pub fn certificate_pem(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificate = Some((Pem::text(certificate), Pem::text(key)));
        self
    }

    /// The name, or IP address, that servers' certificates must have, instead of the host in the
    /// address.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// How often to look, when there is something to connect, whether files have changed: 1 s.
    pub fn reload_every(mut self, interval: Duration) -> Self {
        self.reload = interval;
        self
    }

    /// The PEM text of the CAs to trust; none where it is the system's.
    pub(crate) fn ca(&self) -> Option<&Pem> {
        match &self.trust {
            Trust::These(pem) => Some(pem),
            Trust::System | Trust::Anybody => None,
        }
    }

    /// The PEM text of the client's certificate and its key.
    pub(crate) fn certificate(&self) -> Option<&(Pem, Pem)> {
        self.certificate.as_ref()
    }

    /// Reads what there is to read, and finds what cannot be.
    pub(crate) fn prepare(self) -> io::Result<Arc<Dialling>> {
        let interval = self.reload;
        let server_name = match &self.server_name {
            Some(name) => Some(parse_name(name)?),
            None => None,
        };
        let mut sources: Vec<_> = self.ca().into_iter().cloned().collect();
        sources.extend(
            self.certificate().into_iter().flat_map(|(certificate, key)| [certificate.clone(), key.clone()]),
        );
        let system = match self.trust {
            Trust::System => Some(system_roots()?),
            _ => None,
        };
        if matches!(self.trust, Trust::Anybody) {
            tracing::warn!(
                "TLS without verification: whoever answers is trusted, and may read and change every call"
            );
        }
        let build = move |texts: &[Vec<u8>]| self.build(texts, system.as_ref());
        Ok(Arc::new(Dialling { parts: Reloading::load(sources, interval, build)?, server_name }))
    }

    fn build(&self, texts: &[Vec<u8>], system: Option<&RootCertStore>) -> io::Result<Parts> {
        let mut texts = texts.iter();
        let provider = provider();
        let verifying = |roots: RootCertStore| {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            verifier.build().map_err(|error| invalid(format!("these CAs cannot be trusted: {error}")))
        };
        let verifier: Arc<dyn ServerCertVerifier> = match (&self.trust, system) {
            (Trust::These(pem), _) => {
                let text = texts.next().map_or(&[][..], Vec::as_slice);
                Arc::new(Trusting { chains: verifying(pem.roots(text)?)?, trusted: pem.certificates(text)? })
            }
            (Trust::System, Some(roots)) => verifying(roots.clone())?,
            _ => Arc::new(Unverified(provider.clone())),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config = match (&self.certificate, texts.next(), texts.next()) {
            (Some((certificate, key)), Some(certificate_text), Some(key_text)) => config
                .with_client_auth_cert(certificate.certificates(certificate_text)?, key.key(key_text)?)
                .map_err(|error| {
                    invalid(format!("{certificate} and {key} cannot be used together: {error}"))
                })?,
            _ => config.with_no_client_auth(),
        };
        // Connections live long, and each shall prove both ends anew.
        config.resumption = Resumption::disabled();
        Ok(Parts { verifier, resolver: config.client_auth_cert_resolver.clone(), config })
    }
}

fn parse_name(name: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        invalid(format!("`{name}` is neither a DNS name nor an IP address: a certificate cannot be for it"))
    })
}

fn system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems keep odd certificates around; one that cannot be used is trusted for nothing.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(invalid(format!(
            "this system has no CA certificates{why}; install them (`ca-certificates`), or name a file by `ClientTls::ca_file`"
        )));
    }
    Ok(roots)
}

/// What a handshake of a client is made of.
struct Parts {
    config: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    resolver: Arc<dyn ResolvesClientCert>,
}

/// A client's TLS, ready for use.
pub(crate) struct Dialling {
    parts: Arc<Reloading<Parts>>,
    server_name: Option<ServerName<'static>>,
}

impl Dialling {
    /// Speaks TLS over a stream that was dialled to `target`.
    async fn secure(&self, stream: Stream, target: &str) -> io::Result<Stream> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => parse_name(host(target))?,
        };
        let parts = self.parts.current().await;
        let seen = Seen::new(parts.verifier.clone(), parts.resolver.clone());
        let mut config = parts.config.clone();
        config.dangerous().set_certificate_verifier(seen.clone());
        config.client_auth_cert_resolver = seen.clone();
        let shown = name.to_str().into_owned();
        let failed = |fault| of_dial(fault, &shown, &seen);
        let tls = ClientConnection::new(Arc::new(config), name).map_err(|e| failed(Fault::Tls(e)))?;

        let Stream { reader, sink, mut peer } = stream;
        let (channel, mut raw) = (Channel::new(sink), Raw::new(reader));
        let mut done = channel.handshake(Connection::from(tls), &mut raw).await;
        if done.is_ok() && seen.was_asked() {
            done = tokio::time::timeout(VERDICT, channel.heard(&mut raw)).await.unwrap_or(Ok(()));
        }
        if let Err(fault) = done {
            // Whoever sees the stream end shall have been told why.
            channel.farewell().await;
            return Err(failed(fault));
        }
        if let Some(identity) = channel.with(identity_of).flatten() {
            peer = peer.with_identity(identity);
        }
        let reader = TlsReader { channel: channel.clone(), way: Way::Open(raw), seen: Some(seen) };
        Ok(Stream { reader: Box::new(reader), sink: Box::new(TlsSink(channel)), peer })
    }
}

/// The host in `host:port`.
fn host(target: &str) -> &str {
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    match host.trim_start_matches('[').trim_end_matches(']') {
        // As the address is dialled.
        "" => "localhost",
        host => host,
    }
}

/// A transport whose dialled streams speak TLS.
pub(crate) struct Secured {
    plain: Arc<dyn Transport>,
    dialling: Arc<Dialling>,
}

impl Dialling {
    /// The transport with TLS, if its network has it.
    pub(crate) fn over(self: &Arc<Self>, plain: &Arc<dyn Transport>) -> Option<Arc<dyn Transport>> {
        let secured = || Secured { plain: plain.clone(), dialling: self.clone() };
        is_secured(plain.network()).then(|| Arc::new(secured()) as Arc<dyn Transport>)
    }
}

impl Transport for Secured {
    fn network(&self) -> &str {
        self.plain.network()
    }

    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move { self.dialling.secure(self.plain.dial(address).await?, address).await })
    }

    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        self.plain.listen(address)
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_what_stands_before_the_port() {
        for (target, expected) in [
            ("a.example:1", "a.example"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:1", "::1"),
            (":1", "localhost"),
        ] {
            assert_eq!(host(target), expected);
        }
    }
}
