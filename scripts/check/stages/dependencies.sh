#!/usr/bin/env bash
# what: licences, duplicate versions and sources of all dependencies follow deny.toml
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
need_command python3 python3

python3 -B -m unittest discover --quiet --start-directory scripts/check --pattern 'test_*.py'
python3 scripts/check/dependencies.py
# The advisories are left to a machine that can fetch their database.
if command -v cargo-deny >/dev/null; then
    cargo deny check licenses bans sources
fi
