//! What went wrong in TLS, said so that whoever reads it knows which name, which CA, and what to do.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::verification::Seen;
use crate::transport::certificate::Certificate;

/// How TLS failed on a stream.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Tls(Error),
    /// The far end closed the connection before the handshake was done, after so many bytes.
    Ended(u64),
}

/// What a failed handshake was about, as a server counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody looked whether the port is open.
    Nobody,
    /// What came is no TLS.
    Plain,
    /// The client's certificate, or that there was none.
    Certificate,
    /// The client does not like what the server shows.
    Refused,
    Late,
    Other,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A sentence about a fault of TLS, and rustls's word for it as the source.
#[derive(Debug)]
struct Explained {
    text: String,
    source: Error,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Explained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn explained(text: String, source: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Explained { text, source })
}

/// What the client is told whose handshake failed. `name` is what the server should have been.
pub(super) fn of_dial(fault: Fault, name: &str, seen: &Seen) -> io::Error {
    let error = match fault {
        Fault::Io(error) => {
            return io::Error::new(error.kind(), format!("the TLS handshake broke off: {error}"));
        }
        Fault::Ended(_) => {
            let text = "the far end closed the connection during the TLS handshake: it may not speak TLS";
            return io::Error::new(io::ErrorKind::UnexpectedEof, text);
        }
        Fault::Tls(error) => error,
    };
    let text = match &error {
        Error::InvalidCertificate(why) => certificate(why, name, &seen.certificate().unwrap_or_default()),
        Error::InvalidMessage(_) => {
            "the far end does not speak TLS: serve it with `ServerBuilder::tls`, or connect without TLS"
                .to_owned()
        }
        Error::PeerIncompatible(why) => format!("the far end speaks no TLS that we do: {why:?}"),
        Error::AlertReceived(alert) => return of_alert(*alert, Some(seen)),
        other => format!("the TLS handshake failed: {other}"),
    };
    explained(text, error)
}

/// What is wrong with a server's certificate.
fn certificate(why: &CertificateError, name: &str, read: &Certificate) -> String {
    let Certificate { subject, issuer, .. } = read;
    let whose = format!("the server's certificate (`{subject}`)");
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = read.dns_names.iter().cloned();
            let names: Vec<_> = names.chain(read.ip_addresses.iter().map(ToString::to_string)).collect();
            if names.is_empty() {
                return format!(
                    "{whose} names no host, not even `{name}`: it needs that as a subject alternative name"
                );
            }
            format!(
                "the server's certificate is for `{}`, not `{name}`: connect by such a name, or say by \
                 `ClientTls::server_name` which one to expect",
                names.join("`, `")
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => match read.valid {
            Some((_, until)) => format!("{whose} expired on {until}: renew it, or set this machine's clock"),
            None => format!("{whose} has expired"),
        },
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => match read.valid {
            Some((from, _)) => format!("{whose} is not valid before {from}: is a clock wrong?"),
            None => format!("{whose} is not valid yet"),
        },
        CertificateError::UnknownIssuer if subject == issuer => {
            format!("{whose} is self-signed and not trusted here: trust it by `ClientTls::ca_file`")
        }
        CertificateError::UnknownIssuer => {
            format!("{whose} was issued by an unknown CA, `{issuer}`: trust that CA by `ClientTls::ca_file`")
        }
        // This is how rustls passes on that webpki met a CA's certificate where a server's should be.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            format!(
                "{whose} is that of a CA, which vouches for others and serves nothing: issue one for the server"
            )
        }
        other => format!("{whose}, issued by `{issuer}`, is not accepted: {other}"),
    }
}

/// What a connection is told that fails after its handshake: with TLS 1.3 a server's judgement of
/// the client comes only then.
pub(super) fn of_read(error: Error, seen: Option<&Seen>) -> io::Error {
    match error {
        Error::AlertReceived(alert) => of_alert(alert, seen),
        other => explained(format!("TLS failed: {other}"), other),
    }
}

/// What the far end meant by ending the connection with this word. `seen` is there on a client.
fn of_alert(alert: AlertDescription, seen: Option<&Seen>) -> io::Error {
    let without = seen.is_some_and(|seen| seen.was_asked() && !seen.has_certificate());
    let with = seen.is_some_and(|seen| seen.was_asked() && seen.has_certificate());
    let far = if seen.is_some() { "server" } else { "client" };
    let text = match alert {
        AlertDescription::CertificateRequired => wants_one(),
        // Before TLS 1.3 there was no word of its own for it.
        AlertDescription::HandshakeFailure | AlertDescription::BadCertificate if without => wants_one(),
        AlertDescription::UnknownCA => {
            format!("the {far} does not trust the CA that issued our certificate")
        }
        AlertDescription::CertificateExpired => format!("the {far} says that our certificate has expired"),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError
            if with || seen.is_none() =>
        {
            format!("the {far} does not accept our certificate ({alert:?})")
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            format!("the {far} found no TLS version and cipher that both ends speak ({alert:?})")
        }
        AlertDescription::UnrecognisedName => {
            "the server has no certificate for the name it was asked by".to_owned()
        }
        other => format!("the {far} ended TLS: {other:?}"),
    };
    explained(text, Error::AlertReceived(alert))
}

fn wants_one() -> String {
    "the server wants a client certificate: give one by `ClientTls::certificate_files`".to_owned()
}

/// What a server's log says of a client whose handshake failed.
pub(super) fn of_accept(fault: Fault) -> (Kind, io::Error) {
    let error = match fault {
        Fault::Io(error) if error.kind() == io::ErrorKind::TimedOut => return (Kind::Late, error),
        Fault::Io(error) => return (Kind::Other, error),
        Fault::Ended(0) => {
            return (Kind::Nobody, io::Error::new(io::ErrorKind::UnexpectedEof, "closed before a byte came"));
        }
        Fault::Ended(_) => {
            let text = "the client closed the connection during the TLS handshake";
            return (Kind::Refused, io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        Fault::Tls(error) => error,
    };
    match error {
        Error::InvalidMessage(_) => {
            (Kind::Plain, explained("the client does not speak TLS, and this server does".to_owned(), error))
        }
        Error::NoCertificatesPresented => {
            (Kind::Certificate, explained("the client showed no certificate".to_owned(), error))
        }
        Error::InvalidCertificate(ref why) => {
            let text = match why {
                CertificateError::UnknownIssuer => {
                    "the client's certificate was issued by a CA that is not among the client CAs".to_owned()
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "the client's certificate has expired".to_owned()
                }
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                    "the client's certificate is not for clients (extended key usage)".to_owned()
                }
                other => format!("the client's certificate is not accepted: {other}"),
            };
            (Kind::Certificate, explained(text, error))
        }
        Error::AlertReceived(alert) => (Kind::Refused, of_alert(alert, None)),
        other => (Kind::Other, explained(format!("the TLS handshake failed: {other}"), other)),
    }
}
