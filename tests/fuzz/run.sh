#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/fuzz/run.sh BUILD-DIR SECONDS TARGET...
# Fuzz each target for that long, one on each processor, beginning with the
# committed inputs of fixtures/fuzz/TARGET. New inputs grow in
# BUILD-DIR/corpus/TARGET, and what breaks a target is left in
# BUILD-DIR/found; exit 1 if anything did. FUZZ_SEED makes the search the same
# each time, as far as it comes; without it each run looks elsewhere.
set -u
cd "$(dirname "$0")/../.." || exit 3
build=$1
seconds=$2
shift 2
mkdir -p "$build/found"
rm -f "$build/failed"

fuzz_target() {
	local target=$1 pack
	local corpus=$build/corpus/$target log=$build/$target.log
	local packed=$build/packed/$target

	mkdir -p "$corpus" "$packed"
	for pack in "fixtures/fuzz/$target"/*.pack; do
		[ ! -f "$pack" ] || tests/fuzz/pack.py open "$pack" "$packed"
	done
	if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" \
	    -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
	    -seed="${FUZZ_SEED:-0}" \
	    -artifact_prefix="$build/found/$target-" \
	    "$corpus" "$packed" "fixtures/fuzz/$target" >"$log" 2>&1 </dev/null; then
		awk -v name="$target" -v s="$seconds" '
		    /number_of_executed_units/ { n = $2 }
		    / cov: / { for (i = 1; i < NF; i++)
			if ($i == "cov:") c = $(i + 1) }
		    END { printf "fuzz %-12s %4d s: %d runs, %d edges covered, " \
			"nothing found\n", name, s, n, c }' "$log"
	else
		printf 'fuzz %-12s FAILED, see %s\n%s\n' "$target" "$log" \
		    "$(tail -n 40 "$log")"
		echo "$target" >>"$build/failed"
	fi
}

for target in "$@"; do
	while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	fuzz_target "$target" &
done
wait
[ ! -e "$build/failed" ]
