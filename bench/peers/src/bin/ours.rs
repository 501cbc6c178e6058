//! The peer trunkline.

use std::process::ExitCode;

use bench_peers::ours::Ours;

fn main() -> ExitCode {
    bench_load::run::<Ours<false>>()
}
