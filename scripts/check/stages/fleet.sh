#!/usr/bin/env bash
# what: fleets of Go and Rust servers and clients find each other in lists and in a real etcd, and change language
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
source scripts/check/etcd.sh

command -v go >/dev/null || skip "Go is not installed (Debian's is too old for rpcx)"
need_etcd
sh interop/go/build.sh fleet194 fleet1835
cargo build --quiet --locked --package trunkline-fleet
within 240 cargo run --quiet --locked --package trunkline-fleet -- check
within 120 interop/mixed-fleet --short
