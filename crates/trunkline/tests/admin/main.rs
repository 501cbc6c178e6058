//! The pages about a running program, asked for over plain TCP.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod get;
mod program;

mod hostile;
mod metrics;
mod ready;
mod status;
