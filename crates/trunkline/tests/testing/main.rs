//! The tools for tests: they must show what a real server and a real client would.

#![allow(clippy::unwrap_used)]

mod direct;
mod frames;
