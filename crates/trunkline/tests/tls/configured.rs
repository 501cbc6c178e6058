use trunkline::Client;
use trunkline::config::{ClientConfig, ServerConfig};

use crate::authority::{Authority, Folder, math, neg};

#[tokio::test]
async fn a_file_says_which_certificates() {
    let (authority, folder) = (Authority::new("Example CA"), Folder::new());
    let (server, client) = (authority.issue(&["billing.example"]), authority.issue(&["caller.example"]));
    for (name, text) in [
        ("ca.pem", &authority.pem),
        ("server.pem", &server.certificate),
        ("server.key", &server.key),
        ("client.pem", &client.certificate),
        ("client.key", &client.key),
    ] {
        folder.write(name, text);
    }
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    let config: ServerConfig = serde_json::from_value(serde_json::json!({ "tls": {
        "certificate": path("server.pem"), "key": path("server.key"), "client_ca": path("ca.pem")
    } }))
    .unwrap();
    let server = math().config(&config).bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let config: ClientConfig = serde_json::from_value(serde_json::json!({ "tls": {
        "ca": path("ca.pem"), "certificate": path("client.pem"), "key": path("client.key"),
        "server_name": "billing.example"
    } }))
    .unwrap();
    let client = Client::builder().config(&config).connect(server.address()).await.unwrap();
    assert_eq!(neg(&client).await.unwrap(), -5);
    let known: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
    assert_eq!(known.as_deref(), Some("CN=caller.example"));
}

#[tokio::test]
async fn what_cannot_be_is_an_error_that_names_the_key() {
    let config: ServerConfig = serde_json::from_str(r#"{ "tls": { "certificate": "a" } }"#).unwrap();
    let error = math().config(&config).bind("tcp@127.0.0.1:0").await.unwrap_err();
    assert!(error.message().contains("tls: a server needs both, `certificate` and `key`"), "{error}");
    for (text, expected) in [
        (r#"{ "tls": { "certificate": "a" } }"#, "tls: `certificate` and `key` go together"),
        (r#"{ "tls": { "ca": "a", "insecure_skip_verify": true } }"#, "tls: `ca` says whom to trust"),
    ] {
        let config: ClientConfig = serde_json::from_str(text).unwrap();
        let error = Client::builder().config(&config).connect("tcp@127.0.0.1:1").await.unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}
