//! The peer trunkline with auth, a timeout, spans and metrics on both sides.

use std::process::ExitCode;

use bench_peers::ours::Ours;

fn main() -> ExitCode {
    bench_load::run::<Ours<true>>()
}
