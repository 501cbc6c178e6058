//! What one call allocates on each side, counted. A binary of its own with one test, so that nothing
//! else allocates meanwhile. The far end of each side is a thread that speaks frames over TCP and
//! allocates nothing while it is counted.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use trunkline::codec::{Encode, MsgPack};
use trunkline::wire::{FrameEncoder, Header, SerializeType};
use trunkline::{Client, Failure, Server};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Context and future of a handler stay with the connection.
const SERVER: usize = 0;

/// The far end's bytes need a reference count while a caller holds its reply.
const CLIENT: usize = 0;

const CALLS: usize = 2_000;

/// Buffers that grow, timers and the like: not one of them comes with every call.
const NOW_AND_THEN: usize = CALLS / 20;

#[test]
fn a_call_allocates_what_is_stated_and_no_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(counted_server());
    let client = runtime.block_on(counted_client());
    let most = |each: usize| each * CALLS + NOW_AND_THEN;
    assert!(
        server <= most(SERVER),
        "{server} allocations for {CALLS} calls on the server; stated are {SERVER} each"
    );
    assert!(
        client <= most(CLIENT),
        "{client} allocations for {CALLS} calls on the client; stated are {CLIENT} each"
    );
}

async fn counted_server() -> usize {
    let server = Server::builder()
        .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
        .bind("tcp@127.0.0.1:0")
        .await
        .unwrap()
        .spawn();
    let address = server.address().strip_prefix("tcp@").unwrap().to_owned();
    let counted = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut request = Vec::new();
        let header = Header::request(SerializeType::MSGPACK);
        let mut frame = FrameEncoder::begin(&mut request, header, b"Math", b"Neg");
        frame.pair(b"__ServerTimeout", b"10000");
        frame.payload(&payload(5)).unwrap();
        let mut reply = vec![0; answer(0).len()];
        let mut call = || {
            stream.write_all(&request).unwrap();
            stream.read_exact(&mut reply).unwrap();
        };
        (0..CALLS).for_each(|_| call());
        let region = Region::new(ALLOCATOR);
        (0..CALLS).for_each(|_| call());
        let counted = region.change();
        assert_eq!(reply, answer(0));
        counted.allocations + counted.reallocations
    });
    let counted = counted.await.unwrap();
    server.stop().await;
    counted
}

async fn counted_client() -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp@{}", listener.local_addr().unwrap());
    let far_end = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reply = answer(0);
        let mut prefix = [0; 16];
        let mut rest = vec![0; 4096];
        while stream.read_exact(&mut prefix).is_ok() {
            let total = u32::from_be_bytes([prefix[12], prefix[13], prefix[14], prefix[15]]) as usize;
            stream.read_exact(&mut rest[..total]).unwrap();
            reply[Header::SEQ].copy_from_slice(&prefix[Header::SEQ]);
            stream.write_all(&reply).unwrap();
        }
    });
    let client = Client::builder().heartbeat(None).connect(&address).await.unwrap();
    client.ready().await;
    let math = client.service("Math");
    for n in 0..CALLS {
        math.call::<i64, i64>("Neg", &(n as i64)).await.unwrap();
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..CALLS {
        assert_eq!(math.call::<i64, i64>("Neg", &5).await.unwrap(), -5);
    }
    let counted = region.change();
    drop(client);
    far_end.join().unwrap();
    counted.allocations + counted.reallocations
}

fn payload(n: i64) -> Vec<u8> {
    let mut out = Vec::new();
    MsgPack::encode(&n, &mut out).unwrap();
    out
}

fn answer(seq: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header::request(SerializeType::MSGPACK).response_to().with_seq(seq);
    FrameEncoder::begin(&mut out, header, b"Math", b"Neg").payload(&payload(-5)).unwrap();
    out
}
