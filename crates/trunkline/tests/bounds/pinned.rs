//! A call under way keeps its own frame and not what came with it.

use std::time::Duration;

use tokio::time::sleep;
use trunkline::Server;

use crate::alone;
use crate::attacker::{connect, frame, is_closed, send};
use crate::memory::Growth;

/// Of each batch one call stays under way.
const BATCHES: usize = 2_000;

/// Two thousand tasks and their tables, the buffers of both ends.
const CONSTANT: usize = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_long_keeps_no_neighbours() {
    let _alone = alone().await;
    let server =
        Server::builder().raw("S", "Echo", |_, body| async { Ok(body) }).raw("S", "Slow", |_, body| async {
            std::future::pending::<()>().await;
            Ok(body)
        });
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let stream = connect(server.address()).await;
    let mut batch = frame("S", "Slow", 10);
    while batch.len() < 60 << 10 {
        let mut oneway = frame("S", "Echo", 1_000);
        oneway[2] |= 0x20;
        batch.extend_from_slice(&oneway);
    }
    let growth = Growth::watch();
    for begun in 0..BATCHES {
        let mut sent = 0;
        while sent < batch.len() {
            sent += send(&stream, &batch[sent..]).unwrap();
            tokio::task::yield_now().await;
        }
        // The batch is read whole before the next one comes.
        while server.handle().in_flight() < begun {
            assert!(!is_closed(&stream));
            sleep(Duration::from_millis(1)).await;
        }
    }
    while server.handle().in_flight() < BATCHES {
        sleep(Duration::from_millis(1)).await;
    }
    let peak = growth.peak();
    assert!(peak < CONSTANT, "grew by {} MiB", peak >> 20);
}
