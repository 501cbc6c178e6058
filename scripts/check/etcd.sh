# shellcheck shell=bash
# A real etcd for checks: gets the programs, starts a server on free loopback ports, ends it by its process id.
# Source prelude.sh first where packages may be installed; starting and ending need nothing but this file.

# Skips the stage unless the programs are here or can be installed.
need_etcd() {
    need_command etcd etcd-server
    need_command etcdctl etcd-client
}

# Starts an etcd of its own; sets etcd_endpoint (host:port), etcd_pid and etcd_folder, or fails with its log on standard error.
start_etcd() {
    local client peer attempt
    for attempt in 1 2 3; do # another program may take a port between the choice and the start
        client=$(free_port)
        peer=$(free_port)
        etcd_folder=$(mktemp -d)
        etcd_endpoint=127.0.0.1:$client
        # 3.4 refuses a file as its log output, so that it is redirected.
        etcd --name check --data-dir "$etcd_folder/data" \
            --listen-client-urls "http://$etcd_endpoint" --advertise-client-urls "http://$etcd_endpoint" \
            --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
            --initial-cluster "check=http://127.0.0.1:$peer" >"$etcd_folder/etcd.log" 2>&1 </dev/null &
        etcd_pid=$!
        etcd_is_healthy && return 0
        echo "etcd did not become healthy on $etcd_endpoint (attempt $attempt); the end of its log:" >&2
        tail -n 5 "$etcd_folder/etcd.log" >&2
        stop_etcd
    done
    return 1
}

# Waits, 15 s at most, until the server answers; fails at once when it is gone.
etcd_is_healthy() {
    local deadline=$((SECONDS + 15))
    while [ "$SECONDS" -lt "$deadline" ] && kill -0 "$etcd_pid" 2>/dev/null; do
        ask_etcd --command-timeout=1s endpoint health >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

ask_etcd() { # etcdctl's arguments
    ETCDCTL_API=3 etcdctl --endpoints "$etcd_endpoint" "$@" # 3.4 speaks the old API unless told
}

# Ends what start_etcd began; harmless when nothing runs.
stop_etcd() {
    if [ -n "${etcd_pid:-}" ]; then
        kill "$etcd_pid" 2>/dev/null || true
        wait "$etcd_pid" 2>/dev/null || true
    fi
    [ -z "${etcd_folder:-}" ] || rm -rf "$etcd_folder"
    etcd_pid=""
    etcd_folder=""
}

# A port that nothing listens on; drawn below the range from which the system gives ports to outgoing connections.
free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}
