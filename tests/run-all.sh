#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run-all.sh BUILD-DIR [JOBS]
# Run what `make check` has built there: unit tests, the fuzz corpus, commands
# while memory and disks fail, the end-to-end scripts and the query plans; end
# with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 3
. tests/tally.sh
build=$1
jobs=${2:-$(($(nproc) + 1))}

# Lists follow the sources: what an older build left over is not run.
sources() {
	find tests -path "$1" | LC_ALL=C sort
}

unit() {
	# shellcheck disable=SC2046 # one path a word; ours hold no blanks
	tests/run-unit.sh $(sources 'tests/*/test_*.c' |
	    sed "s|^|$build/|; s|\.c\$||")
}

stage_beside "$jobs" unit unit
stage_beside "$jobs" faults "$build/tests/fault/fault" -r 8
for target in $(sources 'tests/fuzz/fuzz_*.c' |
    sed 's|.*/fuzz_||; s|\.c$||'); do
	stage_beside "$jobs" "fuzz corpus $target" "$build/tests/fuzz/replay_$target" \
	    "fixtures/fuzz/$target"
done
for script in tests/e2e/*.sh; do
	[ -f "$script" ] || continue
	[ "${script##*/}" = live_load.sh ] ||
		stage_beside "$jobs" "e2e ${script##*/}" "$script" "$build/ringfence"
done
for lint in tests/lint/query_plan.sh tests/lint/metrics.sh; do
	[ -f "$lint" ] || continue
	stage_beside "$jobs" "lint ${lint##*/}" "$lint"
done
tally_join
# Counts what is lost at the highest rate there is: by itself.
stage 'e2e live_load.sh' tests/e2e/live_load.sh "$build/ringfence"
tally_end
