#!/usr/bin/env bash
# what: a real etcd for the tests of service discovery: it is here or gets installed, starts and answers
# minutes: 5
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
source scripts/check/etcd.sh

need_etcd
trap stop_etcd EXIT
start_etcd
ask_etcd put trunkline/check answers >/dev/null
[ "$(ask_etcd get --print-value-only trunkline/check)" = answers ]
etcd --version | sed -n 1p
