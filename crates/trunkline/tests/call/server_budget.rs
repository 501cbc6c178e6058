//! A server whose byte budget is used up, by others or by its own peers, and what goes on nevertheless.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::wire::{CompressError, CompressType, Compressor, Header, keys};
use trunkline::{ByteBudget, Client, Failure, SerializeType, Server};

use crate::pair::{pair, with_server};
use crate::raw_peer::{RawPeer, bytes_of, message, request};

const BUDGET: usize = 4 << 20;

fn echo(budget: &ByteBudget) -> ServerBuilder {
    Server::builder().budget(budget).raw("S", "Echo", |_, body| async { Ok(body) })
}

/// Another server's handler holds all of the budget, for as long as the peer is kept.
async fn used_up(budget: &ByteBudget) -> (RunningServer, RawPeer) {
    let server = Server::builder().budget(budget).raw("S", "Keep", |_, _| std::future::pending());
    let pair = pair(server, Client::builder()).await;
    let peer = RawPeer::dial(&pair.network).await;
    // All but what a large frame would take next, and a read that takes a little more than asked.
    while BUDGET - budget.used() > 150 << 10 {
        let size = (BUDGET - budget.used() - (80 << 10)).min(1 << 20);
        peer.send_message(&request(1, "S", "Keep", &vec![0; size])).await;
        sleep(Duration::from_millis(10)).await;
    }
    (pair.server, peer)
}

#[tokio::test(start_paused = true)]
async fn a_server_stops_although_a_peer_waits_for_bytes() {
    let budget = ByteBudget::new(BUDGET);
    let _other = used_up(&budget).await;
    let pair = pair(echo(&budget), Client::builder()).await;
    let peer = RawPeer::dial(&pair.network).await;
    // More than a sixteenth of the budget: nobody lets it beyond.
    let frame = bytes_of(&request(1, "S", "Echo", &vec![0; 1 << 20]));
    let (first, _) = frame.split_at(100 << 10);
    let mut sent = 0;
    for _ in 0..10 {
        sent += peer.try_send(&first[sent..]);
        sleep(Duration::from_millis(10)).await;
    }
    pair.client.close();
    let report = pair.server.stop().await;
    assert!(report.took < Duration::from_secs(15), "it does not wait until it is cut: {report:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_a_frame_is_given_back_before_the_connection_closes() {
    let budget = ByteBudget::new(BUDGET);
    let pair = pair(echo(&budget), Client::builder()).await;
    let peer = RawPeer::dial(&pair.network).await;
    let frame = bytes_of(&request(1, "S", "Echo", &vec![0; 1 << 20]));
    peer.send(&frame[..600 << 10]).await;
    sleep(Duration::from_millis(10)).await;
    assert!(budget.used() > 500 << 10);
    pair.client.close();
    let handle = pair.server.handle().clone();
    let stopping = tokio::spawn(pair.server.stop());
    let begun = Instant::now();
    // It goes on sending, so the connection is left open for it to see the end.
    while budget.used() > 0 {
        sleep(Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{} bytes are kept", budget.used());
        let _ = peer.writer.try_send(b"x");
    }
    assert_eq!(handle.connections(), 1, "it is still there");
    stopping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_closes_when_asked_to_although_its_peer_reads_nothing() {
    let pair = with_server(|s| {
        s.raw("S", "Large", |_, _| async { Ok(vec![7; 8 << 20].into()) }).raw("S", "Bye", |_, _| async {
            sleep(Duration::from_millis(100)).await;
            Err(Failure::new("bye").then_close())
        })
    })
    .await;
    let peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "S", "Bye", b"")).await;
    peer.send_message(&request(2, "S", "Large", b"")).await;
    let begun = Instant::now();
    while pair.server.handle().connections() > 1 || begun.elapsed() < Duration::from_millis(50) {
        sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "it waits to be read, which never happens");
    }
}

/// Zeros, as many as the input says; remembers how many it was allowed to make.
#[derive(Clone, Default)]
struct Zeros(Arc<AtomicUsize>);

impl Compressor for Zeros {
    fn name(&self) -> &str {
        "zeros"
    }
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        out.extend_from_slice(input.len().to_string().as_bytes());
        Ok(())
    }
    fn decompress(&self, input: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
        self.0.fetch_max(limit, Ordering::SeqCst);
        let len: usize = std::str::from_utf8(input).unwrap().parse().unwrap();
        if len > limit { Err(CompressError::TooLarge { limit }) } else { Ok(vec![0; len]) }
    }
}

#[tokio::test]
async fn nothing_is_inflated_that_the_budget_has_no_bytes_for() {
    let (budget, zeros) = (ByteBudget::new(BUDGET), Zeros::default());
    let six = CompressType::new(6).unwrap();
    let server = Server::builder().budget(&budget).compressor(six, zeros.clone()).raw(
        "S",
        "Len",
        |_, body| async move { Ok(body.len().to_string().into()) },
    );
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW).with_compress(six);
    for len in [10, 64 << 10, 1_000_000] {
        peer.send_message(&message(header, "S", "Len", &[], len.to_string().as_bytes())).await;
        assert_eq!(peer.next().await.unwrap().payload(), len.to_string().as_bytes());
    }
    peer.send_message(&message(header, "S", "Len", &[], (100 << 20).to_string().as_bytes())).await;
    assert_eq!(peer.next().await.unwrap().metadata().get(keys::KIND), Some("overloaded"));
    let most = zeros.0.load(Ordering::SeqCst);
    assert!((1_000_000..=BUDGET).contains(&most), "{most} bytes were allowed");
    assert_eq!(budget.used(), 0);
}
