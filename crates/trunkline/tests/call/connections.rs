use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use trunkline::server::{ConnectionFilter, ConnectionRate, IpList};
use trunkline::transport::memory::Memory;
use trunkline::transport::{Peer, Stream};
use trunkline::{Client, ErrorKind, Failure, Server};

use crate::events::{Events, events};
use crate::pair::serve;
use crate::raw_peer::{RawPeer, bytes_of, request};

#[tokio::test(start_paused = true)]
async fn one_connection_too_many_is_closed_at_once() {
    let network = Memory::new();
    let server =
        Server::builder().raw("S", "Echo", |_, body| async move { Ok(body) }).limit(|l| l.connections = 2);
    let server = serve(&network, server).await;
    let mut open = [RawPeer::dial(&network).await, RawPeer::dial(&network).await];
    let mut third = RawPeer::dial(&network).await;
    assert!(third.next().await.is_none());
    for peer in &mut open {
        peer.send_message(&request(1, "S", "Echo", b"x")).await;
        assert!(peer.next().await.is_some());
    }
    drop(open);
    while server.handle().connections() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let mut fourth = RawPeer::dial(&network).await;
    fourth.send_message(&request(1, "S", "Echo", b"x")).await;
    assert!(fourth.next().await.is_some(), "there is room again");
}

/// Notes what it is asked, and lets in as long as its number allows.
struct Noting {
    events: Events,
    asked: &'static str,
    closed: &'static str,
    places: AtomicUsize,
}

impl ConnectionFilter for Noting {
    fn accept(&self, stream: Stream) -> Result<Stream, String> {
        self.events.note(self.asked);
        let left = self.places.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        left.map(|_| stream).map_err(|_| "no place".to_owned())
    }

    fn closed(&self, _: &Peer) {
        self.events.note(self.closed);
    }
}

