#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_known.sh RINGFENCE
# Connections that are open, and silent, before the collector starts: the
# kernel's connection table tells of them, through which Service they were
# dialled and who opened them. No census runs, so that no packet does. Takes
# about ten seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

# edge DB CLIENT DESTINATION SERVICE: its line of outcome, certainty,
# connections and packets; nothing if there is none
edge() {
	"$rf" flows --db "$1" -o json | python3 -c '
import json, sys
name = lambda end: (end.get("name") or end["ip"]).removesuffix("-*")
for e in json.load(sys.stdin)["edges"]:
    if [name(e["src"]), name(e["dst"]), (e["service"] or {"name": "-"})["name"]
            ] == sys.argv[1:]:
        print(e["outcome"], e["certainty"], e["connections"], e["packets"])
' "$2" "$3" "$4"
}

# Speak, until the loop has switched to the census.
is_heard() {
	kill -USR1 $by_service
	more ringfence_packets_total 30
}

hold() { # POD HOST PORT [SECONDS]: opened when it returns
	python3 "$here/live_net.py" hold "$@" >"$dir/held.$1" &
	held=$!
	wait_for test -s "$dir/held.$1" || echo "no connection for $1"
}

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
# A few things that are none: DNS, and what is on the node's loopback.
ip netns exec client-2 python3 - <<'PY'
import socket
for _ in range(3):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("10.96.0.10", 53))
    s.send(b"\0\7\1\0\0\1\0\0\0\0\0\0\3api\7example\3com\0\0\1\0\1")
    s.recv(512)
PY
hold client-0 10.96.0.50 80
by_service=$held
hold client-1 fd00:10:96::50 80
hold client-2 203.0.113.10 80
sleep 2.2

collect -i any --census 0 --db "$dir/a.db" --listen 127.0.0.1:9797
wait_for is ringfence_conntrack_connections 3 &&
	is ringfence_conntrack_lost 0
result $? "metrics say how many were taken over"
stop TERM
edge "$dir/a.db" client web web >"$dir/edges"
grep -qx 'midstream handshake 2 0' "$dir/edges"
result $? "silent connections to a Service, over IPv4 and IPv6"
[ "$(edge "$dir/a.db" client 203.0.113.10 -)" = 'midstream handshake 1 0' ]
result $? "and one behind the node's address"
[ "$(sqlite3 "$dir/a.db" 'SELECT sum(connections) FROM flow')" = 3 ]
result $? "and nothing else"
"$rf" recommend --db "$dir/a.db" -n shop -o "$dir/policies" >/dev/null 2>&1
grep -q 'port: 8080' "$dir"/policies/shop/*client* &&
	grep -q 'app: web' "$dir"/policies/shop/*client*
result $? "policies allow them, by the pod and its port"

# The same connection, now with packets, is still one; and so with a census.
for option in '--depth=full' '--census=10s'; do
	collect -i any "$option" --db "$dir/$option.db" --listen 127.0.0.1:9797
	wait_for is_heard
	stop TERM
	edge "$dir/$option.db" client web web >"$dir/edges"
	grep -qE '^midstream handshake 2 [1-9]' "$dir/edges" &&
		[ "$(wc -l <"$dir/edges")" -eq 1 ] ||
		{ cat "$dir/edges"; false; }
	result $? "with packets it is one connection still ($option)"
done

# Whoever holds the address now did not when the kernel last saw a packet.
sleep 2.2
now=$(date -u -d '-1 second' +%Y-%m-%dT%H:%M:%SZ)
cp "$dir/cluster.json" "$dir/older.json"
python3 - "$dir/cluster.json" "$now" <<'PY'
import json, sys
with open(sys.argv[1]) as f:
    objects = json.load(f)
for o in objects["items"]:
    if o["kind"] == "Pod" and o["metadata"]["name"].startswith("web-"):
        o["status"]["startTime"] = sys.argv[2]
        o["metadata"]["creationTimestamp"] = sys.argv[2]
with open(sys.argv[1], "w") as f:
    json.dump(objects, f)
PY
sleep 1
collect -i any --census 0 --db "$dir/stale.db"
sleep 0.2
stop TERM
[ -z "$(edge "$dir/stale.db" client web web)" ] &&
	[ "$("$rf" flows --db "$dir/stale.db" -o json |
		grep -c '"type": *"unknown"')" -gt 0 ]
result $? "an address that was handed on is not taken for its new pod"
mv "$dir/older.json" "$dir/cluster.json"

# It does not say on which interface a connection is.
collect -i v-db-0 --census 0 --db "$dir/named.db"
stop TERM
[ "$(sqlite3 "$dir/named.db" 'SELECT count(*) FROM flow')" = 0 ]
result $? "of one interface nothing is told that is not on it"

# Where it cannot be read that is said, once, and the rest goes on.
collect_with 'setpriv --bounding-set -net_admin' -i any --census 0 \
	--db "$dir/b.db" --user root
stop TERM
[ $status -eq 0 ] && [ "$(grep -c 'connection table is not used' "$dir/err")" \
	-eq 1 ] && grep -q 'not permitted; it takes the capability NET_ADMIN' \
	"$dir/err"
result $? "without the right to read it, it says so and goes on"
collect_program=$rf-no-conntrack
if [ -x "$collect_program" ]; then
	collect -i any --census 0 --db "$dir/c.db" --listen 127.0.0.1:9797
	wait_for is ringfence_conntrack_connections 0
	rc=$?
	stop TERM
	[ $status -eq 0 ] && [ $rc -eq 0 ] &&
		grep -q 'this program was built without it' "$dir/err" &&
		[ "$(sqlite3 "$dir/c.db" 'SELECT count(*) FROM flow')" = 0 ]
	result $? "built without, it says so and goes on"
fi
live_end
