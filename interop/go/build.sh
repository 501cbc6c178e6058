#!/bin/sh
# Builds the Go programs, or those that are named (v194, v1835, v174, fleet194, fleet1835), into their
# bin folders. What they are built from is fixed by go.mod and go.sum.
set -eu
cd "$(dirname "$0")"

for named in "${@:-v194 v1835 v174 fleet194 fleet1835}"; do
    # Without quotes: the default above is one word.
    for module in $named; do
        program=peer
        flags=
        case $module in
            fleet*) program=fleet ;;
            # rpcx v1.7.4 asks for a golang.org/x/net that links to the insides of the old syscall
            # package, which newer linkers refuse unless told not to look.
            v174) flags=-ldflags=-checklinkname=0 ;;
        esac
        (cd "$module" && go build -mod=readonly -trimpath -buildvcs=false $flags -o "bin/$program" .)
    done
done
