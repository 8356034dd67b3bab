#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/peers.sh BUILD-DIR
# CPU seconds and peak RSS of the flow collectors that Debian has, where they
# are installed (apt-get install nfdump argus-server softflowd pmacct), beside
# `collect -r` on the same file.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
BENCH_PACKETS=${BENCH_PACKETS:-10000000}
# shellcheck source=bench/lib.sh
. bench/lib.sh
limit=${BENCH_PEER_SECONDS:-120}

# softflowd 1.1.0 may wait for a connection to its control socket although poll
# said nothing of one: with this, one comes that says nothing.
cat >"$work/accept.c" <<'EOF'
#include <fcntl.h>
#include <sys/socket.h>
int
accept(int fd, struct sockaddr *restrict a, socklen_t *restrict n)
{
	(void)fd;
	(void)a;
	(void)n;
	return open("/dev/null", O_RDWR);
}
EOF
"${CC:-cc}" -shared -fPIC -o "$work/accept.so" "$work/accept.c" || exit 1

# peer NAME COMMAND...: one line about it, or why there is none. with: what it
# finds in its environment.
with=
peer() {
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		printf '%-5s %-10s not installed\n' "$s" "$name"
		return 0
	fi
	: >"$work/peer"
	"$build/bench/measure" "$work/peer" timeout "$limit" \
	    env ${with:+"$with"} "$@" >"$work/peer.log" 2>&1
	rc=$?
	if [ $rc -ne 0 ]; then
		printf '%-5s %-10s status %d: %s\n' "$s" "$name" $rc \
		    "$(tail -n 1 "$work/peer.log")"
		return 0
	fi
	awk -v s="$s" -v name="$name" '{ printf "%-5s %-10s %7.2f %8.1f\n", s,
	    name, $2, $3 / 1024 }' "$work/peer"
}

# pmacctd sums by five-tuple in a cache that has room for all of them, and
# writes them out once, at the end. Its two processes' CPU seconds are summed,
# the memory is that of the larger.
pmacctd_config() {
	cat <<EOF
daemonize: false
pcap_savefile: $work/t.pcap
plugins: print
aggregate: src_host, dst_host, src_port, dst_port, proto
print_output: csv
print_output_file: $work/pmacctd.out
print_refresh_time: 86400
print_cache_entries: $1
plugin_buffer_size: 1024000
plugin_pipe_size: 104857600
pidfile: $work/pmacctd.pid
EOF
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
	pmacctd_config "$(connections_of "$s" "$packets")" >"$work/pmacctd"
	peer pmacctd pmacctd -f "$work/pmacctd"
	peer argus argus -r "$work/t.pcap" -w "$work/argus.out"
	with=LD_PRELOAD=$work/accept.so
	peer softflowd softflowd -r "$work/t.pcap" -d -6 -m 3000000 -v 9 \
	    -n 127.0.0.1:9 -c "$work/ctl" -p "$work/pid"
	with=
	rm -rf "$work/nf" "$work/argus.out" "$work/pmacctd.out"
done
