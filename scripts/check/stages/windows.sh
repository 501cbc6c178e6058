#!/usr/bin/env bash
# what: the framework's default features compile for Windows
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

need_target x86_64-pc-windows-gnu
cargo check --package trunkline --target x86_64-pc-windows-gnu
