//! Answers that nobody reads share the budget.

use std::time::Duration;

use tokio::time::sleep;

use crate::alone;
use crate::attacker::{connect, frame, send};
use crate::bystander::{BUDGET, Bystander, MOST, serve};
use crate::memory::Growth;

const ATTACKERS: usize = 200;

/// Each connection's allowance, what the test itself needs, and the holes that an allocator is left
/// with. Without bounds it would be two megabytes and more for each attacker.
const CONSTANT: usize = 176 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_and_not_read_stays_within_the_budget() {
    let _alone = alone().await;
    let server = serve(|l| l.write_stall = Duration::from_secs(3)).await;
    let growth = Growth::watch();
    let bystander = Bystander::start(&server).await;
    let request = frame("S", "Echo", 1 << 20);
    let before = bystander.served();
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        attackers.push((connect(server.address()).await, 0));
    }
    let mut held = 0;
    while !attackers.is_empty() {
        // Asks without end and never reads; learns of its end by what it can no longer send.
        attackers.retain_mut(|(stream, sent)| match send(stream, &request[*sent..]) {
            Ok(n) => {
                *sent = (*sent + n) % request.len();
                true
            }
            Err(_) => false,
        });
        held = held.max(server.handle().held_bytes());
        if server.handle().connections() <= Bystander::CONNECTIONS {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let after = bystander.served();
    bystander.stop().await;
    let peak = growth.peak();
    assert!(held > BUDGET / 2, "they did fill it: {} MiB", held >> 20);
    assert!(held <= MOST, "{} MiB counted", held >> 20);
    assert!(peak < MOST + CONSTANT, "grew by {} MiB", peak >> 20);
    assert!(after.0 >= before.0 + 10 && after.1 > before.1, "served meanwhile: {before:?} to {after:?}");
    while server.handle().held_bytes() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
}
