# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# What the scripts of this folder share; build is set, and the working
# directory is the repository's. Sourced, not run.
packets=${BENCH_PACKETS:-2000000}
rounds=${BENCH_ROUNDS:-3}
sets=${BENCH_SETS:-few many dns any}
generator=${GEN_PCAP:-$build/bench/gen_traffic}
work=$(mktemp -d "${BENCH_TMPDIR:-${TMPDIR:-/tmp}}/ringfence-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# How many connections a set of so many packets has.
connections_of() {
	case $1 in
	few) echo 2000 ;;
	many) echo $(($2 * 11 / 100)) ;;
	dns) echo $(($2 * 24 / 100)) ;;
	any) echo $(($2 * 5 / 100)) ;;
	*)
		printf 'bench: no set named %s\n' "$1" >&2
		return 2
		;;
	esac
}

# generate SET PACKETS CONNECTIONS [OPEN]: make the set's files. GEN_PCAP is a
# generator with other names for two of the options.
generate() {
	flows=--connections snapshot=--snapshot
	if [ -n "${GEN_PCAP:-}" ]; then
		flows=--flows snapshot=--cluster
	fi
	active=${4:-$(($2 / 200))} dns=25 link=en10mb
	case $1 in
	few) active=2000 ;;
	dns) active=20000 dns=95 ;;
	any) link=sll2 ;;
	esac
	"$generator" --packets "$2" "$flows" "$3" --active "$active" \
	    --dns "$dns" --linktype "$link" --out "$work/t.pcap" \
	    --truth "$work/truth.json" "$snapshot" "$work/cluster.json" \
	    >/dev/null 2>"$work/generate.log" && return 0
	cat "$work/generate.log" >&2
	return 1
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
