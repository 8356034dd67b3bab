#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_replay.sh RINGFENCE
# Two real nodes (fixtures/nodes/two) once more, live: each has a network
# namespace with its interfaces, through which its recorded frames pass at their
# time, a collector on any of them, and an API server that says what the real
# one said. The two databases, merged, hold the flows that `collect -r` finds
# in the captures. Takes about six seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"
replay="python3 $here/live_replay.py"
fixture=$here/../../fixtures/nodes/two

# node NAME: its namespace, and the one where the other ends are
node_up() {
	local i
	ip netns add "$1" && ip netns add "far-$1" || return
	for ns in "$1" "far-$1"; do
		# Without what a kernel says by itself.
		ip netns exec "$ns" sysctl -qw \
			net.ipv6.conf.default.disable_ipv6=1 \
			net.ipv6.conf.lo.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	for i in $($replay interfaces "$fixture/any-$1.pcap"); do
		ip -n "$1" link add "r$i" address "02:00:00:00:00:$(printf %02x \
			"$i")" type veth peer "p$i" netns "far-$1" &&
			ip -n "$1" link set "r$i" up &&
			ip -n "far-$1" link set "p$i" up || return
	done
}

# follow NODE: its API server and its collector
follow() {
	ip netns exec "$1" python3 "$here/live_net.py" api "$dir/objects" \
		>"$dir/port-$1" &
	wait_for test -s "$dir/port-$1"
	kubeconfig "$dir/config-$1" "$(cat "$dir/port-$1")"
	ip netns exec "$1" "$rf" collect -i any --depth full \
		--cluster --kubeconfig "$dir/config-$1" --node "node-$1" \
		--interval 1s --db "$dir/$1.db" >"$dir/out-$1" \
		2>"$dir/err-$1" &
	collectors="$collectors $!"
	wait_for grep -qs capturing "$dir/err-$1"
}

# plain FILE: rows without the times, in an order of their own
plain() {
	python3 - "$1" <<'PY'
import csv, sys
with open(sys.argv[1]) as f:
    rows = [row[:-2] for row in csv.reader(f)]
print(*sorted(map(",".join, rows)), sep="\n")
PY
}

mkdir -p /run/netns && mount -t tmpfs none /run/netns
chmod 755 "$dir"
node_up a && node_up b || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
start=$(($(date +%s) + 4))
$replay objects "$fixture" "$fixture/any-a.pcap" "$start" >"$dir/objects"
collectors=
follow a
result $? "the collector of node a captures"
follow b
result $? "and that of node b"
now=$(date +%s) # where all takes longer the frames come later
[ "$now" -lt "$start" ] || start=$((now + 1))
$replay send "$start" "a=$fixture/any-a.pcap" "b=$fixture/any-b.pcap" \
	>"$dir/sent" 2>"$dir/err"
[ "$(cat "$dir/sent")" = '694 frames' ]
result $? "all frames are sent"
sleep 1
for pid in $collectors; do
	kill -TERM "$pid"
	wait "$pid"
	[ $? -eq 0 ]
	result $? "SIGTERM: exit status 0"
done
grep -hE '^[0-9]+ packets' "$dir/out-a" "$dir/out-b" |
	awk '{ n += $1; lost += $3 } END { exit !(n >= 694 && lost == 0) }'
result $? "all frames are seen, none is dropped"
"$rf" merge -q -o "$dir/all.db" "$dir/a.db" "$dir/b.db" >"$dir/out" \
	2>"$dir/err"
result $? "merge"
"$rf" flows --db "$dir/all.db" -o csv >"$dir/flows.csv" 2>"$dir/err"
plain "$fixture/flows.csv" >"$dir/want"
plain "$dir/flows.csv" >"$dir/have"
diff -u "$dir/want" "$dir/have"
result $? "the flows are those of collect -r"
live_end
