use rcgen::{DnType, SanType};
use trunkline::middleware::from_fn;
use trunkline::transport::tls::ServerTls;
use trunkline::{Client, Ctx, Error, ErrorKind, Failure, Sent};

use crate::authority::{Authority, Issued, connect, math, neg, serve};

struct Fleet {
    servers: Authority,
    clients: Authority,
}

impl Fleet {
    fn new() -> Self {
        Self { servers: Authority::new("Servers"), clients: Authority::new("Clients") }
    }

    fn tls(&self) -> ServerTls {
        self.servers.issue(&["127.0.0.1"]).server().client_ca_pem(self.clients.pem.as_str())
    }

    fn billing(&self) -> Issued {
        self.clients.issue_with(&["billing.example", "10.0.0.1"], |params| {
            params.distinguished_name.push(DnType::OrganizationName, "Example");
            params.subject_alt_names.push(SanType::URI("spiffe://example/billing".try_into().unwrap()));
        })
    }
}

#[tokio::test]
async fn the_clients_certificate_is_its_identity() {
    let fleet = Fleet::new();
    let server = math().tls(fleet.tls()).function("Who", "Names", |ctx: Ctx, (): ()| async move {
        let identity = ctx.peer().and_then(|peer| peer.identity()).cloned().expect("it was asked for");
        assert_eq!(identity.chain().len(), 1);
        assert_eq!(identity.chain()[0][0], 0x30, "it is DER");
        let names = [identity.dns_names(), identity.uris()].concat();
        let ips = identity.ip_addresses().iter().map(ToString::to_string).collect::<Vec<_>>();
        let more =
            [identity.common_name(), identity.spiffe()].map(|name| name.unwrap_or_default().to_owned());
        Ok::<_, Failure>((names, ips, more.to_vec(), identity.issuer().to_owned()))
    });
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = connect(&server, fleet.billing().shown_by(fleet.servers.trusted())).await;
    let subject: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
    assert_eq!(subject.as_deref(), Some("O=Example,CN=billing.example"));
    let (names, ips, more, issuer): (Vec<String>, Vec<String>, Vec<String>, String) =
        client.service("Who").call("Names", &()).await.unwrap();
    assert_eq!(names, ["billing.example", "spiffe://example/billing"]);
    assert_eq!(ips, ["10.0.0.1"]);
    assert_eq!(more, ["billing.example", "spiffe://example/billing"]);
    assert_eq!(issuer, "CN=Clients");
}

#[tokio::test]
async fn middleware_decides_by_identity() {
    let fleet = Fleet::new();
    let server = math().tls(fleet.tls().client_certificate_optional()).layer(from_fn(|call, next| {
        Box::pin(async move {
            let known = call.peer().and_then(|peer| peer.identity()).and_then(|identity| identity.spiffe());
            if known != Some("spiffe://example/billing") {
                return Err(Error::new(ErrorKind::Denied, "billing only"));
            }
            next.run(call).await
        })
    }));
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let billing = connect(&server, fleet.billing().shown_by(fleet.servers.trusted())).await;
    assert_eq!(neg(&billing).await.unwrap(), -5);
    let other = fleet.clients.issue(&["other.example"]).shown_by(fleet.servers.trusted());
    assert_eq!(neg(&connect(&server, other).await).await.unwrap_err().kind(), ErrorKind::Denied);
    let nobody = connect(&server, fleet.servers.trusted()).await;
    assert_eq!(neg(&nobody).await.unwrap_err().kind(), ErrorKind::Denied);
}

async fn refused(client: &Client) -> String {
    let error = neg(client).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No), "{error}");
    error.message().to_owned()
}

#[tokio::test]
async fn a_client_without_a_certificate_is_told_that_one_is_wanted() {
    let fleet = Fleet::new();
    let server = serve(fleet.tls()).await;
    let why = refused(&connect(&server, fleet.servers.trusted()).await).await;
    assert!(why.contains("the server wants a client certificate"), "{why}");
}

#[tokio::test]
async fn a_clients_certificate_that_is_not_good_is_refused_before_a_call_is_sent() {
    let fleet = Fleet::new();
    let server = serve(fleet.tls()).await;

    let stranger = Authority::new("Strangers").issue(&["billing.example"]);
    let why = refused(&connect(&server, stranger.shown_by(fleet.servers.trusted())).await).await;
    assert!(why.contains("the server does not trust the CA that issued our certificate"), "{why}");

    let expired = fleet.clients.issue_with(&["billing.example"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let why = refused(&connect(&server, expired.shown_by(fleet.servers.trusted())).await).await;
    assert!(why.contains("the server says that our certificate has expired"), "{why}");
}
