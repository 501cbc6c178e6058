use trunkline::transport::tls::ClientTls;
use trunkline::{Client, ErrorKind};

use crate::authority::{Authority, connect, math, neg, serve};

#[tokio::test]
async fn a_call_goes_over_tls() {
    let authority = Authority::new("Example CA");
    let server = serve(authority.issue(&["127.0.0.1"]).server()).await;
    let client = connect(&server, authority.trusted()).await;
    assert_eq!(neg(&client).await.unwrap(), -5);
    let known: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
    assert_eq!(known, None);
}

#[tokio::test]
async fn hosts_names_and_overrides_are_checked_against_the_certificate() {
    let authority = Authority::new("Example CA");
    let server = serve(authority.issue(&["localhost", "billing.example"]).server()).await;
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    for (address, tls) in [
        (format!("tcp@localhost:{port}"), authority.trusted()),
        (format!("tcp4@localhost:{port}"), authority.trusted()),
        (format!("tcp@127.0.0.1:{port}"), authority.trusted().server_name("billing.example")),
    ] {
        let client = Client::builder().tls(tls).connect(&address).await.unwrap();
        assert_eq!(neg(&client).await.unwrap(), -5, "{address}");
    }
}

#[tokio::test]
async fn a_listener_that_was_bound_by_hand_speaks_tls_too() {
    let authority = Authority::new("Example CA");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = trunkline::transport::Tcp::listener(listener);
    let server = math().tls(authority.issue(&["127.0.0.1"]).server());
    let server = server.listen_on([("tcp".to_owned(), listener)]).unwrap().spawn();
    let client = connect(&server, authority.trusted()).await;
    assert_eq!(neg(&client).await.unwrap(), -5);
    let plain = Client::connect(server.address()).await.unwrap();
    assert_eq!(neg(&plain).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_it_is_given() {
    // As `openssl req -x509` makes them: marked as a CA, and used as a server's all the same.
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let tls = trunkline::transport::tls::ServerTls::from_pem(certificate.as_str(), key.serialize_pem());
    let server = serve(tls).await;

    let trusting = ClientTls::ca_pem(certificate.as_str());
    assert_eq!(neg(&connect(&server, trusting.clone()).await).await.unwrap(), -5);

    let wrong_name = connect(&server, trusting.server_name("other.example")).await;
    let error = neg(&wrong_name).await.unwrap_err();
    assert!(error.message().contains("is for `127.0.0.1`, not `other.example`"), "{error}");

    let another = connect(&server, Authority::new("Another CA").trusted()).await;
    let error = neg(&another).await.unwrap_err();
    assert!(error.message().contains("is that of a CA"), "{error}");
}

#[tokio::test]
async fn without_verification_anybody_is_called() {
    let server = serve(Authority::new("Unknown CA").issue(&["other.example"]).server()).await;
    let client = connect(&server, ClientTls::insecure_skip_verify()).await;
    assert_eq!(neg(&client).await.unwrap(), -5);
}
