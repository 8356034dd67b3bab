#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nodes.sh RINGFENCE - captures of real nodes (fixtures/nodes/README.md).
bin=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/log"

say() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
	fi | tee -a "$tmp/log"
}

collect() { # FOLDER CAPTURE...
	dir=$1
	shift
	"$bin" collect -q -r "$@" --snapshot "$dir/namespaces.json" \
		"$dir/nodes.json" "$dir/pods.json" "$dir/services.json" \
		"$dir/endpointslices.json" "$dir/replicasets.json" \
		"$dir/networkpolicies.json" --db "$tmp/flows.db"
}

for name in one two; do
	dir=$here/fixtures/nodes/$name
	rm -f "$tmp"/flows.db*
	collect "$dir" "$dir"/any*.pcap
	say $? "$name: collect"
	"$bin" flows --db "$tmp/flows.db" -o csv >"$tmp/flows.csv"
	diff -u "$dir/flows.csv" "$tmp/flows.csv"
	say $? "$name: flows are those of the fixture"
	"$bin" flows --db "$tmp/flows.db" -o json >"$tmp/flows.json"
	python3 "$here/tests/e2e/drops.py" "$tmp/flows.json" \
		"$dir/pods.json" "$dir"/nflog*.pcap
	say $? "$name: nothing that a policy dropped is established"
	collect "$dir" "$dir"/any*.pcap 2>"$tmp/err"
	[ $? -eq 3 ] && grep -q 'collected before' "$tmp/err"
	say $? "$name: the same capture twice is refused"
	"$bin" flows --db "$tmp/flows.db" -o csv >"$tmp/again.csv"
	cmp -s "$tmp/flows.csv" "$tmp/again.csv"
	say $? "$name: and changes nothing"
	rm -f "$tmp"/flows.db* "$tmp"/part-*
	for c in "$dir"/any*.pcap; do
		python3 "$here/tests/e2e/split_capture.py" "$c" 5 \
			"$tmp/part-$(basename "$c")"
	done
	# the last ones first: their times say what goes on in what
	collect "$dir" $(ls -r "$tmp"/part-*)
	"$bin" flows --db "$tmp/flows.db" -o csv >"$tmp/parts.csv"
	diff -u "$dir/flows.csv" "$tmp/parts.csv"
	say $? "$name: as many packets and bytes in five parts each"
done

passed=$(grep -c '^ok ' "$tmp/log")
failed=$(grep -c '^not ok ' "$tmp/log")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
