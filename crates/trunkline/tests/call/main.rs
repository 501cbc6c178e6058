//! Calls between a server and a client: one file per behaviour.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod events;
mod lines;
mod pair;
mod raw_peer;

mod accepting;
mod addresses;
mod admission;
mod answered;
mod basic;
mod blocking;
mod caller_gone;
mod close;
mod compression;
mod concurrency;
mod connections;
mod deadline;
mod error_reply;
mod errors;
mod fan_out;
mod halves;
mod header;
mod heartbeat;
mod kept;
mod longest;
mod malformed;
mod metadata;
mod not_sent;
mod oneway;
mod panics;
mod push;
mod redial;
mod routes;
mod runtime_gone;
mod server_budget;
mod shared_budget;
mod slow_peers;
mod stop;
mod stopping;
