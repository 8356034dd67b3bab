#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/sizes.sh BUILD-DIR
# What grows with edges, policies and weeks: the store, an audit, a
# recommendation, and the commands on a database of BENCH_ROWS flow rows.
# bench/README.md explains the columns.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
rows=${BENCH_ROWS:-2000000}
work=$(mktemp -d "${BENCH_TMPDIR:-${TMPDIR:-/tmp}}/ringfence-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
rc=0

run() {
	"$@" || {
		printf 'bench: failed: %s\n' "$*" >&2
		rc=1
	}
}

printf '\nstore: a flush of 1 M keys\n'
run "$build/bench/bench_store" "$work/store.db"
rm -f "$work"/store.db*
printf '\naudit, policies by edges\n'
run "$build/bench/bench_audit"
printf '\nrecommend\n'
run "$build/bench/bench_recommend"
run "$build/bench/bench_recommend" 1000000
printf '\nuneven shapes\n'
run "$build/bench/bench_shapes"

flows=20000
db=$work/flows.db
printf '\ndatabase of %d flows in %d windows\n' $flows $((rows / flows))
run "$build/bench/gen_database" "$db" $flows $((rows / flows)) 1000 \
    "$work/policies.yaml"
printf '  first   total     CPU     MiB       MB  command\n'
for command in 'flows' 'flows -o json' 'recommend -A' \
    "recommend -A -o $work/out" "audit -f $work/policies.yaml" \
    "audit -f $work/policies.yaml -o json"; do
	# shellcheck disable=SC2086 # a list of words
	RINGFENCE_DB=$db run python3 -B bench/first.py "$build/ringfence" \
	    $command
done
printf '\nretention, flushes that let go of the oldest windows\n'
run "$build/bench/bench_retain" "$db"
exit $rc
