//! Frames that begin and do not end share the budget.

use std::time::Duration;

use tokio::time::sleep;

use crate::alone;
use crate::attacker::{Begun, connect, is_closed, send};
use crate::bystander::{BUDGET, Bystander, MOST, serve};
use crate::memory::Growth;

const ATTACKERS: usize = 1_000;

/// Each sends so much of a frame of 64 MiB, as far as the server takes it: 60 GiB together.
const BEGUN: usize = 60 << 20;

/// Each connection's allowance, which is not counted, for as many as hold one at a time, and what
/// a thousand connections and the test itself need.
const CONSTANT: usize = 128 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_begun_and_not_ended_stays_within_the_budget() {
    let _alone = alone().await;
    let server = serve(|l| l.read_stall = Duration::from_secs(3)).await;
    let growth = Growth::watch();
    let bystander = Bystander::start(&server).await;
    let frame = Begun::announcing(64 << 20);
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        attackers.push((connect(server.address()).await, 0));
    }
    let mut held = 0;
    let before = bystander.served();
    while !attackers.is_empty() {
        attackers.retain_mut(|(stream, sent)| {
            let rest = frame.after(*sent);
            match send(stream, &rest[..rest.len().min(BEGUN - *sent)]) {
                Ok(n) => *sent += n,
                Err(_) => return false,
            }
            !is_closed(stream)
        });
        held = held.max(server.handle().held_bytes());
        sleep(Duration::from_millis(20)).await;
    }
    let after = bystander.served();
    let peak = growth.peak();
    bystander.stop().await;
    assert!(held > BUDGET / 2, "they did fill it: {} MiB", held >> 20);
    assert!(held <= MOST, "{} MiB counted", held >> 20);
    assert!(peak < MOST + CONSTANT, "grew by {} MiB", peak >> 20);
    assert!(after.0 >= before.0 + 10 && after.1 > before.1, "served meanwhile: {before:?} to {after:?}");
}
