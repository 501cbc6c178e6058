//! Runs the peers side by side.

fn main() {}
