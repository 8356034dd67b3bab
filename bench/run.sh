#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/run.sh BUILD-DIR
# `ringfence collect` beside a null libpcap loop on the same file in the same
# run, alternating; then the edges it found beside the generator's truth.
# bench/README.md explains the variables and the columns.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
packets=${BENCH_PACKETS:-2000000}
rounds=${BENCH_ROUNDS:-3}
sets=${BENCH_SETS:-few many dns any}
generator=${GEN_PCAP:-$build/bench/gen_traffic}
work=$(mktemp -d "${BENCH_TMPDIR:-${TMPDIR:-/tmp}}/ringfence-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The options of a set, in proportion to the number of packets. GEN_PCAP is a
# generator with other names for two of them.
options() {
	case $1 in
	few) set -- 2000 2000 25 en10mb ;;
	many) set -- $((packets * 11 / 100)) $((packets / 200)) 25 en10mb ;;
	dns) set -- $((packets * 24 / 100)) 20000 95 en10mb ;;
	any) set -- $((packets * 5 / 100)) $((packets / 200)) 25 sll2 ;;
	*)
		printf 'bench: no set named %s\n' "$1" >&2
		return 2
		;;
	esac
	printf -- '--packets %d --active %d --dns %d --linktype %s ' \
	    "$packets" "$2" "$3" "$4"
	printf -- '--out %s --truth %s ' "$work/t.pcap" "$work/truth.json"
	if [ -n "${GEN_PCAP:-}" ]; then
		printf -- '--flows %d --cluster %s' "$1" "$work/cluster.json"
	else
		printf -- '--connections %d --snapshot %s' "$1" \
		    "$work/cluster.json"
	fi
}

collect() {
	rm -f "$work/flows.db" "$work/flows.db-wal" "$work/flows.db-shm"
	"$build/bench/measure" "$1" "$build/ringfence" collect \
	    -r "$work/t.pcap" --snapshot "$work/cluster.json" \
	    --db "$work/flows.db" >"$work/collect.log" 2>&1 && return 0
	cat "$work/collect.log"
	printf 'bench: collect failed\n' >&2
	return 1
}

null_loop() {
	"$build/bench/measure" "$1" "$build/bench/null_pcap" "$work/t.pcap" \
	    >"$work/null.log"
}

# One column's median, in the order of sort -g.
median() {
	awk -v c="$2" '{ print $c }' "$1" | sort -g |
	    awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

one_set() {
	opts=$(options "$1") || return 2
	# shellcheck disable=SC2086 # a list of words
	"$generator" $opts >/dev/null || return 1
	null_loop "$work/warm" && collect "$work/warm" || return 1
	: >"$work/null"
	: >"$work/ours"
	i=0
	while [ $i -lt "$rounds" ]; do
		null_loop "$work/null" && collect "$work/ours" || return 1
		i=$((i + 1))
	done
	n=$(sed 's/ .*//' "$work/null.log")
	awk -v name="$1" -v n="$n" -v nw="$(median "$work/null" 1)" \
	    -v nc="$(median "$work/null" 2)" \
	    -v ow="$(median "$work/ours" 1)" \
	    -v oc="$(median "$work/ours" 2)" \
	    -v rss="$(median "$work/ours" 3)" 'BEGIN {
		printf "%-5s %9d %9.2f %9.2f %7.2f %8.2f %8.1f\n", name, n,
		    n / nw / 1e6, n / ow / 1e6, nw / ow, nc / oc, rss / 1024
	}'
	[ -n "${GEN_PCAP:-}" ] || python3 -B bench/exact.py \
	    "$build/ringfence" "$work/flows.db" "$work/truth.json"
}

printf 'set     packets null_Mpps ours_Mpps   ratio cpuratio  rss_MiB\n'
rc=0
for s in $sets; do
	one_set "$s" || rc=1
done
exit $rc
