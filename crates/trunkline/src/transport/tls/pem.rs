//! Where PEM text comes from, and what is in it.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::invalid;

/// PEM text in a file, which may change, or in memory.
#[derive(Clone)]
pub(crate) enum Pem {
    File(PathBuf),
    Text(Arc<[u8]>),
}

/// More than any bundle of certificates; what a wrong path leads to may be endless.
const LARGEST: u64 = 8 << 20;

impl Pem {
    pub(super) fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    pub(super) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into().into())
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// The text as it is now.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let path = match self {
            Self::Text(text) => return Ok(text.to_vec()),
            Self::File(path) => path,
        };
        let mut text = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut text));
        read.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(text)
    }

    /// The certificates in its text, of which there must be one.
    pub(super) fn certificates(&self, text: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let found = found.map_err(|error| invalid(format!("{self} is not PEM: {error}")))?;
        if found.is_empty() {
            return Err(invalid(format!(
                "{self} holds no certificate (expected `-----BEGIN CERTIFICATE-----`)"
            )));
        }
        Ok(found)
    }

    /// The private key in its text: PKCS#8, PKCS#1 or SEC1.
    pub(super) fn key(&self, text: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(text).map_err(|error| {
            let hint =
                if contains(text, b"ENCRYPTED PRIVATE KEY") || contains(text, b"Proc-Type: 4,ENCRYPTED") {
                    "it is encrypted, and there is nobody to ask for the password: write it without one"
                        .to_owned()
                } else {
                    format!("{error} (expected `-----BEGIN PRIVATE KEY-----` or the like)")
                };
            invalid(format!("{self} holds no private key that can be used: {hint}"))
        })
    }

    /// The certificates in its text, as those to trust.
    pub(super) fn roots(&self, text: &[u8]) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(text)? {
            roots.add(certificate).map_err(|error| {
                invalid(format!("{self} holds a certificate that cannot be trusted as a CA: {error}"))
            })?;
        }
        Ok(roots)
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Text(_) => f.write_str("the PEM text"),
        }
    }
}

/// Never the text itself: it may be a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(text) => write!(f, "({} bytes)", text.len()),
        }
    }
}
