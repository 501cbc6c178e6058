#!/usr/bin/env bash
# what: the Go programs are formatted, and vet finds nothing
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

shopt -s nullglob
modules=(interop/go/*/go.mod bench/go/go.mod bench/go/*/go.mod)
[ ${#modules[@]} -gt 0 ] || skip "there are no Go modules in interop/go and bench/go"
command -v go >/dev/null || skip "Go is not installed (Debian's is too old for rpcx)"

failed=0
for module in "${modules[@]}"; do
    folder=$(dirname "$module")
    echo "--- $folder"
    unformatted=$(gofmt -l "$folder")
    [ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; failed=1; }
    (cd "$folder" && go vet -mod=readonly ./...) || failed=1
done
exit "$failed"
