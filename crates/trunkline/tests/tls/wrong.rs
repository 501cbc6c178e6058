//! What a client is told when TLS cannot be.

use std::error::Error as _;
use std::io;

use trunkline::transport::tls::{ClientTls, ServerTls};
use trunkline::{Client, Error, ErrorKind, Sent, Server};

use crate::authority::{Authority, Folder, connect, math, neg, serve};

async fn refused(server: ServerTls, client: ClientTls) -> Error {
    let server = serve(server).await;
    let error = neg(&connect(&server, client).await).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No), "{error}");
    assert_eq!(error.address(), Some(server.address()));
    error
}

#[tokio::test]
async fn a_wrong_name_is_said_beside_the_right_ones() {
    let authority = Authority::new("Example CA");
    let error = refused(authority.issue(&["a.example", "10.0.0.1"]).server(), authority.trusted()).await;
    let expected =
        "the server's certificate is for `a.example`, `10.0.0.1`, not `127.0.0.1`: connect by such a name";
    assert!(error.message().contains(expected), "{error}");

    let error = refused(authority.issue(&[]).server(), authority.trusted()).await;
    assert!(error.message().contains("(`CN=nobody`) names no host, not even `127.0.0.1`"), "{error}");
}

#[tokio::test]
async fn an_unknown_ca_is_named() {
    let server = Authority::new("Their CA").issue(&["127.0.0.1"]).server();
    let error = refused(server, Authority::new("Our CA").trusted()).await;
    let expected = "(`CN=127.0.0.1`) was issued by an unknown CA, `CN=Their CA";
    assert!(error.message().contains(expected), "{error}");
}

#[tokio::test]
async fn the_cause_is_kept() {
    let server = Authority::new("Their CA").issue(&["127.0.0.1"]).server();
    let error = refused(server, Authority::new("Our CA").trusted()).await;
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert!(causes.iter().any(|cause| cause.contains("UnknownIssuer")), "{causes:?}");
}

#[tokio::test]
async fn the_time_is_said_when_a_certificate_is_late_or_early() {
    let authority = Authority::new("Example CA");
    let expired = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 2, 28);
    });
    let error = refused(expired.server(), authority.trusted()).await;
    assert!(error.message().contains("(`CN=127.0.0.1`) expired on 2021-02-28 00:00:00 UTC"), "{error}");

    let early = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(2990, 1, 1);
        params.not_after = rcgen::date_time_ymd(2991, 1, 1);
    });
    let error = refused(early.server(), authority.trusted()).await;
    assert!(error.message().contains("is not valid before 2990-01-01 00:00:00 UTC"), "{error}");
}

#[tokio::test]
async fn a_far_end_without_tls_is_recognised() {
    let server = math().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = connect(&server, ClientTls::insecure_skip_verify()).await;
    let error = neg(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    assert!(error.message().contains("it may not speak TLS"), "{error}");

    // One that speaks first, whatever it is.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ready\r\n").await;
        }
    });
    let client = Client::builder().tls(ClientTls::insecure_skip_verify()).connect(&address).await.unwrap();
    let error = neg(&client).await.unwrap_err();
    assert!(error.message().contains("the far end does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_client_without_tls_gets_no_answer_from_a_server_with_it() {
    let server = serve(Authority::new("Example CA").issue(&["127.0.0.1"]).server()).await;
    let client = Client::connect(server.address()).await.unwrap();
    let error = neg(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("it looks like TLS"), "{error}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_an_error_of_bind_and_connect() {
    let folder = Folder::new();
    let authority = Authority::new("Example CA");
    let (one, two) = (authority.issue(&["a.example"]), authority.issue(&["b.example"]));
    let certificate = folder.write("cert.pem", &one.certificate);
    let key = folder.write("key.pem", &one.key);
    let other_key = folder.write("other.key", &two.key);
    let empty = folder.write("empty.pem", "");
    let encrypted = folder.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let missing = folder.path("missing.pem");
    for (tls, expected) in [
        (ServerTls::from_files(&missing, &key), "missing.pem: No such file"),
        (ServerTls::from_files(&empty, &key), "empty.pem` holds no certificate"),
        (ServerTls::from_files(&key, &key), "key.pem` holds no certificate"),
        (ServerTls::from_files(&certificate, &certificate), "cert.pem` holds no private key"),
        (ServerTls::from_files(&certificate, &encrypted), "write it without one"),
        (ServerTls::from_files(&certificate, &other_key), "cannot be used together"),
        (ServerTls::from_files(&certificate, &key).client_ca_file(&empty), "empty.pem` holds no certificate"),
        (
            ServerTls::from_files(&certificate, &key).client_certificate_optional(),
            "no CA says which are good",
        ),
    ] {
        let error = Server::builder().tls(tls).bind("tcp@127.0.0.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(expected), "{error}");
        assert!(error.source().is_some_and(|source| source.is::<io::Error>()));
    }
    for (tls, expected) in [
        (ClientTls::ca_file(&missing), "missing.pem: No such file"),
        (ClientTls::ca_file(&empty), "empty.pem` holds no certificate"),
        (
            ClientTls::ca_file(&certificate).certificate_files(&certificate, &other_key),
            "cannot be used together",
        ),
        (ClientTls::ca_file(&certificate).server_name("not a name"), "`not a name` is neither a DNS name"),
    ] {
        let error = Client::builder().tls(tls).connect("tcp@127.0.0.1:1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn keys_are_not_shown() {
    let issued = Authority::new("Example CA").issue(&["a.example"]);
    let shown = format!("{:?} {:?}", issued.server(), issued.shown_by(ClientTls::insecure_skip_verify()));
    assert!(!shown.contains("PRIVATE") && !shown.contains("45, 45, 45"), "{shown}");
}
