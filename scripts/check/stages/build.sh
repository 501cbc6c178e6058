#!/usr/bin/env bash
# what: everything compiles: crates, tests, examples, with all features
# minutes: 20
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

# etcd-client generates its code from etcd's protocol files when it is built.
need_command protoc protobuf-compiler

cargo test --workspace --all-features --no-run
