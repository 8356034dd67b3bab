#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_bench.sh RINGFENCE - the benchmark's own programs, in small: every stage
# of bench_ingest ends and counts alike, and collect finds the edges that the
# generator made.
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
bench=${ringfence%/*}/bench
packets=20000

# The packets (1) or connections (2) that a stage counted.
counted() {
	awk -v n="$2" '{ print $n }' "$1"
}

same() {
	printf '"%s", and "%s"\n' "$1" "$2"
	[ -n "$1" ] && [ "$1" = "$2" ]
}

# one_set NAME CONNECTIONS DNS LINK
one_set() {
	check "$1: generate" "$bench/gen_traffic" --packets "$packets" \
	    --connections "$2" --active 500 --dns "$3" --linktype "$4" \
	    --out t.pcap --truth truth.json --snapshot cluster.json
	for stage in read decode table all; do
		"$bench/bench_ingest" t.pcap cluster.json "$stage" \
		    >"counts.$stage" 2>err
		verdict "$1: bench_ingest $stage" $?
		check "$1: $stage has all packets" same \
		    "$(counted "counts.$stage" 1)" "$(counted counts.read 1)"
	done
	check "$1: no packet is missing" test "$(counted counts.all 1)" -ge "$packets"
	check "$1: the table's connections are all there are" same \
	    "$(counted counts.table 2)" \
	    "$(counted counts.all 2)"
	rm -f flows.db*
	run 0 collect -r t.pcap --snapshot cluster.json --db flows.db
	verdict "$1: collect" $?
	check "$1: edges are the generator's" python3 -B \
	    "$root/bench/exact.py" "$ringfence" flows.db truth.json
}

one_set dns 4800 95 en10mb
one_set any 1000 25 sll2
head -c 100000 t.pcap >cut.pcap
"$bench/bench_ingest" cut.pcap cluster.json decode >out 2>err
check 'a capture that is cut off is no measurement' test $? -eq 3

finish
