//! TLS for a client.

use super::builder::ClientBuilder;
use crate::config::{ClientTlsConfig, check};
use crate::error::{Error, ErrorKind};
use crate::transport::tls::ClientTls;

impl ClientBuilder {
    /// Speaks TLS on `tcp`, `tcp4` and `tcp6`. The addresses stay as they are.
    ///
    /// The files are read here; what is wrong with them is an error of [`connect`](Self::connect).
    /// A server that is not trusted is a dial that failed, as one that is not there is: calls end
    /// in [`Unavailable`](ErrorKind::Unavailable), not sent, with a text that says what is wrong,
    /// and the client goes on trying, for certificates are renewed.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), trunkline::Error> {
    /// use trunkline::Client;
    /// use trunkline::transport::tls::ClientTls;
    ///
    /// let client = Client::builder().tls(ClientTls::ca_file("ca.pem")).connect("tcp@a.example:8972").await?;
    /// # Ok(()) }
    /// ```
    pub fn tls(mut self, tls: ClientTls) -> Self {
        match tls.prepare() {
            Ok(tls) => self.transports.secure(tls),
            Err(error) => {
                let text = format!("cannot speak TLS: {error}");
                self.wrong = Some(Error::new(ErrorKind::Invalid, text).with_source(error).not_sent());
            }
        }
        self
    }
}

/// What a file says about TLS.
pub(super) fn of_config(config: &ClientTlsConfig) -> Result<ClientTls, Error> {
    let mut tls = match (&config.ca, config.insecure_skip_verify) {
        (Some(_), Some(true)) => {
            let why = "`ca` says whom to trust, `insecure_skip_verify` to trust anybody: only one can be";
            return Err(check::wrong("tls", why));
        }
        (Some(ca), _) => ClientTls::ca_file(ca),
        (None, Some(true)) => ClientTls::insecure_skip_verify(),
        (None, _) => ClientTls::system(),
    };
    tls = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => tls.certificate_files(certificate, key),
        (None, None) => tls,
        _ => return Err(check::wrong("tls", "`certificate` and `key` go together")),
    };
    if let Some(name) = &config.server_name {
        tls = tls.server_name(name);
    }
    Ok(tls)
}
