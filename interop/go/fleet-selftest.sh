#!/usr/bin/env bash
# A fleet of both versions of rpcx on a real etcd, called by clients of both: what fails here is the fault of the
# fleet programs or of rpcx. Needs etcd in the PATH; half a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../../scripts/check/etcd.sh

declare -A pids=() nodes=()

main() {
    ./build.sh fleet194 fleet1835
    same_answers
    if ! command -v etcd >/dev/null || ! command -v etcdctl >/dev/null; then
        echo "SKIPPED: the fleet on etcd (etcd and etcdctl are not installed; ./check etcd installs them where it may)"
        [ "${CI:-}" != true ] || exit 1
        exit 0
    fi
    work=$(mktemp -d)
    trap 'end_all; stop_etcd; rm -rf "$work"' EXIT
    start_etcd
    mkfifo "$work/idle"
    exec 4<>"$work/idle" # input that neither comes nor ends

    for calling in fleet194 fleet1835; do
        for serving in fleet194 fleet1835; do
            echo "members $serving, caller $calling:"
            play "$serving" "$calling"
        done
    done
    echo "everything held"
}

# What both versions say of hashing, distances and metadata must be one.
same_answers() {
    local steps=+tcp@127.0.0.1:9000,+tcp@127.0.0.1:9001,+tcp@127.0.0.1:9002,-tcp@127.0.0.1:9000,+tcp@127.0.0.1:9003
    local program
    for program in fleet194 fleet1835; do
        "$program/bin/fleet" hash --steps "$steps" --keys a,b,c,d,e,f --jump 1,2,3,5,10,100
        "$program/bin/fleet" distance 39.9042,116.4074 31.2304,121.4737
        "$program/bin/fleet" metadata --set calls=0.00 '' 'weight=3&group=a b' 'x=%zz&y=1'
    done | sort | uniq -c | awk '$1 != 2 { print; differs = 1 } END { exit differs }' || fail "the versions differ in this"
}

play() { # members, caller
    launch a "$1" --metadata 'weight=5&group=a b'
    launch b "$1" --metadata 'weight=1&group=c'
    launch c "$1" --metadata 'weight=1&group=c' --await-start
    ready a 'weight=5&group=a b'
    ready b 'weight=1&group=c'
    ready c 'weight=1&group=c'

    # The next tick writes the value again, sorted and escaped.
    eventually "store a get" '"value":"group=a+b&weight=5","value_base64":"Z3JvdXA9YStiJndlaWdodD01"'
    store c get | expect '"lease_granted_s":30'

    weighted "$2"
    call_with "$2" '{"call":"Who","n":20}' --select roundrobin --group c | expect '"by_instance":{"b":10,"c":10}'
    call_with "$2" '{"call":"Keyed","each":["k","k","k"]}' --select hash --codec json | expect '"answered":3,'
    call_with "$2" '{"call":"Refuse","args":{"ID":"r","Text":"no"},"n":2}' --fail failtry | expect '"error_texts":{"no":2}'
    fail_over "$2"
    forget
}

# Each client goes round its own ring, and begins anew with every list: a list that comes in between spoils a try.
weighted() { # caller
    for _ in 1 2 3; do
        call_with "$1" '{"call":"Who","n":70}' --select weighted >"$work/weighted"
        ! grep -q '"by_instance":{"a":50,"b":10,"c":10}' "$work/weighted" || return 0
    done
    fail "expected 50, 10 and 10: $(cat "$work/weighted")"
}

# Under load one member is killed, one is told to stop, one is left. Nothing fails.
fail_over() { # caller
    local caller
    rm -f "$work/commands" "$work/answers"
    mkfifo "$work/commands" "$work/answers"
    "$1/bin/fleet" client --etcd "$etcd_endpoint" --select roundrobin --retries 10 \
        <"$work/commands" >"$work/answers" 2>"$work/caller.log" &
    caller=$!
    exec 7>"$work/commands" 8<"$work/answers"
    ask '{"list":true}' '"count":3'
    ask '{"steady":{"callers":4,"rate":200,"call":"Work","millis":2,"prefix":"steady"}}' '"steady":true'
    sleep 0.5
    { kill -9 "${pids[b]}" && wait "${pids[b]}"; } 2>/dev/null || true # bash would tell of it
    sleep 0.5
    ask '{"list":true}' '"count":3' # its lease lives on
    store b get >"$work/entry"
    "$1/bin/fleet" store --etcd "$etcd_endpoint" revoke "$(sed 's/.*"lease":"\([^"]*\)".*/\1/' "$work/entry")" | expect revoked
    ask '{"wait":{"count":2}}' '"ok":true'

    kill "${pids[c]}"
    ask '{"wait":{"count":1}}' '"ok":true'
    store c get | expect '"found":false'
    ask '{"stop":true}' '"errors":0'
    ask '{"call":"Who","n":10}' '"by_instance":{"a":10}'
    ask '{"everywhere":"Executed","args":{"Prefix":"steady-1"}}' '"Times":{"steady-1'
    exec 7>&-
    wait "$caller" || fail "the caller ended badly: $(cat "$work/caller.log")"
    wait "${pids[c]}" || fail "c did not stop well"
    exec 8<&-
    expect '"stopped":true' <"$work/c"
    unset 'pids[b]' 'pids[c]'
}

ask() { # command, expected
    local answer
    echo "$1" >&7
    while IFS= read -r -t 20 answer <&8; do
        [[ $answer != '{"ok"'* ]] || break # the steady load speaks in between
    done
    expect "$2" <<<"$answer"
}

launch() { # name, program, options
    local name=$1 program=$2
    shift 2
    "$program/bin/fleet" server --name "$name" --etcd "$etcd_endpoint" --update 1s "$@" <&4 >"$work/$name" 2>"$work/$name.log" &
    pids[$name]=$!
}

ready() { # name, metadata as it was given
    eventually "cat $work/$1" '"ready":true'
    expect "\"value\":\"$2\"" <"$work/$1"
    nodes[$1]=$(sed -n 's/.*"node":"\([^"]*\)".*/\1/p' "$work/$1")
}

store() { # name, action
    fleet194/bin/fleet store --etcd "$etcd_endpoint" "$2" "/rpcx_test/Fleet/${nodes[$1]}"
}

call_with() { # program, command, options
    local program=$1 command=$2
    shift 2
    # A list may come right after the first, and begins the rounds anew.
    { sleep 0.2 && echo "$command"; } | "$program/bin/fleet" client --etcd "$etcd_endpoint" "$@" 2>>"$work/caller.log"
}

expect() { # text that standard input contains
    local given
    given=$(cat)
    [[ $given == *"$1"* ]] || fail "expected $1 in: $given"
}

eventually() { # command, text that it prints within ten seconds
    for _ in $(seq 100); do
        [[ $($1) != *"$2"* ]] || return 0
        sleep 0.1
    done
    fail "expected $2 from $1, and got: $($1)"
}

fail() { # why; ends the script
    echo "FAILED: $1" >&2
    return 1
}

# Ends the members and empties etcd.
forget() {
    end_all
    fleet194/bin/fleet store --etcd "$etcd_endpoint" delete --prefix /rpcx_test >/dev/null
}

end_all() {
    local name
    for name in "${!pids[@]}"; do
        kill "${pids[$name]}" 2>/dev/null || true
        wait "${pids[$name]}" 2>/dev/null || true
    done
    pids=()
}

main "$@"
