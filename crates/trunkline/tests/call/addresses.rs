use std::net::Ipv6Addr;

use trunkline::server::ServerBuilder;
use trunkline::{Client, ErrorKind, Failure, Server};

fn math() -> ServerBuilder {
    Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
}

async fn answers(address: &str) {
    let client = Client::connect(address).await.unwrap();
    assert_eq!(client.service("Math").call::<_, i64>("Neg", &5).await.unwrap(), -5, "{address}");
}

fn port(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}

/// Whether this machine has IPv6 at all; what has not cannot be tested for it.
fn has_v6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[tokio::test]
async fn a_name_reaches_the_server_whatever_family_it_listens_on() {
    let v4 = math().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    answers(&format!("tcp@localhost:{}", port(v4.address()))).await;
    answers(&format!("localhost:{}", port(v4.address()))).await;
    answers(&format!("tcp4@localhost:{}", port(v4.address()))).await;
    let named = math().bind("tcp@localhost:0").await.unwrap().spawn();
    answers(&format!("tcp@localhost:{}", port(named.address()))).await;
}

#[tokio::test]
async fn ipv6_is_served() {
    if !has_v6() {
        return;
    }
    let v6 = math().bind("tcp@[::1]:0").await.unwrap().spawn();
    assert!(v6.address().starts_with("tcp@[::1]:"), "{}", v6.address());
    answers(v6.address()).await;
    answers(&format!("tcp6@[::1]:{}", port(v6.address()))).await;
    let every = math().bind("tcp@:0").await.unwrap().spawn();
    answers(&format!("tcp@[::1]:{}", port(every.address()))).await;
    answers(&format!("tcp@127.0.0.1:{}", port(every.address()))).await;
    answers(&format!("tcp@:{}", port(every.address()))).await;
}

#[tokio::test]
async fn tcp6_leaves_the_port_of_ipv4_to_others() {
    if !has_v6() {
        return;
    }
    let v6 = math().bind("tcp6@:0").await.unwrap().spawn();
    answers(&format!("tcp6@[::1]:{}", port(v6.address()))).await;
    let v4 = math().bind(&format!("tcp4@:{}", port(v6.address()))).await.unwrap().spawn();
    answers(&format!("tcp4@127.0.0.1:{}", port(v4.address()))).await;
    v4.stop().await;
    let client = Client::connect(&format!("tcp4@127.0.0.1:{}", port(v6.address()))).await.unwrap();
    assert!(client.service("Math").call::<_, i64>("Neg", &5).await.is_err(), "IPv4 is not served");
}

#[tokio::test]
async fn several_addresses_are_served_at_once() {
    let server = math().bind("tcp@127.0.0.1:0, tcp4@127.0.0.1:0").await.unwrap();
    let addresses = server.addresses().to_vec();
    let server = server.spawn();
    assert_eq!(addresses.len(), 2);
    for address in &addresses {
        answers(address).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_nowhere_says_so() {
    let client = Client::connect("tcp@no-such-host.invalid:1").await.unwrap();
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for (address, says) in
        [("tcp@host", "port is missing"), ("carrier-pigeon@x", "is unknown; known are tcp")]
    {
        let error = Client::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(says), "{error}");
        let error = math().bind(address).await.unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    let taken = math().bind("tcp@127.0.0.1:0").await.unwrap();
    let error = math().bind(taken.address()).await.unwrap_err();
    assert!(error.message().contains(taken.address()) && std::error::Error::source(&error).is_some());
}
