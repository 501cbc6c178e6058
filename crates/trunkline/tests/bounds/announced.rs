//! A length that was announced is no reason to take memory.

use std::time::Duration;

use tokio::time::sleep;

use crate::alone;
use crate::attacker::{Begun, connect, frame, is_closed, send};
use crate::bystander::{Bystander, serve};
use crate::memory::Growth;

const ATTACKERS: usize = 1_000;

/// What a thousand connections cost, sockets, tasks and first buffers of both ends, and what the
/// good client and its server need for their megabytes.
const CONSTANT: usize = 48 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_announced_takes_no_memory() {
    let _alone = alone().await;
    let server = serve(|_| {}).await;
    let bystander = Bystander::start(&server).await;
    let growth = Growth::watch();

    // Four gigabytes each: over the limit, told by 16 bytes.
    let mut head = frame("S", "Echo", 0);
    head[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut liars = Vec::new();
    for _ in 0..ATTACKERS {
        let stream = connect(server.address()).await;
        assert_eq!(send(&stream, &head[..16]).unwrap(), 16);
        liars.push(stream);
    }
    for stream in &liars {
        while !is_closed(stream) {
            sleep(Duration::from_millis(1)).await;
        }
    }

    // And all that may be: held open, at no cost.
    let begun = Begun::announcing(64 << 20);
    let head = &begun.after(0)[..32];
    let mut waiting = Vec::new();
    for _ in 0..ATTACKERS {
        let stream = connect(server.address()).await;
        assert_eq!(send(&stream, head).unwrap(), head.len());
        waiting.push(stream);
    }
    let open = server.handle().connections();
    let before = bystander.served();
    while bystander.served().0 < before.0 + 20 || bystander.served().1 == before.1 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(open > ATTACKERS / 2, "they are still there: {open}");
    bystander.stop().await;
    let peak = growth.peak();
    assert!(peak < CONSTANT, "grew by {} MiB", peak >> 20);
}
