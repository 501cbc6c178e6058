//! Who the far end of a connection has proven to be.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::certificate::Certificate;

/// Who the far end of a connection has proven to be, by a certificate that was checked. Cheap to
/// clone.
///
/// A server finds it in [`Peer::identity`](super::Peer::identity) where it asks for certificates.
/// That a certificate was issued says who somebody is, not what they may do: that is for a
/// middleware to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    certificate: Certificate,
    chain: Vec<Bytes>,
}

impl Identity {
    /// What a chain of certificates (DER, the far end's own first) says. For transports that have
    /// checked them: nothing is checked here. What cannot be read says nothing.
    pub fn of_chain(chain: Vec<Bytes>) -> Self {
        let certificate = chain.first().and_then(|der| Certificate::read(der)).unwrap_or_default();
        Self(Arc::new(Inner { certificate, chain }))
    }

    /// The subject, such as `CN=billing,O=Example`.
    pub fn subject(&self) -> &str {
        &self.0.certificate.subject
    }

    /// The subject's common name.
    pub fn common_name(&self) -> Option<&str> {
        self.0.certificate.common_name.as_deref()
    }

    /// Who issued the certificate, such as `CN=Example CA`.
    pub fn issuer(&self) -> &str {
        &self.0.certificate.issuer
    }

    /// The DNS names among the subject's alternative names.
    pub fn dns_names(&self) -> &[String] {
        &self.0.certificate.dns_names
    }

    /// The URIs among them: SPIFFE's names, for one.
    pub fn uris(&self) -> &[String] {
        &self.0.certificate.uris
    }

    /// The IP addresses among them.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.0.certificate.ip_addresses
    }

    /// The e-mail addresses among them.
    pub fn emails(&self) -> &[String] {
        &self.0.certificate.emails
    }

    /// The SPIFFE name, where there is exactly one URI and it is of that kind, as SPIFFE demands.
    pub fn spiffe(&self) -> Option<&str> {
        match self.uris() {
            [only] if only.starts_with("spiffe://") => Some(only),
            _ => None,
        }
    }

    /// The certificates as they came, in DER, the far end's own first.
    pub fn chain(&self) -> &[Bytes] {
        &self.0.chain
    }
}
