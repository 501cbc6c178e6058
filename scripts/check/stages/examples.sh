#!/usr/bin/env bash
# what: every example runs to its end by itself
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

readonly EXAMPLE_SECONDS=60

names=$(ask_workspace examples)
[ -n "$names" ] || skip "there are no examples"
cargo build --quiet --workspace --all-features --examples

failed=0
for name in $names; do
    echo "--- $name"
    within "$EXAMPLE_SECONDS" "$target_dir/debug/examples/$name" || { echo "example $name failed" >&2; failed=1; }
done
exit "$failed"
