#!/bin/sh
# Every peer against every other, the whole case list: what fails here is the peers' own fault.
set -eu
cd "$(dirname "$0")"

peers="v194 v1835 v174"
work=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    server=
}
trap 'stop; rm -rf "$work"' EXIT

# Starts the server of a peer; sets server, listening and auth.
start() {
    mkfifo "$work/input"
    "$1/bin/peer" server <"$work/input" >"$work/ready" 2>"$work/server.log" &
    server=$!
    exec 3>"$work/input" # the server ends when this end is closed
    rm "$work/input"
    for _ in $(seq 100); do
        [ -s "$work/ready" ] && break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    listening=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$work/ready")
    auth=$(sed -n 's/.*"auth":"\([^"]*\)".*/\1/p' "$work/ready")
    [ -n "$listening" ] || { echo "the server of $1 did not start:"; cat "$work/server.log"; exit 1; }
}

mkfifo "$work/idle"
exec 4<>"$work/idle" # input that neither comes nor ends

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }
./build.sh
(cd trunklineerr && go vet . && go test .)
shared=github.com/trunkline-rpc/trunkline/interop/go/peer/...
fleet=github.com/trunkline-rpc/trunkline/interop/go/fleet/...
(cd fleet194 && go vet -mod=readonly ./... "$fleet" && go test -mod=readonly "$fleet" | grep -v 'no test files')
(cd v194 && go vet -mod=readonly ./... "$shared" && go test -mod=readonly ./... "$shared" | grep -v 'no test files')

failed=0
for serving in $peers; do
    start "$serving"
    for calling in $peers; do
        echo "server $serving, client $calling:"
        if ! "$calling/bin/peer" client --addr "$listening" --auth-addr "$auth" --all >"$work/results" 2>"$work/client.log"; then
            failed=1
            grep '"ok":false' "$work/results" || cat "$work/client.log"
        fi
        tail -n 1 "$work/results"
    done

    # A server that is told to stop while it is called: the loop accounts for every call.
    "$serving/bin/peer" client --addr "$listening" --until-stopped --callers 8 --connections 2 --millis 5 \
        <"$work/idle" >"$work/results" 2>"$work/client.log" &
    loop=$!
    sleep 1
    kill "$server"
    wait "$server" || { echo "the server of $serving did not stop well"; failed=1; }
    server=
    exec 3>&-
    wait "$loop" || failed=1
    cat "$work/results"
done

./fleet-selftest.sh || failed=1

echo "not applicable:"
v194/bin/peer cases | sed -n 's/.*"case":"\([^"]*\)","codec":"\([^"]*\)","gzip":\([^,]*\),.*"not_applicable":"\(.*\)"}/  \1, \2, gzip \3: \4/p'
exit $failed
