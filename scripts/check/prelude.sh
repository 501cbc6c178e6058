# shellcheck shell=bash
# What every stage of ./check begins with: the repository's root as the current folder, and the ways to say
# what a stage needs. What is needed is installed if that may be done, else the stage is skipped with the reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target_dir=${CARGO_TARGET_DIR:-$PWD/target}
# Tools that only the checks use live here, not among the user's own.
tools_dir=$target_dir/check-tools
export PATH=$PATH:$tools_dir/bin

# Ends the stage as one that cannot run here.
skip() { # reason
    printf '%s\n' "$1" | tee "${CHECK_REASON:-/dev/null}" >&2
    exit 77
}

# Runs a command under a time limit; what it started ends with it.
within() { # seconds, command...
    local limit=$1 status=0
    shift
    timeout --kill-after=10 "$limit" "$@" || status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "not done after $limit s: $*" >&2
    fi
    return "$status"
}

# Asks a question about the workspace; see workspace.py for the questions.
ask_workspace() { # question
    need_command python3 python3
    python3 scripts/check/workspace.py "$1"
}

need_command() { # command, Debian package
    command -v "$1" >/dev/null || install_package "$2"
    command -v "$1" >/dev/null || skip "$1 is not installed (Debian package $2)"
}

install_package() { # Debian package
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 0
    echo "installing the Debian package $1" >&2
    # A service among the packages must not be started: exit status 101 forbids it.
    local policy=/usr/sbin/policy-rc.d made=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=yes
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; } >&2 || true
    [ -z "$made" ] || rm -f "$policy"
}

need_target() { # target triple
    if command -v rustup >/dev/null; then
        rustup target list --installed | grep -qx "$1" || rustup target add "$1" || true
    fi
    [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ] ||
        skip "the standard library for $1 is not installed (rustup target add $1)"
}

need_toolchain() { # version
    command -v rustup >/dev/null || skip "rustup, which would run Rust $1, is not installed"
    rustup run "$1" rustc --version >/dev/null 2>&1 ||
        rustup toolchain install "$1" --profile minimal --no-self-update ||
        skip "Rust $1 is not installed (rustup toolchain install $1)"
}

need_cargo_tool() { # name, version
    command -v "$1" >/dev/null ||
        cargo install --quiet --locked --root "$tools_dir" --version "$2" "$1" ||
        skip "$1 is not installed (cargo install --locked $1)"
}
