#!/usr/bin/env bash
# what: the published crates package, with licence and README, and build from their packages
# after: build
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"

failed=0
published=$(ask_workspace published)
while read -r name folder; do
    for file in LICENSE-MIT LICENSE-APACHE README.md; do
        # A link counts if it leads somewhere: cargo packages what it points to.
        [ -f "$folder/$file" ] || { echo "$name would be published without $file" >&2; failed=1; }
    done
done <<<"$published"

options=()
unpublished=$(ask_workspace unpublished)
for name in $unpublished; do
    options+=(--exclude "$name")
done
# Work in progress can be tried too; a fresh clone has none.
[ -z "$(git status --porcelain)" ] || options+=(--allow-dirty)
# Together, so that the ones not yet published find each other. A package has no profile of the workspace: with the
# same debug information as there, the dependencies are not built once more.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
# Cargo remembers what it unpacked from a folder's packages by name and version; in a folder of its own, the packages are
# those of now.
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
export CARGO_TARGET_DIR=$packages
cargo package --workspace "${options[@]}"
exit "$failed"
