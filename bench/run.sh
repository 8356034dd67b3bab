#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/run.sh BUILD-DIR
# `ringfence collect` beside a null libpcap loop on the same file in the same
# run, alternating; then the edges it found beside the generator's truth.
# bench/README.md explains the variables and the columns.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
# shellcheck source=bench/lib.sh
. bench/lib.sh

# One column's median, in the order of sort -g.
median() {
	awk -v c="$2" '{ print $c }' "$1" | sort -g |
	    awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The same without the database, by bench_ingest itself.
in_memory() {
	"$build/bench/bench_ingest" "$work/t.pcap" "$work/cluster.json" \
	    >>"$work/memory"
}

one_set() {
	generate "$1" "$packets" "$(connections_of "$1" "$packets")" ||
	    return 1
	null_loop "$work/warm" && collect "$work/warm" || return 1
	: >"$work/null"
	: >"$work/ours"
	: >"$work/memory"
	i=0
	while [ $i -lt "$rounds" ]; do
		null_loop "$work/null" && collect "$work/ours" &&
		    in_memory || return 1
		i=$((i + 1))
	done
	n=$(sed 's/ .*//' "$work/null.log")
	awk -v name="$1" -v n="$n" -v nw="$(median "$work/null" 1)" \
	    -v nc="$(median "$work/null" 2)" \
	    -v ow="$(median "$work/ours" 1)" \
	    -v oc="$(median "$work/ours" 2)" \
	    -v mw="$(median "$work/memory" 3)" \
	    -v mc="$(median "$work/memory" 4)" \
	    -v pause="$(median "$work/memory" 5)" \
	    -v rss="$(median "$work/ours" 3)" 'BEGIN {
		printf "%-5s %9d %6.2f %7.2f %7.2f %7.2f %7.2f %7.2f %7.1f" \
		    " %7.1f\n", name, n, nc, oc, nw / ow, nc / oc, nw / mw,
		    nc / mc, rss / 1024, pause
	}'
	[ -n "${GEN_PCAP:-}" ] || python3 -B bench/exact.py \
	    "$build/ringfence" "$work/flows.db" "$work/truth.json"
}

printf 'set     packets null_s collect   ratio cpuratio memory memcpu  rss_MiB pause_ms\n'
rc=0
for s in $sets; do
	one_set "$s" || rc=1
done
exit $rc
