#!/usr/bin/env bash
# what: prints what the default features cost: crates, and seconds of a cold build (decides nothing)
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

cold=$(mktemp -d)
trap 'rm -rf "$cold"' EXIT

crates=$(cargo tree --package trunkline --edges no-dev --prefix none --no-dedupe --format '{p}' | sort -u | wc -l)
begin=$SECONDS
CARGO_TARGET_DIR=$cold cargo build --quiet --package trunkline
echo "default features: $crates crates, our own included; cold debug build in $((SECONDS - begin)) s on $(nproc) cores"
