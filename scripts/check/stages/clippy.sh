#!/usr/bin/env bash
# what: no warnings from rustc and Clippy, with all features, tests and examples included
# after: build
# minutes: 20
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

cargo clippy --workspace --all-targets --all-features -- --deny warnings
