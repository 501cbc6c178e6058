#!/usr/bin/env bash
# what: all tests and documentation examples, each test binary under a time limit
# after: build
# minutes: 20
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

readonly BINARY_SECONDS=300

# Cargo starts every test binary through the host's "runner".
host=$(rustc -vV | sed -n 's/^host: //p')
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER

failed=0
env "$runner=timeout --verbose --kill-after=10 $BINARY_SECONDS" \
    cargo test --workspace --all-features --tests --no-fail-fast || failed=1
within "$BINARY_SECONDS" cargo test --workspace --all-features --doc --no-fail-fast || failed=1
exit "$failed"
