//! A client's instances, its fail modes and its health, against scripted servers, settable
//! registries and whole simulated fleets, all on virtual time.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod closing;
mod exclusions;
mod fail_modes;
mod faults;
mod fleet;
mod lists;
mod network;
mod repeat;
mod retries;
mod scene;
mod trials;
