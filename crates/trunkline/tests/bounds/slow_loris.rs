//! A byte now and then keeps no connection.

use std::time::Duration;

use tokio::time::sleep;

use crate::alone;
use crate::attacker::{connect, frame, is_closed, send};
use crate::bystander::{Bystander, serve};
use crate::memory::Growth;

const ATTACKERS: usize = 500;

/// Sockets, tasks and first buffers. Measured: 7 MiB.
const CONSTANT: usize = 32 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_byte_at_a_time_holds_no_connection_for_ever() {
    let _alone = alone().await;
    let server = serve(|l| l.read_stall = Duration::from_secs(2)).await;
    let bystander = Bystander::start(&server).await;
    let growth = Growth::watch();
    let request = frame("S", "Echo", 10_000);
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        attackers.push((connect(server.address()).await, 0));
    }
    while !attackers.is_empty() {
        attackers.retain_mut(|(stream, sent)| {
            assert!(*sent < request.len(), "a whole request got through, byte by byte");
            match send(stream, &request[*sent..=*sent]) {
                Ok(n) => *sent += n,
                Err(_) => return false,
            }
            !is_closed(stream)
        });
        sleep(Duration::from_millis(20)).await;
    }
    while server.handle().connections() > Bystander::CONNECTIONS {
        sleep(Duration::from_millis(10)).await;
    }
    bystander.stop().await;
    let peak = growth.peak();
    assert!(peak < CONSTANT, "grew by {} MiB", peak >> 20);
}
