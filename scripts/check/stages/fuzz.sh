#!/usr/bin/env bash
# what: every fuzz target holds for ten seconds
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

readonly FUZZ_SECONDS=10
# cargo-fuzz asks for compiler options that the stable compiler hides; for fuzzing alone they are let through.
export RUSTC_BOOTSTRAP=1

[ -f fuzz/Cargo.toml ] || skip "there is no fuzz/Cargo.toml"
need_command c++ g++
need_cargo_tool cargo-fuzz 0.13.2

found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
failed=0
names=$(cargo fuzz list)
for name in $names; do
    echo "--- $name"
    corpora=("$found/$name")
    mkdir "${corpora[0]}"
    [ ! -d "fuzz/seeds/$name" ] || corpora+=("fuzz/seeds/$name")
    cargo fuzz run "$name" "${corpora[@]}" -- -max_total_time="$FUZZ_SECONDS" -timeout=5 -print_final_stats=1 || failed=1
done
exit "$failed"
