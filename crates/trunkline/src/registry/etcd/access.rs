//! How etcd is reached: user and password, TLS, and the limits in time of a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::client::Client;
use super::failure::Failure;
use crate::error::{Error, ErrorKind};
use crate::registry::{RegistryUrl, Secret};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a connection with an open stream may be silent before it is asked for a sign of life.
/// etcd closes connections that ask more often than every five seconds
/// (`--grpc-keepalive-min-time`).
const SILENCE: Duration = Duration::from_secs(6);

/// How long the sign of life may take.
const SIGN: Duration = Duration::from_secs(3);

/// How etcd is reached.
pub(super) struct Access {
    credentials: Option<(String, Secret)>,
    tls: Option<Tls>,
}

/// The files of TLS, and what the server's certificate has to name.
struct Tls {
    /// The authorities that are believed; without a file the system's.
    ca: Option<PathBuf>,
    /// The client's certificate and its key.
    own: Option<(PathBuf, PathBuf)>,
    server_name: Option<String>,
}

impl Access {
    pub(super) fn from_url(url: &RegistryUrl) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, format!("`{url}`: {why}")));
        let credentials = match (url.user(), url.password()) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user.to_owned(), password.clone())),
            _ => {
                return refuse(
                    "expected both a user and a password, as etcd://user:password@host/base".into(),
                );
            }
        };
        let own = match (url.option("cert"), url.option("key")) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert.into(), key.into())),
            _ => {
                return refuse("the options `cert` and `key` go together; expected both or none".into());
            }
        };
        let server_name = url.option("server_name").map(str::to_owned);
        let ca = url.option("ca").map(PathBuf::from);
        let wants_tls = url.scheme() == "etcds" || ca.is_some() || own.is_some() || server_name.is_some();
        let tls = wants_tls.then_some(Tls { ca, own, server_name });
        // Read for the first time now, so that a mistake is one at the start.
        if let Some(Err(e)) = tls.as_ref().map(Tls::options) {
            let text = format!("`{url}`: {}", e.message());
            return Err(e.with_message(text));
        }
        Ok(Self { credentials, tls })
    }

    /// A client of one host. Without a user nothing is sent yet. The files of TLS are read each
    /// time, so that certificates can be replaced while the process runs.
    pub(super) async fn connect(&self, host: &str, as_user: bool) -> Result<Client, Refusal> {
        let (scheme, tls) = match &self.tls {
            Some(tls) => ("https", Some(tls.options().map_err(Refusal::Files)?)),
            None => ("http", None),
        };
        let client = Client::new(&endpoint(&format!("{scheme}://{host}"), tls).map_err(Refusal::Etcd)?);
        match &self.credentials {
            Some((user, password)) if as_user => client.log_in(user, password).await.map_err(Refusal::Etcd),
            _ => Ok(client),
        }
    }

    /// Whether etcd is told who asks.
    pub(super) fn has_user(&self) -> bool {
        self.credentials.is_some()
    }
}

/// Why there is no client.
pub(super) enum Refusal {
    Files(Error),
    Etcd(Failure),
}

/// Where to connect to, and how.
fn endpoint(url: &str, tls: Option<ClientTlsConfig>) -> Result<Endpoint, Failure> {
    let endpoint = Endpoint::from_shared(url.to_owned())?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(SILENCE)
        .keep_alive_timeout(SIGN)
        // Without a stream a silent connection waits for nothing, and etcd counts signs of life
        // that are asked for then against the client.
        .keep_alive_while_idle(false);
    Ok(match tls {
        Some(tls) => endpoint.tls_config(tls)?,
        None => endpoint,
    })
}

impl Tls {
    fn options(&self) -> Result<ClientTlsConfig, Error> {
        let mut options = match &self.ca {
            Some(ca) => {
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem("ca", ca, "CERTIFICATE")?))
            }
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some((cert, key)) = &self.own {
            let cert = pem("cert", cert, "CERTIFICATE")?;
            options = options.identity(Identity::from_pem(cert, pem("key", key, "PRIVATE KEY")?));
        }
        if let Some(name) = &self.server_name {
            options = options.domain_name(name);
        }
        Ok(options)
    }
}

/// Reads a file that has to hold something of a kind, in PEM.
fn pem(option: &str, path: &Path, kind: &str) -> Result<Vec<u8>, Error> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|e| {
        Error::new(
            ErrorKind::Invalid,
            format!("the file `{shown}` of the option `{option}` cannot be read: {e}"),
        )
        .with_source(e)
    })?;
    let text = String::from_utf8_lossy(&bytes);
    if !text
        .lines()
        .any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{kind}-----")))
    {
        let text = format!("the file `{shown}` of the option `{option}` holds no `{kind}` in PEM");
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Access::from_url(&url.parse().unwrap()).err().expect(url).to_string()
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (url, why) in [
            ("etcd://me@h/b", "both a user and a password"),
            ("etcd://h/b?ca=x&cert=y", "`cert` and `key` go together"),
            ("etcd://me:hush@h/b?ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let text = refused(url);
            assert!(text.contains(why), "{url}: {text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
