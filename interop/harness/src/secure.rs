//! TLS, both ways: the same rows for a Go client at our servers and for our client at Go's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use trunkline::middleware::from_fn;
use trunkline::server::RunningServer;
use trunkline::transport::tls::{ClientTls, ServerTls};
use trunkline::{Client, Error, ErrorKind, Sent, Server};

use crate::check::{Check, During, Problem, equal, expect, failure};
use crate::messages::plain::Blob;
use crate::peers::{GoServer, Peer};
use crate::plan::{Codec, Step};
use crate::server::{Counters, services};
use crate::services::InteropClient;
use crate::values::Values;

/// What the names of these cases begin with.
pub(crate) const CASE: &str = "tls_";

/// The name in our clients' certificates.
const CALLER: &str = "caller.example";

/// TLS 1.2, as it is numbered on the wire.
const TLS12: u16 = 0x0303;

/// One row: how a client speaks TLS, to which server, and what that ends in.
struct Row {
    case: &'static str,
    server: At,
    /// The file of the CA to trust; none trusts anybody.
    ca: Option<&'static str>,
    /// The name of the client's certificate.
    shown: Option<&'static str>,
    /// What Go's error says, and ours, where the call is refused.
    refused: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Any,
    Tls12,
    Mutual,
}

const ROWS: [Row; 7] = [
    Row { case: "tls_13", server: At::Any, ca: Some("ca.pem"), shown: None, refused: None },
    Row { case: "tls_12", server: At::Tls12, ca: Some("ca.pem"), shown: None, refused: None },
    Row { case: "tls_unverified", server: At::Any, ca: None, shown: None, refused: None },
    Row { case: "tls_mutual", server: At::Mutual, ca: Some("ca.pem"), shown: Some("caller"), refused: None },
    Row {
        case: "tls_unknown_ca",
        server: At::Any,
        ca: Some("stranger-ca.pem"),
        shown: None,
        refused: Some(("unknown authority", "was issued by an unknown CA, `CN=Interop CA`")),
    },
    Row {
        case: "tls_no_certificate",
        server: At::Mutual,
        ca: Some("ca.pem"),
        shown: None,
        refused: Some(("certificate required", "the server wants a client certificate")),
    },
    Row {
        case: "tls_stranger",
        server: At::Mutual,
        ca: Some("ca.pem"),
        shown: Some("stranger"),
        // Go shows a certificate only where the server has named its CA.
        refused: Some(("certificate required", "does not trust the CA that issued our certificate")),
    },
];

/// A row for each way to speak TLS.
pub(crate) fn steps() -> Vec<Step> {
    ROWS.iter().map(|row| Step::extra(row.case, Codec::MsgPack, 0)).collect()
}

fn row(step: &Step) -> Check<&'static Row> {
    let row = ROWS.iter().find(|row| row.case == step.case);
    row.ok_or_else(|| Problem(format!("nothing here plays the case {:?}", step.case)))
}

/// A folder with the certificates of a run, which goes with it.
#[derive(Debug)]
pub(crate) struct Certificates(PathBuf);

impl Certificates {
    pub(crate) fn make() -> Check<Self> {
        let folder = std::env::temp_dir().join(format!("trunkline-interop-{}", std::process::id()));
        fs::create_dir_all(&folder).during("making a folder for certificates")?;
        let made = Self(folder);
        let authority = made.authority("ca.pem", "Interop CA")?;
        made.issue(&authority, "server", "127.0.0.1")?;
        made.issue(&authority, "caller", CALLER)?;
        let stranger = made.authority("stranger-ca.pem", "Stranger CA")?;
        made.issue(&stranger, "stranger", CALLER)?;
        Ok(made)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn authority(&self, file: &str, name: &str) -> Check<Issuer<'static, KeyPair>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        fs::write(self.path(file), params.self_signed(&key)?.pem())?;
        Ok(Issuer::new(params, key))
    }

