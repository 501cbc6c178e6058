#!/usr/bin/env bash
# what: the wire crate compiles for wasm32
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

need_target wasm32-unknown-unknown
cargo check --package trunkline-wire --all-features --target wasm32-unknown-unknown
