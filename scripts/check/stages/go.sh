#!/usr/bin/env bash
# what: the Go programs are formatted, vet finds nothing, their tests pass
# minutes: 15
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

shopt -s nullglob
# A module without a go.sum has no dependencies of its own: it is seen as a part of those that build it.
modules=(interop/go/*/go.sum bench/go/go.sum bench/go/*/go.sum)
[ ${#modules[@]} -gt 0 ] || skip "there are no Go modules in interop/go and bench/go"
command -v go >/dev/null || skip "Go is not installed (Debian's is too old for rpcx)"

# The packages of the module in this folder, and those it takes from its neighbours.
own_packages() {
    go list -mod=readonly -deps -f '{{with .Module}}{{if .Main}}{{$.ImportPath}}{{else}}{{with .Replace}}{{if not .Version}}{{$.ImportPath}}{{end}}{{end}}{{end}}{{end}}' ./...
}

failed=0
unformatted=$(gofmt -l interop/go bench/go)
[ -z "$unformatted" ] || { printf 'gofmt would change:\n%s\n' "$unformatted" >&2; failed=1; }
for module in "${modules[@]}"; do
    folder=$(dirname "$module")
    echo "--- $folder"
    (
        cd "$folder"
        mapfile -t packages <<<"$(own_packages)"
        go vet -mod=readonly "${packages[@]}" && go test -mod=readonly -timeout 120s "${packages[@]}"
    ) || failed=1
done
exit "$failed"
