//! Middleware on both ends of calls, over the in-memory network: one file per behaviour.

#![allow(clippy::unwrap_used)]

mod sample;

mod alias;
mod auth;
mod change;
mod concurrency;
mod longest;
#[cfg(feature = "metrics")]
mod metrics;
mod order;
mod panics;
mod rate;
mod retry;
mod shed;
mod short_circuit;
mod timeout;
#[cfg(feature = "tower")]
mod tower;
mod trace;
