#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/peers.sh BUILD-DIR
# CPU seconds and peak RSS of the flow collectors that Debian has, where they
# are installed (nfdump, argus-server), beside `collect -r` on the same file.
# softflowd hangs on -r and pmacctd needs a daemon of its own to write: both
# are left to ../shared/PERFORMANCE.md's way, by hand.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
BENCH_PACKETS=${BENCH_PACKETS:-10000000}
# shellcheck source=bench/lib.sh
. bench/lib.sh
limit=${BENCH_PEER_SECONDS:-120}

# peer NAME COMMAND...: one line about it, or why there is none.
peer() {
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		printf '%-5s %-10s not installed\n' "$s" "$name"
		return 0
	fi
	: >"$work/peer"
	"$build/bench/measure" "$work/peer" timeout "$limit" "$@" \
	    >"$work/peer.log" 2>&1
	rc=$?
	if [ $rc -ne 0 ]; then
		printf '%-5s %-10s status %d: %s\n' "$s" "$name" $rc \
		    "$(tail -n 1 "$work/peer.log")"
		return 0
	fi
	awk -v s="$s" -v name="$name" '{ printf "%-5s %-10s %7.2f %8.1f\n", s,
	    name, $2, $3 / 1024 }' "$work/peer"
}

printf 'set   who          cpu_s  rss_MiB\n'
for s in $sets; do
	generate "$s" "$packets" "$(connections_of "$s" "$packets")" ||
	    exit 1
	null_loop "$work/warm" || exit 1
	peer null "$build/bench/null_pcap" "$work/t.pcap"
	rm -f "$work"/flows.db*
	peer ringfence "$build/ringfence" collect -q -r "$work/t.pcap" \
	    --snapshot "$work/cluster.json" --db "$work/flows.db"
	mkdir -p "$work/nf"
	peer nfpcapd nfpcapd -r "$work/t.pcap" -w "$work/nf" -l "$work/nf" \
	    -B 2000000
	peer argus argus -r "$work/t.pcap" -w "$work/argus.out"
	rm -rf "$work/nf" "$work/argus.out"
done
