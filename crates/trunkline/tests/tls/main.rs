//! Calls over TLS: one file per behaviour.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod authority;
mod logged;

mod calls;
mod configured;
mod frames;
mod handshakes;
mod mutual;
mod reload;
mod stopping;
mod wrong;
