#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/fuzz/run.sh BUILD-DIR SECONDS TARGET...
# Fuzz each target for that long, beginning with the committed inputs of
# fixtures/fuzz/TARGET. New inputs grow in BUILD-DIR/corpus/TARGET, and what
# breaks a target is left in BUILD-DIR/found; exit 1 if anything did.
set -u
cd "$(dirname "$0")/../.." || exit 3
build=$1
seconds=$2
shift 2
mkdir -p "$build/found"
rc=0
for target in "$@"; do
	corpus=$build/corpus/$target
	log=$build/$target.log
	packed=$build/packed/$target
	mkdir -p "$corpus" "$packed"
	for pack in "fixtures/fuzz/$target"/*.pack; do
		[ ! -f "$pack" ] || tests/fuzz/pack.py open "$pack" "$packed"
	done
	printf 'fuzz %-12s %4d s: ' "$target" "$seconds"
	if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" \
	    -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix="$build/found/$target-" \
	    "$corpus" "$packed" "fixtures/fuzz/$target" >"$log" 2>&1 </dev/null; then
		awk '/number_of_executed_units/ { n = $2 }
		    / cov: / { for (i = 1; i < NF; i++)
			if ($i == "cov:") c = $(i + 1) }
		    END { print n " runs, " c " edges covered, nothing found" }
		    ' "$log"
	else
		printf 'FAILED, see %s\n' "$log"
		tail -n 40 "$log"
		rc=1
	fi
done
exit $rc
