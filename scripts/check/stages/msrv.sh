#!/usr/bin/env bash
# what: the crates compile with the oldest Rust they promise (`rust-version`)
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

oldest=$(ask_workspace rust-version)
if [ "$(wc -w <<<"$oldest")" -ne 1 ]; then
    printf 'rust-version is stated once, in the root Cargo.toml, but the members have:\n%s\n' "$oldest" >&2
    exit 1
fi
need_toolchain "$oldest"
rustup run "$oldest" cargo check --workspace --all-features
