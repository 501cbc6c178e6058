use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use trunkline::Server;
use trunkline::transport::memory::Memory;
use trunkline::transport::{Listener, Stream, Transport};

use crate::raw_peer::{RawPeer, request};

/// Fails to accept for a while, as a process without free file descriptors does.
struct Failing {
    listener: Box<dyn Listener>,
    failures: usize,
    asked: Arc<AtomicUsize>,
}

impl Listener for Failing {
    fn accept(&mut self) -> Pin<Box<dyn Future<Output = io::Result<Stream>> + Send + '_>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < self.failures {
            return Box::pin(async { Err(io::Error::other("too many open files")) });
        }
        self.listener.accept()
    }

    fn local_address(&self) -> String {
        "server".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fails_is_asked_again_but_not_in_a_hurry() {
    let network = Memory::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = network.listen("server").await.unwrap();
    let failing = Failing { listener, failures: 30, asked: asked.clone() };
    let server = Server::builder()
        .raw("S", "Echo", |_, body| async { Ok(body) })
        .listen_on([("memory".to_owned(), Box::new(failing) as Box<dyn Listener>)])
        .unwrap()
        .spawn();
    sleep(Duration::from_secs(1)).await;
    let in_a_second = asked.load(Ordering::Relaxed);
    assert!((3..15).contains(&in_a_second), "{in_a_second} times");
    sleep(Duration::from_secs(10)).await;
    let later = asked.load(Ordering::Relaxed) - in_a_second;
    assert!((5..15).contains(&later), "{later} times in ten seconds");
    // It recovers by itself.
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "S", "Echo", b"x")).await;
    assert!(peer.next().await.is_some());
    assert_eq!(server.address(), "memory@server");
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_stops_while_its_listener_fails() {
    let network = Memory::new();
    let listener = network.listen("server").await.unwrap();
    let failing = Failing { listener, failures: usize::MAX, asked: Arc::default() };
    let server = Server::builder()
        .listen_on([("memory".to_owned(), Box::new(failing) as Box<dyn Listener>)])
        .unwrap()
        .spawn();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(server.stop().await.connections, 0);
}
