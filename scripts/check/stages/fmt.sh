#!/usr/bin/env bash
# what: rustfmt changes nothing
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

failed=0
for manifest in Cargo.toml bench/Cargo.toml fuzz/Cargo.toml; do
    [ ! -f "$manifest" ] || cargo fmt --all --check --manifest-path "$manifest" || failed=1
done
exit "$failed"
