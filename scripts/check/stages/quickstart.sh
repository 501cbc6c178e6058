#!/usr/bin/env bash
# what: the README's first command does what it says
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

ask_workspace examples | grep -qx quickstart || skip "there is no example named quickstart"
cargo build --release --example quickstart
within 60 cargo run --release --example quickstart
