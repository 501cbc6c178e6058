#!/usr/bin/env bash
# what: the documentation builds without warnings
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --all-features --no-deps
