#!/usr/bin/env bash
# what: shellcheck warns about no shell script
source "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
need_command shellcheck shellcheck

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard |
    while read -r file; do
        if [[ $file == *.sh ]] || { [ -x "$file" ] && head -c 64 "$file" | grep -qaE '^#!.*(bash|/sh)'; }; then
            echo "$file"
        fi
    done)
shellcheck --severity=warning --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
echo "${#scripts[@]} scripts"
