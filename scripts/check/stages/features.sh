#!/usr/bin/env bash
# what: each crate compiles without warnings with no feature, with each alone and with its defaults
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

failed=0
check_with() { # package, cargo's feature options...
    echo "--- ${*}"
    cargo clippy --quiet --package "$@" -- --deny warnings || failed=1
}

packages=$(ask_workspace with-features)
for package in $packages; do
    check_with "$package" --no-default-features
    check_with "$package"
done
features=$(ask_workspace features)
while read -r package feature; do
    check_with "$package" --no-default-features --features "$feature"
done <<<"$features"
exit "$failed"
