use std::time::Duration;

use tracing_core::Level;
use trunkline::transport::tls::{ClientTls, ServerTls};
use trunkline::{Client, ErrorKind};

use crate::authority::{Authority, Folder, connect, neg, serve};
use crate::logged::logged;

/// Looks at every connection.
const ALWAYS: Duration = Duration::ZERO;

fn put(folder: &Folder, authority: &Authority, names: &[&str]) {
    let issued = authority.issue(names);
    folder.write("cert.pem", &issued.certificate);
    folder.write("key.pem", &issued.key);
}

fn from(folder: &Folder) -> ServerTls {
    ServerTls::from_files(folder.path("cert.pem"), folder.path("key.pem")).reload_every(ALWAYS)
}

#[tokio::test]
async fn a_server_shows_a_renewed_certificate_to_new_connections() {
    let (old, new, folder) = (Authority::new("Old CA"), Authority::new("New CA"), Folder::new());
    put(&folder, &old, &["127.0.0.1"]);
    let server = serve(from(&folder)).await;
    let before = connect(&server, old.trusted()).await;
    assert_eq!(neg(&before).await.unwrap(), -5);

    put(&folder, &new, &["127.0.0.1"]);
    let after = connect(&server, new.trusted()).await;
    assert_eq!(neg(&after).await.unwrap(), -5);
    let error = neg(&connect(&server, old.trusted()).await).await.unwrap_err();
    assert!(error.message().contains("unknown CA, `CN=New CA"), "{error}");
    // What was connected stays connected.
    assert_eq!(neg(&before).await.unwrap(), -5);
}

#[tokio::test]
async fn a_broken_renewal_leaves_the_old_certificate_and_is_logged_once() {
    let (authority, folder) = (Authority::new("Example CA"), Folder::new());
    put(&folder, &authority, &["127.0.0.1"]);
    let server = serve(from(&folder)).await;
    let complaints = || logged(Level::WARN, "what was there before stays");

    // The certificate is there already, its key is not.
    folder.write("cert.pem", &authority.issue(&["127.0.0.1"]).certificate);
    for _ in 0..3 {
        assert_eq!(neg(&connect(&server, authority.trusted()).await).await.unwrap(), -5);
    }
    assert_eq!(complaints(), 1);
    std::fs::remove_file(folder.path("cert.pem")).unwrap();
    for _ in 0..3 {
        assert_eq!(neg(&connect(&server, authority.trusted()).await).await.unwrap(), -5);
    }
    assert_eq!(complaints(), 2);

    let new = Authority::new("New CA");
    put(&folder, &new, &["127.0.0.1"]);
    assert_eq!(neg(&connect(&server, new.trusted()).await).await.unwrap(), -5);
    assert_eq!(logged(Level::INFO, "new connections use them"), 1);
}

#[tokio::test]
async fn a_client_uses_renewed_files_when_it_dials_again() {
    let (servers, clients, folder) = (Authority::new("Servers"), Authority::new("Clients"), Folder::new());
    let tls = servers.issue(&["127.0.0.1"]).server().client_ca_pem(clients.pem.as_str());
    let server = serve(tls).await;

    folder.write("ca.pem", &Authority::new("Nobody").pem);
    put(&folder, &Authority::new("Nobody"), &["billing.example"]);
    let tls = ClientTls::ca_file(folder.path("ca.pem"))
        .certificate_files(folder.path("cert.pem"), folder.path("key.pem"))
        .reload_every(ALWAYS);
    let client = Client::builder()
        .tls(tls)
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        .connect(server.address())
        .await
        .unwrap();
    let error = neg(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("unknown CA"), "{error}");

    folder.write("ca.pem", &servers.pem);
    put(&folder, &clients, &["billing.example"]);
    tokio::time::timeout(Duration::from_secs(20), client.ready()).await.expect("it dials again");
    let known: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
    assert_eq!(known.as_deref(), Some("CN=billing.example"));
}
