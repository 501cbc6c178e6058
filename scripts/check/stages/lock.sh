#!/usr/bin/env bash
# what: the lock files agree with the manifests
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

for manifest in Cargo.toml bench/Cargo.toml fuzz/Cargo.toml; do
    [ -f "$manifest" ] || continue
    echo "$manifest"
    cargo metadata --locked --format-version 1 --manifest-path "$manifest" >/dev/null
done
