//! TLS for a server.

use super::builder::ServerBuilder;
use crate::config::{ServerTlsConfig, check};
use crate::error::{Error, ErrorKind};
use crate::transport::Listener;
use crate::transport::tls::ServerTls;

impl ServerBuilder {
    /// Speaks TLS, and nothing else, on `tcp`, `tcp4` and `tcp6`. The addresses stay as they are.
    ///
    /// The files are read here; what is wrong with them is an error of [`bind`](Self::bind).
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), trunkline::Error> {
    /// use trunkline::Server;
    /// use trunkline::transport::tls::ServerTls;
    ///
    /// let tls = ServerTls::from_files("server.pem", "server.key");
    /// let server = Server::builder().tls(tls).bind("tcp@0.0.0.0:8972").await?;
    /// # Ok(()) }
    /// ```
    pub fn tls(mut self, tls: ServerTls) -> Self {
        match tls.prepare() {
            Ok(tls) => self.tls = Some(tls),
            Err(error) => {
                let text = format!("cannot speak TLS: {error}");
                self.wrong = Some(Error::new(ErrorKind::Invalid, text).with_source(error));
            }
        }
        self
    }

    /// The listeners, with TLS where they shall have it.
    pub(super) fn secured(
        &self,
        listeners: Vec<(String, Box<dyn Listener>)>,
    ) -> Vec<(String, Box<dyn Listener>)> {
        let Some(tls) = &self.tls else { return listeners };
        let secure = |(network, listener): (String, _)| {
            let secured = tls.over(&network, listener);
            (network, secured)
        };
        listeners.into_iter().map(secure).collect()
    }
}

/// What a file says about TLS.
pub(super) fn of_config(config: &ServerTlsConfig) -> Result<ServerTls, Error> {
    let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else {
        return Err(check::wrong("tls", "a server needs both, `certificate` and `key`"));
    };
    let mut tls = ServerTls::from_files(certificate, key);
    if let Some(ca) = &config.client_ca {
        tls = tls.client_ca_file(ca);
    }
    if config.client_certificate_optional == Some(true) {
        tls = tls.client_certificate_optional();
    }
    Ok(tls)
}
