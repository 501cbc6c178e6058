#!/usr/bin/env bash
# Fills the corpora with the recorded frames: whole for `frame`, the compressed payloads for `inflate`.
set -eu
cd "$(dirname "$0")"
golden=../crates/trunkline-wire/tests/golden
mkdir -p corpus/frame corpus/inflate

bytes() {
    # shellcheck disable=SC2059
    printf "$(tr -d '[:space:]' <"$1" | sed 's/../\\x&/g')"
}

for file in "$golden"/*.hex; do
    name=$(basename "$file" .hex)
    { printf '\0'; bytes "$file"; } >"corpus/frame/$name"
    { printf '\3\1\17\5'; bytes "$file"; } >"corpus/frame/$name-cut"
done
# Both frames hold path "Arith", method "Say" and no metadata: the payload begins at byte 40. Limit 0xffff.
for name in 13_gzip_request 14_gzip_syncflush_response; do
    { printf '\377\377'; bytes "$golden/$name.hex" | tail -c +41; } >"corpus/inflate/$name"
done
