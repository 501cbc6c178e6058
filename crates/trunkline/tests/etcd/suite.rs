//! The suite for all back ends, over a real etcd: a binary of its own, because it takes minutes.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

#[macro_use]
#[path = "../registry/suite/mod.rs"]
mod suite;

mod every_back_end;
#[allow(dead_code, reason = "shared with the other binary")]
mod proxy;
#[allow(dead_code, reason = "shared with the other binary")]
mod server;
