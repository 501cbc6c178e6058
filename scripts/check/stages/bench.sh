#!/usr/bin/env bash
# what: the benchmarks' own workspace compiles without warnings
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

[ -f bench/Cargo.toml ] || skip "there is no bench/Cargo.toml"
cd bench
cargo clippy --workspace --all-targets --all-features -- --deny warnings
