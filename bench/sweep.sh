#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/sweep.sh BUILD-DIR
# BENCH_PACKETS (10 M; 28 M of 4 M connections, a file of 3 GB) packets in ever
# more connections, or BENCH_EACH packets for each of ever more, at most 50,000
# of them open at once: CPU seconds of the null loop, of all that is done in
# memory and of `collect -r`; how many packets a second of CPU takes in memory,
# and by how much that is less than with the fewest connections, both as they
# are and in units of the null loop.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
BENCH_PACKETS=${BENCH_PACKETS:-10000000}
# shellcheck source=bench/lib.sh
. bench/lib.sh

line() {
	cat "$work/null" "$work/memory" "$work/ours" | awk -v first="$1" '
	    NR == 1 { null = $2 }
	    NR == 2 { packets = $1; connections = $2; memory = $4 }
	    NR == 3 {
		rate = packets / memory / 1e6
		if (first == "")
			first = rate " " null / memory
		split(first, f, " ")
		printf "%11d %6.2f %7.2f %8.2f %7.2f %5.1f %6.1f %8.1f\n",
		    connections, null, memory, $2, rate,
		    100 - 100 * rate / f[1], 100 - 100 * null / memory / f[2],
		    $3 / 1024
		print first >"'"$work"'/first"
	    }'
}

printf 'connections null_s memory_s collect_s  Mpps fall%% fall%%null rss_MiB\n'
first=
for n in ${BENCH_SWEEP:-10000 100000 1000000 4000000}; do
	p=$packets
	# fewer than seven packets are not enough for each to begin
	[ $((n * 7)) -le "$p" ] || p=$((n * 7))
	[ -z "${BENCH_EACH:-}" ] || p=$((n * BENCH_EACH))
	generate many "$p" "$n" 50000 && null_loop "$work/warm" || exit 1
	: >"$work/null"
	: >"$work/ours"
	null_loop "$work/null" && collect "$work/ours" || exit 1
	"$build/bench/bench_ingest" "$work/t.pcap" "$work/cluster.json" \
	    >"$work/memory" || exit 1
	line "$first"
	first=$(cat "$work/first")
done
