//! Handshakes that do not go as they should, and what a server makes of them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing_core::Level;
use trunkline::server::{IpList, RunningServer};
use trunkline::{Client, ErrorKind};

use crate::authority::{Authority, connect, math, neg, serve};
use crate::logged::logged;

async fn dial(server: &RunningServer) -> TcpStream {
    TcpStream::connect(server.address().strip_prefix("tcp@").unwrap()).await.unwrap()
}

async fn until(what: impl Fn() -> bool) {
    let reached = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect("it comes to that");
}

#[tokio::test]
async fn a_client_that_says_nothing_holds_up_no_other() {
    let authority = Authority::new("Example CA");
    let tls = authority.issue(&["127.0.0.1"]).server().handshake_timeout(Duration::from_secs(60));
    let server = serve(tls).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(dial(&server).await);
    }
    until(|| server.handle().connections() == 20).await;
    let client = connect(&server, authority.trusted()).await;
    assert_eq!(neg(&client).await.unwrap(), -5);
    assert_eq!(server.handle().connections(), 21);
}

#[tokio::test]
async fn a_handshake_has_a_limit_in_time() {
    let authority = Authority::new("Example CA");
    let tls = authority.issue(&["127.0.0.1"]).server().handshake_timeout(Duration::from_millis(100));
    let server = serve(tls).await;
    let mut silent = dial(&server).await;
    // Half a record is no better than nothing.
    silent.write_all(&[0x16, 0x03, 0x01, 0x01, 0x00]).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(20), silent.read_to_end(&mut Vec::new())).await;
    assert_eq!(end.expect("the server ends it").unwrap(), 0);
    drop(silent);
    until(|| server.handle().connections() == 0).await;
    assert_eq!(logged(Level::WARN, "no TLS handshake within 100ms"), 1);
}

#[tokio::test]
async fn handshakes_beyond_their_number_wait_for_their_turn() {
    let authority = Authority::new("Example CA");
    let tls =
        authority.issue(&["127.0.0.1"]).server().handshakes(1).handshake_timeout(Duration::from_secs(60));
    let server = serve(tls).await;
    let silent = dial(&server).await;
    until(|| server.handle().connections() == 1).await;
    let client = Client::builder().tls(authority.trusted()).connect_timeout(Duration::from_secs(60));
    let client = client.connect(server.address()).await.unwrap();
    until(|| server.handle().connections() == 2).await;
    let quick = client.service("Math").call::<_, i64>("Neg", &5).timeout(Duration::from_millis(200)).await;
    assert_eq!(quick.unwrap_err().kind(), ErrorKind::Deadline);
    drop(silent);
    assert_eq!(neg(&client).await.unwrap(), -5);
}

#[tokio::test]
async fn plain_text_is_logged_once_and_harms_nobody() {
    let authority = Authority::new("Example CA");
    let server = serve(authority.issue(&["127.0.0.1"]).server()).await;
    let client = connect(&server, authority.trusted()).await;
    for _ in 0..5 {
        let mut plain = dial(&server).await;
        plain.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    // Somebody who only looks whether the port is open is worth no warning.
    drop(dial(&server).await);
    assert_eq!(neg(&client).await.unwrap(), -5);
    until(|| server.handle().connections() == 1).await;
    assert_eq!(logged(Level::WARN, "handshake failed"), 1);
    assert_eq!(logged(Level::DEBUG, "handshake failed"), 5);
}

#[tokio::test]
async fn filters_are_asked_before_the_handshake() {
    let authority = Authority::new("Example CA");
    let tls = authority.issue(&["127.0.0.1"]).server();
    let server = math().tls(tls).filter(IpList::deny(["127.0.0.1"]).unwrap());
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let mut refused = dial(&server).await;
    assert_eq!(refused.read(&mut [0; 1]).await.unwrap_or(0), 0);
}
