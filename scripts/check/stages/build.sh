#!/usr/bin/env bash
# what: everything compiles: crates, tests, examples, with all features
# minutes: 20
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

cargo test --workspace --all-features --no-run
