//! Three real server processes under load, and what happens to processes: killed, stopped, cut off,
//! shut down in order, added.
//!
//! The servers are this test's own program, started anew; see `process.rs`. Signals make it a test
//! for Unix.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what a test sets up either works or fails the test, and says what it measured"
)]

mod black_hole;
mod killed;
mod load;
mod process;
mod proxy;
mod rolling;
mod stopped;
