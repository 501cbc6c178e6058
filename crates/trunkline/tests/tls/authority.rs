//! A CA that issues what a test needs, and a folder to put it in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::transport::tls::{ClientTls, ServerTls};
use trunkline::{Client, Ctx, Failure, Server};

use crate::logged::install;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        install();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these DNS names and IP addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| ())
    }

    pub(crate) fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("nobody"));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { certificate, key: key.serialize_pem() }
    }

    /// A client that trusts this authority.
    pub(crate) fn trusted(&self) -> ClientTls {
        ClientTls::ca_pem(self.pem.as_str())
    }
}

impl Issued {
    pub(crate) fn server(&self) -> ServerTls {
        ServerTls::from_pem(self.certificate.as_str(), self.key.as_str())
    }

    /// The client with this certificate.
    pub(crate) fn shown_by(&self, client: ClientTls) -> ClientTls {
        client.certificate_pem(self.certificate.as_str(), self.key.as_str())
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tls-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server with something to call: `Math.Neg`, and `Who.Am`, which says how the caller is known.
pub(crate) fn math() -> ServerBuilder {
    Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) }).function(
        "Who",
        "Am",
        |ctx: Ctx, (): ()| async move {
            let peer = ctx.peer().expect("the call came over a connection");
            Ok::<_, Failure>(peer.identity().map(|identity| identity.subject().to_owned()))
        },
    )
}

pub(crate) async fn serve(tls: ServerTls) -> RunningServer {
    math().tls(tls).bind("tcp@127.0.0.1:0").await.unwrap().spawn()
}

pub(crate) async fn connect(server: &RunningServer, tls: ClientTls) -> Client {
    Client::builder().tls(tls).connect(server.address()).await.unwrap()
}

pub(crate) async fn neg(client: &Client) -> Result<i64, trunkline::Error> {
    client.service("Math").call("Neg", &5).await
}
