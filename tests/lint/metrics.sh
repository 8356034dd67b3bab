#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every metric that the sources print is in the manual, and the other way
# round; every one that the dashboard asks for is printed.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
pattern='(ringfence|process)_[a-z_]*[a-z]'
# Whole string literals, or the beginning of one that goes on with a label.
grep -ohE "\"$pattern[\"{]" collector/metrics*.c cli/collect_cluster.c \
	cli/would_drop*.c | tr -d '"{' | sort -u >"$work/printed"
sed -n "s/^\.It Li \($(printf %s "$pattern" | sed 's/[()|]/\\&/g')\).*/\1/p" \
	man/ringfence.1 | sort -u >"$work/manual"
grep -ohE "$pattern" deploy/grafana/*.json | sort -u >"$work/dashboard"
bad=0
report() { # WHAT FILE
	[ -s "$2" ] || return 0
	sed "s/^/metrics: $1: /" "$2"
	bad=1
}
comm -23 "$work/printed" "$work/manual" >"$work/a"
report 'not in the manual' "$work/a"
comm -13 "$work/printed" "$work/manual" >"$work/b"
report 'in the manual only' "$work/b"
comm -13 "$work/printed" "$work/dashboard" >"$work/c"
report 'only the dashboard knows' "$work/c"
n=$(wc -l <"$work/printed")
printf 'metrics: %d, all told\n' "$n"
[ $bad -eq 0 ] && [ "$n" -gt 30 ]
