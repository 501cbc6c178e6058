//! Servers and clients told by a file: what is read, what is refused, and what it changes.

#![allow(clippy::unwrap_used)]

mod client;
mod read;
mod server;
