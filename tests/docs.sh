#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the documents name must exist: files in backticks, functions in backticks (`name()`),
# and the targets of links. A name that holds a placeholder (<model>, NAME, *) is left out.
set -u
cd "$(dirname "$0")/.." || exit 1
documents="README.md CONTRIBUTING.md $(ls docs/*.md)"
rooms="base bus schemas results ingest batcher runner cli"
failed=0
complain() {
    echo "docs: $*"
    failed=1
}

# Every `...` of a document outside of code blocks, one a line.
quoted() {
    awk '/^```/ { code = !code; next } !code' "$1" | grep -o '`[^`]*`' | tr -d '`'
}

is_path() { # a folder or file of this repository, or looks like one
    [[ $1 =~ ^(\./)?(base|bus|schemas|results|ingest|batcher|runner|cli|models|tests|bench|docs|scripts|cmake)/ ]] ||
        [[ $1 =~ ^\./[a-z]+$ ]]
}

functions=$(grep -rhoE --include='*.c' --include='*.h' '\b[a-z][a-z0-9_]+\(' $rooms | sort -u)

for document in $documents; do
    while read -r name; do
        path=${name%% *} # `./demo --once`
        if is_path "$path"; then
            case $path in
            *NAME* | *\<* | *\** | *…*) ;;
            *) [ -e "$path" ] || complain "$document names $path, which is not there" ;;
            esac
        elif [[ $name =~ ^[a-z][a-z0-9_]+\(\)$ ]]; then
            grep -qxF "${name%)}" <<<"$functions" ||
                complain "$document names the function $name, which is not there"
        fi
    done < <(quoted "$document")
    while read -r target; do
        [ -e "$(dirname "$document")/${target%%#*}" ] ||
            complain "$document links to $target, which is not there"
    done < <(awk '/^```/ { code = !code; next } !code' "$document" |
        grep -oE '\]\([^)]*\)' | sed 's/^](//; s/)$//' | grep -v '^https\?:\|^#')
done
exit $failed
