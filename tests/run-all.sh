#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run-all.sh BUILD-DIR [JOBS]
# Run what `make check` has built there: unit tests, the fuzz corpus, the
# end-to-end scripts and the query plans, with ASan also commands while memory
# and disks fail; end with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 3
. tests/tally.sh
build=$1
jobs=${2:-$(($(nproc) + 2))}

# Lists follow the sources: what an older build left over is not run.
sources() {
	find tests -path "$1" | LC_ALL=C sort
}

unit() {
	# shellcheck disable=SC2046 # one path a word; ours hold no blanks
	tests/run-unit.sh $(sources 'tests/*/test_*.c' |
	    sed "s|^|$build/|; s|\.c\$||")
}

# What does not depend on how the program was built is run once, as released.
once() {
	case $build:${1##*/} in
	*asan:deploy.sh | *asan:install.sh | *asan:query_plan.sh | \
	    *asan:metrics.sh) return 1 ;;
	esac
	[ -f "$1" ]
}

# Those that wait for connections and clocks, and those that compute, in turns.
scripts() {
	paste -d '\n' <(sources 'tests/e2e/live*.sh') \
	    <(sources 'tests/e2e/*.sh' | grep -v /live) |
		grep -v -e '^$' -e /live_load.sh
}

stage_beside "$jobs" unit unit
# Also of what is not freed, which is what often goes wrong then.
case $build in
*asan) stage_beside "$jobs" faults "$build/tests/fault/fault" -r 7 ;;
esac
for script in $(scripts); do
	once "$script" || continue
	stage_beside "$jobs" "e2e ${script##*/}" "$script" "$build/ringfence"
done
for target in $(sources 'tests/fuzz/fuzz_*.c' |
    sed 's|.*/fuzz_||; s|\.c$||'); do
	stage_beside "$jobs" "fuzz corpus $target" "$build/tests/fuzz/replay_$target" \
	    "fixtures/fuzz/$target"
done
for lint in tests/lint/query_plan.sh tests/lint/metrics.sh; do
	once "$lint" || continue
	stage_beside "$jobs" "lint ${lint##*/}" "$lint"
done
# Counts what is lost at the highest rate there is: by itself, but where that
# is not what it can show.
case $build in
*asan) ;;
*) tally_join ;;
esac
stage_beside "$jobs" 'e2e live_load.sh' tests/e2e/live_load.sh "$build/ringfence"
tally_end