#[tokio::test(start_paused = true)]
async fn filters_are_asked_in_order_and_told_of_the_end_once() {
    let (events, mut seen) = events();
    let first = Noting { events: events.clone(), asked: "first?", closed: "first closed", places: 9.into() };
    let second = Noting { events, asked: "second?", closed: "second closed", places: 1.into() };
    let network = Memory::new();
    let server = Server::builder().raw("S", "Echo", |_, b| async { Ok(b) }).filter(first).filter(second);
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "S", "Echo", b"x")).await;
    assert!(peer.next().await.is_some());
    assert_eq!(seen.rest(), ["first?", "second?"]);

    let mut refused = RawPeer::dial(&network).await;
    assert!(refused.next().await.is_none(), "and told nothing");
    assert_eq!(seen.rest(), ["first?", "second?", "first closed"], "only who let it in hears of its end");

    drop(peer);
    assert_eq!((seen.next().await, seen.next().await), ("first closed", "second closed"));
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_panics_refuses_and_the_server_goes_on() {
    struct Panicking(AtomicUsize);
    impl ConnectionFilter for Panicking {
        fn accept(&self, stream: Stream) -> Result<Stream, String> {
            assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 0, "on purpose");
            Ok(stream)
        }
    }
    let network = Memory::new();
    let server = Server::builder().raw("S", "Echo", |_, b| async { Ok(b) }).filter(Panicking(0.into()));
    let _server = serve(&network, server).await;
    let mut first = RawPeer::dial(&network).await;
    assert!(first.next().await.is_none());
    let mut second = RawPeer::dial(&network).await;
    second.send_message(&request(1, "S", "Echo", b"x")).await;
    assert!(second.next().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_rate_lets_in_a_burst_and_then_one_at_a_time() {
    let network = Memory::new();
    let server = Server::builder()
        .raw("S", "Echo", |_, b| async { Ok(b) })
        .filter(ConnectionRate::new(2, Duration::from_secs(10)));
    let _server = serve(&network, server).await;
    let let_in = async |network: &Memory| {
        let mut peer = RawPeer::dial(network).await;
        // The refusal may come before the request is written.
        let _ = peer.writer.try_send(&bytes_of(&request(1, "S", "Echo", b"x")));
        peer.next().await.is_some()
    };
    assert!(let_in(&network).await);
    assert!(let_in(&network).await);
    assert!(!let_in(&network).await);
    sleep(Duration::from_secs(10)).await;
    assert!(let_in(&network).await);
    assert!(!let_in(&network).await);
}

#[tokio::test]
async fn lists_look_at_the_address() {
    for (filter, admitted) in [
        (IpList::allow(["127.0.0.0/8"]).unwrap(), true),
        (IpList::deny(["127.0.0.1"]).unwrap(), false),
        (IpList::allow(["10.0.0.0/8"]).unwrap(), false),
    ] {
        let server = Server::builder()
            .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
            .filter(filter)
            .bind("tcp@127.0.0.1:0")
            .await
            .unwrap()
            .spawn();
        let client =
            Client::builder().timeout(Duration::from_secs(5)).connect(server.address()).await.unwrap();
        let result = client.service("Math").call::<_, i64>("Neg", &1).await;
        match result {
            Ok(_) => assert!(admitted),
            Err(error) => assert_eq!((error.kind(), admitted), (ErrorKind::Unavailable, false)),
        }
    }
}

/// Wraps the stream: counts what is written, and holds one more reference while it is open.
struct Counting(Arc<AtomicUsize>);

struct CountingSink(Box<dyn trunkline::transport::Sink>, Arc<AtomicUsize>);

impl trunkline::transport::Sink for CountingSink {
    fn try_write(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
        let n = self.0.try_write(slices)?;
        self.1.fetch_add(n, Ordering::Relaxed);
        Ok(n)
    }
    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.poll_ready(cx)
    }
    fn poll_shutdown(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl ConnectionFilter for Counting {
    fn accept(&self, mut stream: Stream) -> Result<Stream, String> {
        stream.sink = Box::new(CountingSink(stream.sink, self.0.clone()));
        Ok(stream)
    }
}

#[tokio::test]
async fn a_filter_may_wrap_the_stream() {
    let written = Arc::new(AtomicUsize::new(0));
    let network = Memory::new();
    let server = Server::builder().raw("S", "Echo", |_, b| async { Ok(b) }).filter(Counting(written.clone()));
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "S", "Echo", b"x")).await;
    let answer = peer.next().await.unwrap();
    assert_eq!(written.load(Ordering::Relaxed), answer.wire_len());
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_peer_that_is_gone_is_closed_whoever_remembers_it() {
    let stream = Arc::new(AtomicUsize::new(0));
    let remembered = Arc::new(std::sync::Mutex::new(Vec::new()));
    let remember = remembered.clone();
    let server = Server::builder()
        .raw("Chat", "Join", move |ctx, body| {
            remember.lock().unwrap().push((ctx.pusher().unwrap(), ctx));
            async { Ok(body) }
        })
        .filter(Counting(stream.clone()));
    let network = Memory::new();
    let server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "Chat", "Join", b"")).await;
    peer.next().await.unwrap();
    assert_eq!(Arc::strong_count(&stream), 3);
    drop(peer);
    let (pusher, _ctx) = remembered.lock().unwrap().pop().unwrap();
    pusher.closed().await;
    while server.handle().connections() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(Arc::strong_count(&stream), 2, "the test and the filter");
    let error = pusher.push("Chat", "News", &trunkline::Metadata::new(), "x").await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, trunkline::Sent::No));
}

/// Takes some bytes of an answer, and then no more of anything.
struct Breaking(Arc<AtomicUsize>);

struct BreakingSink(Box<dyn trunkline::transport::Sink>, Arc<AtomicUsize>);

impl trunkline::transport::Sink for BreakingSink {
    fn try_write(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
        if self.1.fetch_add(1, Ordering::Relaxed) > 0 {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        self.0.try_write(&[std::io::IoSlice::new(&slices[0][..10])])
    }
    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.poll_ready(cx)
    }
    fn poll_shutdown(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl ConnectionFilter for Breaking {
    fn accept(&self, mut stream: Stream) -> Result<Stream, String> {
        stream.sink = Box::new(BreakingSink(stream.sink, self.0.clone()));
        Ok(stream)
    }
}

#[tokio::test]
async fn a_write_that_fails_half_way_is_the_last_one() {
    let writes = Arc::new(AtomicUsize::new(0));
    let network = Memory::new();
    let server = Server::builder().raw("S", "Echo", |_, b| async { Ok(b) }).filter(Breaking(writes.clone()));
    let server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "S", "Echo", b"x")).await;
    let _ = peer.writer.try_send(&bytes_of(&request(2, "S", "Echo", b"x")));
    let mut got = 0;
    while let Some(n) = peer.reader.read_some(1_000).await {
        got += n;
    }
    assert_eq!((got, writes.load(Ordering::Relaxed)), (10, 2), "nothing follows the piece of a frame");
    while server.handle().connections() > 0 {
        tokio::task::yield_now().await;
    }
}
