//! What hostile peers can take: memory, connections, the attention of good ones. Over real
//! sockets, in a process whose memory is measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod attacker;
mod bystander;
mod memory;

mod announced;
mod pinned;
mod slow_loris;
mod unfinished;
mod unread;

use tokio::sync::{Mutex, MutexGuard};

/// One test at a time: they measure the memory of the whole process.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
