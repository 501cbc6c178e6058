use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use trunkline::server::{MethodFlags, MethodInfo, ServerBuilder};
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, keys};
use trunkline::{Client, DefaultFormats, Failure, SerializeType, Server, Service};

use crate::pair::{connect, serve};
use crate::raw_peer::{RawPeer, message, request};

/// A server whose method `Block.Wait` blocks its thread until the test says go.
fn blocked() -> (ServerBuilder, mpsc::Sender<()>) {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let flags = MethodFlags { blocking: true, ..Default::default() };
    let service = Service::new("Block").function_in::<DefaultFormats, _, _, _>(
        MethodInfo::new("Wait").flags(flags),
        move |n: u8| {
            let gate = gate.clone();
            async move {
                let _ = gate.lock().unwrap().recv();
                Ok::<_, Failure>(n)
            }
        },
    );
    (Server::builder().service(service).raw("S", "Echo", |_, body| async { Ok(body) }), go)
}

#[tokio::test]
async fn a_blocking_method_holds_up_nobody() {
    let (server, go) = blocked();
    let network = Memory::new();
    let _server = serve(&network, server).await;
    let client = connect(&network, Client::builder()).await;
    let block = client.service("Block");
    let echo = async {
        let answer = client.raw("S", "Echo", SerializeType::RAW, "x".into()).await.unwrap();
        assert_eq!(answer, "x");
        go.send(()).unwrap();
    };
    let (waited, ()) = tokio::join!(block.call::<_, u8>("Wait", &7).into_future(), echo);
    assert_eq!(waited.unwrap(), 7);
}

#[tokio::test]
async fn a_blocking_call_keeps_its_place_until_its_thread_is_free() {
    let (server, go) = blocked();
    let network = Memory::new();
    let server = serve(&network, server.limit(|l| l.in_flight = 2)).await;
    let mut peer = RawPeer::dial(&network).await;
    let gone = RawPeer::dial(&network).await;
    let header = Header::request(SerializeType::MSGPACK);
    let soon = [(keys::SERVER_TIMEOUT, "10")];
    peer.send_message(&message(header.with_seq(1), "Block", "Wait", &soon, b"\x01")).await;
    gone.send_message(&message(header.with_seq(1), "Block", "Wait", &[], b"\x01")).await;
    assert_eq!(peer.next().await.unwrap().metadata().get(keys::KIND), Some("deadline"));
    drop(gone);
    while server.handle().connections() > 1 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.handle().in_flight(), 2, "two threads still block");
    peer.send_message(&message(header.with_seq(2), "Block", "Wait", &soon, b"\x02")).await;
    let refused = peer.next().await.unwrap();
    assert_eq!((refused.header().seq(), refused.metadata().get(keys::STARTED)), (2, Some("0")));
    peer.send_message(&message(header.with_seq(3), "Block", "Wait", &[], b"\x03")).await;
    for _ in 0..3 {
        go.send(()).unwrap();
    }
    let answer = peer.next().await.unwrap();
    assert_eq!((answer.header().seq(), answer.payload()), (3, &b"\x03"[..]));
    while server.handle().in_flight() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_method_with_a_slow_first_poll_moves_out_of_its_neighbours_way() {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let server = Server::builder()
        .raw("Slow", "Poll", move |_, body: Bytes| {
            let gate = gate.clone();
            async move {
                // The first call shows that it is slow; the next one blocks until the test says go.
                let begun = std::time::Instant::now();
                while &body[..] == b"show" && begun.elapsed() < Duration::from_millis(5) {
                    std::hint::spin_loop();
                }
                if &body[..] == b"block" {
                    gate.lock().unwrap().recv().unwrap();
                }
                Ok(body)
            }
        })
        .raw("S", "Echo", |_, body| async { Ok(body) });
    let network = Memory::new();
    let _server = serve(&network, server).await;
    let mut peer = RawPeer::dial(&network).await;
    peer.send_message(&request(1, "Slow", "Poll", b"show")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"show");
    peer.send_message(&request(2, "Slow", "Poll", b"block")).await;
    for seq in 3..20 {
        peer.send_message(&request(seq, "S", "Echo", b"x")).await;
        assert_eq!(peer.next().await.unwrap().header().seq(), seq);
    }
    go.send(()).unwrap();
    assert_eq!(peer.next().await.unwrap().header().seq(), 2);
}
