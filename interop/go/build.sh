#!/bin/sh
# Builds the peers, or those that are named (v194, v1835, v174), into their bin folders. What they
# are built from is fixed by go.mod and go.sum.
set -eu
cd "$(dirname "$0")"

for peer in "${@:-v194 v1835 v174}"; do
    # Without quotes: the default above is one word.
    for module in $peer; do
        flags=
        # rpcx v1.7.4 asks for a golang.org/x/net that links to the insides of the old syscall
        # package, which newer linkers refuse unless told not to look.
        [ "$module" = v174 ] && flags=-ldflags=-checklinkname=0
        (cd "$module" && go build -mod=readonly -trimpath -buildvcs=false $flags -o bin/peer .)
    done
done
