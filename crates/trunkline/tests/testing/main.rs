//! The tools for tests: they must show what a real server and a real client would.

mod direct;
mod frames;
