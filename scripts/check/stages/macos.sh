#!/usr/bin/env bash
# what: the framework's default features compile for macOS
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

need_target aarch64-apple-darwin
cargo check --package trunkline --target aarch64-apple-darwin
