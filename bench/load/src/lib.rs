//! The load generator that every Rust peer of the comparison shares.
//!
//! A peer is a type that implements [`Peer`] and a `main` that calls [`run`]. The program is then both ends:
//! `NAME server --addr 127.0.0.1:0` prints where it listens, `NAME client --addr …` makes calls and prints a
//! [`Report`] as JSON. Message, loops, clocks and allocator are the same for all of them; only what happens
//! between the call and its answer differs.

mod burn;
mod closed;
mod latency;
mod message;
mod open;
mod operation;
mod peer;
mod report;
mod run;
mod settings;
mod tally;
mod window;

pub use crate::{
    burn::burn,
    latency::Latency,
    message::{BenchmarkMessage, Blob, Millis, REQUEST_SIZE},
    peer::{Error, Peer, Result},
    report::Report,
    run::run,
    settings::{Call, ClientSettings, ServerSettings, Settings},
};

/// Here rather than in each program, so that all Rust peers allocate alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
