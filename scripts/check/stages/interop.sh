#!/usr/bin/env bash
# what: calls between trunkline and real Go rpcx programs, in both directions
# after: build
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

[ -f interop/run ] || skip "there is no interop/run"
command -v go >/dev/null || skip "Go is not installed (Debian's is too old for rpcx)"
bash interop/run
