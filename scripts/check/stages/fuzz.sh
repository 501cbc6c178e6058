#!/usr/bin/env bash
# what: every fuzz target holds for ten seconds
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

readonly FUZZ_SECONDS=10

[ -f fuzz/Cargo.toml ] || skip "there is no fuzz/Cargo.toml"
need_command c++ g++
need_cargo_tool cargo-fuzz 0.13.2
# cargo-fuzz asks for options that the stable compiler keeps hidden; they are let through for fuzzing alone.
export RUSTC_BOOTSTRAP=1

bash fuzz/seed.sh
failed=0
targets=$(cargo fuzz list)
for name in $targets; do
    echo "--- $name"
    cargo fuzz run "$name" -- -max_total_time="$FUZZ_SECONDS" -timeout=5 -verbosity=0 || failed=1
done
exit "$failed"
