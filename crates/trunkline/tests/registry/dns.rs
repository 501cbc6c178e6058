//! The registry `dns://` against a name server of a few lines, on loopback.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use trunkline::registry::{Registry, Trust, Watch};

use crate::suite::{texts, until, until_list};

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const SOON: Duration = Duration::from_secs(20);

/// What the name server says.
#[derive(Clone)]
enum Answer {
    /// Records, as they stand in a message, all with this time to live.
    Records(Vec<Vec<u8>>, u32),
    /// An error code of DNS: 2 is SERVFAIL, 3 is NXDOMAIN.
    Code(u8),
    Silence,
}

/// A name server; what it was not told about is NXDOMAIN.
struct NameServer {
    address: SocketAddr,
    zone: Arc<Mutex<HashMap<(String, u16), Answer>>>,
    asked: Arc<Mutex<usize>>,
    serving: JoinHandle<()>,
}

impl NameServer {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone: Arc<Mutex<HashMap<(String, u16), Answer>>> = Arc::default();
        let asked = Arc::new(Mutex::new(0));
        let (answers, count) = (zone.clone(), asked.clone());
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                *count.lock().unwrap() += 1;
                let reply = reply(&buffer[..length], &answers.lock().unwrap());
                if let Some(reply) = reply {
                    socket.send_to(&reply, from).await.unwrap();
                }
            }
        });
        Self { address, zone, asked, serving }
    }

    fn says(&self, name: &str, kind: u16, answer: Answer) {
        self.zone.lock().unwrap().insert((name.to_owned(), kind), answer);
    }

    fn watch(&self, name: &str, options: &str) -> (Registry, Watch) {
        let url = format!("dns://{name}?server={}&grace=2s{options}", self.address);
        let registry = Registry::open(&url).unwrap();
        let watch = registry.resolver().unwrap().watch("Arith");
        (registry, watch)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The answer to a query, in the format of RFC 1035: one question, whose name answers point to.
fn reply(query: &[u8], zone: &HashMap<(String, u16), Answer>) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += 1 + length;
    }
    let question = &query[12..at + 5];
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let (code, records, ttl) = match zone.get(&(labels.join("."), kind)).cloned() {
        Some(Answer::Records(records, ttl)) => (0, records, ttl),
        Some(Answer::Code(code)) => (code, vec![], 0),
        Some(Answer::Silence) => return None,
        None => (3, vec![], 0),
    };
    let mut reply = query[..2].to_vec();
    // A response, recursion desired and available.
    reply.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    reply.extend(question);
    for data in records {
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1]);
        reply.extend(ttl.to_be_bytes());
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

fn v4(last: u8) -> Vec<u8> {
    Ipv4Addr::new(10, 0, 0, last).octets().to_vec()
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
    for label in target.split('.') {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}

#[tokio::test]
async fn addresses_of_both_families_with_the_port_that_was_given() {
    let server = NameServer::start().await;
    server.says("svc.test", A, Answer::Records(vec![v4(2), v4(1)], 1));
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets().to_vec();
    server.says("svc.test", AAAA, Answer::Records(vec![v6], 300));
    let (_registry, mut watch) = server.watch("svc.test:8972", "");
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:8972", "tcp@10.0.0.2:8972", "tcp@[2001:db8::1]:8972"]).await;

    // The shorter time to live is followed: a change is seen although the other is good for minutes.
    server.says("svc.test", A, Answer::Records(vec![v4(1), v4(3)], 1));
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:8972", "tcp@10.0.0.3:8972", "tcp@[2001:db8::1]:8972"]).await;
}

#[tokio::test]
async fn srv_records_of_the_lowest_priority() {
    let server = NameServer::start().await;
    let records =
        vec![srv(10, 5, 8972, "a.test"), srv(10, 0, 8973, "b.test"), srv(20, 5, 8974, "backup.test")];
    server.says("_rpcx._tcp.svc.test", SRV, Answer::Records(records.clone(), 60));
    let (_registry, mut watch) = server.watch("svc.test", "&network=quic");
    until_list(&mut watch, SOON, &["quic@a.test:8972?weight=5", "quic@b.test:8973?weight=1"]).await;

    server.says("_arith._tcp.test", SRV, Answer::Records(records, 60));
    let (_registry, mut watch) = server.watch("_arith._tcp.test", "");
    until(&mut watch, SOON, |s| s.instances().len() == 2).await;
}

#[tokio::test]
async fn a_name_may_hold_the_service() {
    let server = NameServer::start().await;
    server.says("arith.svc.test", A, Answer::Records(vec![v4(1)], 60));
    let (_registry, mut watch) = server.watch("{service}.svc.test:1", "");
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:1"]).await;
}

#[tokio::test]
async fn an_error_keeps_the_list_and_no_such_name_empties_it_after_the_grace_time() {
    let server = NameServer::start().await;
    server.says("svc.test", A, Answer::Records(vec![v4(1)], 1));
    let (_registry, mut watch) = server.watch("svc.test:1", "");
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:1"]).await;

    for answer in [Answer::Code(2), Answer::Silence] {
        server.says("svc.test", A, answer);
        let stale = |s: &trunkline::registry::Snapshot| matches!(s.trust(), Trust::Stale { .. });
        let snapshot = until(&mut watch, SOON, stale).await;
        assert_eq!(texts(&snapshot), ["tcp@10.0.0.1:1"]);
        server.says("svc.test", A, Answer::Records(vec![v4(1)], 1));
        until(&mut watch, SOON, |s| *s.trust() == Trust::Fresh).await;
    }

    server.says("svc.test", A, Answer::Code(3));
    let snapshot = until(&mut watch, SOON, |s| *s.trust() != Trust::Fresh).await;
    assert_eq!(texts(&snapshot), ["tcp@10.0.0.1:1"], "it is not believed yet");
    until(&mut watch, SOON, |s| s.instances().is_empty()).await;
}

#[tokio::test]
async fn a_family_that_is_never_answered_for_does_not_spoil_the_other() {
    let server = NameServer::start().await;
    server.says("svc.test", A, Answer::Records(vec![v4(1)], 60));
    server.says("svc.test", AAAA, Answer::Code(2));
    let (_registry, mut watch) = server.watch("svc.test:1", "");
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:1"]).await;
}

#[tokio::test]
async fn a_time_to_live_of_nothing_is_not_a_busy_loop() {
    let server = NameServer::start().await;
    server.says("svc.test", A, Answer::Records(vec![v4(1)], 0));
    server.says("svc.test", AAAA, Answer::Records(vec![], 0));
    let (_registry, mut watch) = server.watch("svc.test:1", "");
    until_list(&mut watch, SOON, &["tcp@10.0.0.1:1"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Two questions for each lookup, and a few lookups.
    assert!(*server.asked.lock().unwrap() <= 12, "{}", server.asked.lock().unwrap());
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    for (url, why) in [
        ("dns://", "one name"),
        ("dns://a,b", "one name"),
        ("dns://a:0", "port"),
        ("dns://a:b", "port"),
        ("dns://a/base", "neither a user"),
        ("dns://a:1?server=x", "`server`"),
        ("dns://a:1?interval=10ms", "below one second"),
        ("dns://a:1?colour=red", "its options are base, check, grace, interval"),
    ] {
        let error = Registry::open(url).unwrap_err().to_string();
        assert!(error.contains(why), "{url}: {error}");
    }
    let registry = Registry::open("dns://a:1?server=127.0.0.1:53").unwrap();
    assert!(registry.registrar().unwrap_err().to_string().contains("cannot be written"));
}
