#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run-tsan.sh BUILD-DIR 'UNIT-TEST...' 'E2E-SCRIPT...'
# Run them under ThreadSanitizer; a race anywhere, also in a program that an
# end-to-end script starts in the background, is a failure. Ends with "N
# passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 3
. tests/tally.sh
reports=$tally_logs/races
mkdir "$reports"
export TSAN_OPTIONS="log_path=$reports/race exitcode=66 halt_on_error=0"

# The scripts that need namespaces say 77 where there are none.
for script in $3; do
	[ -f "tests/e2e/$script" ] || continue
	stage_beside "$(nproc)" "tsan $script" "tests/e2e/$script" "$1/ringfence"
done
# shellcheck disable=SC2086 # one path a word
stage_beside "$(nproc)" 'tsan unit' tests/run-unit.sh $2
tally_join

no_races() {
	[ -z "$(ls "$reports")" ] && return 0
	cat "$reports"/*
	return 1
}
stage 'tsan races' no_races
tally_end