    fn issue(&self, authority: &Issuer<'_, KeyPair>, name: &str, host: &str) -> Check {
        let params = CertificateParams::new(vec![host.to_owned()])?;
        let key = KeyPair::generate()?;
        fs::write(self.path(&format!("{name}.pem")), params.signed_by(&key, authority)?.pem())?;
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem())?;
        Ok(())
    }

    fn server(&self) -> ServerTls {
        ServerTls::from_files(self.path("server.pem"), self.path("server.key"))
    }

    fn client(&self, row: &Row) -> ClientTls {
        let tls = match row.ca {
            Some(ca) => ClientTls::ca_file(self.path(ca)),
            None => ClientTls::insecure_skip_verify(),
        };
        match row.shown {
            Some(name) => {
                tls.certificate_files(self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")))
            }
            None => tls,
        }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A Go client at a server of ours.
pub(crate) async fn go_caller(
    peer: &Peer,
    values: &Arc<Values>,
    certificates: &Certificates,
    step: &Step,
) -> Check {
    let row = row(step)?;
    let server = serve(values, certificates, row.server == At::Mutual).await?;
    let address = server.address().trim_start_matches("tcp@").to_owned();
    let mut caller = peer.client(&address, "")?;
    let mut tls = json!({ "folder": certificates.folder(), "ca": row.ca.unwrap_or_default() });
    if let Some(shown) = row.shown {
        tls["shown"] = json!(shown);
    }
    if row.server == At::Tls12 {
        tls["newest"] = json!(TLS12);
    }
    if let Some((text, _)) = row.refused {
        tls["refused"] = Value::from(text);
    }
    let played = caller.command(&json!({ "case": "tls", "codec": step.codec.name(), "tls": tls })).await;
    drop(caller);
    server.stop().await;
    played.map(drop)
}

/// Our server, which with mutual TLS serves nobody but the one caller.
async fn serve(values: &Arc<Values>, certificates: &Certificates, mutual: bool) -> Check<RunningServer> {
    let mut tls = certificates.server();
    let mut builder = services(Server::builder(), values, &Counters::default());
    if mutual {
        tls = tls.client_ca_file(certificates.path("ca.pem"));
        builder = builder.layer(from_fn(|call, next| {
            Box::pin(async move {
                let identity = call.peer().and_then(|peer| peer.identity());
                match identity.map(|identity| identity.dns_names()) {
                    Some([name]) if name == CALLER => next.run(call).await,
                    other => Err(Error::new(ErrorKind::Denied, format!("the caller is {other:?}"))),
                }
            })
        }));
    }
    Ok(builder.tls(tls).bind("tcp@127.0.0.1:0").await.during("binding our server")?.spawn())
}

/// Our client at the Go servers.
pub(crate) async fn rust_caller(go: &GoServer, certificates: &Certificates, step: &Step) -> Check {
    let row = row(step)?;
    let address = match row.server {
        At::Any => &go.secure.tls,
        At::Tls12 => &go.secure.tls12,
        At::Mutual => &go.secure.mutual,
    };
    let client = Client::builder().tls(certificates.client(row)).timeout(Duration::from_secs(15));
    let client = client.connect(&format!("tcp@{address}")).await.during("connecting")?;
    if let Some((_, text)) = row.refused {
        let call = InteropClient::new(client);
        let error = failure("a call that TLS must refuse", call.blob(blob(1, 0)).await)?;
        equal(
            "kind and whether it was sent",
            (error.kind(), error.sent()),
            (ErrorKind::Unavailable, Sent::No),
        )?;
        return expect(error.message().contains(text), || {
            format!("the error is {error:?}, expected {text:?}")
        });
    }
    let mut calls = JoinSet::new();
    for i in 0..100 {
        let client = client.clone();
        calls.spawn(async move {
            let sent = blob(i, if i % 10 == 0 { (1 << 20) + i } else { i });
            let reply = InteropClient::new(client).blob(sent.clone()).await.during("a call over TLS")?;
            expect(reply == sent, || format!("the reply to call {i} is another's"))
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.during("a call over TLS")??;
    }
    Ok(())
}

fn blob(text: usize, data: usize) -> Blob {
    Blob { text: "x".repeat(text), data: vec![7; data].into() }
}
