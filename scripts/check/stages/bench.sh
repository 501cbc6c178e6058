#!/usr/bin/env bash
# what: the benchmarks' own workspace compiles without warnings, its tests pass
# minutes: 20
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

[ -f bench/Cargo.toml ] || skip "there is no bench/Cargo.toml"
cd bench
export CARGO_PROFILE_DEV_DEBUG=line-tables-only CARGO_PROFILE_TEST_DEBUG=line-tables-only
cargo clippy --workspace --all-targets --all-features -- --deny warnings
cargo test --workspace
