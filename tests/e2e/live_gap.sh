#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_gap.sh RINGFENCE
# The API server goes away while pods talk. When it comes back, what waited is
# resolved, also where an address was handed on meanwhile; what has to be stored
# before is nobody's, and that is said. Takes about thirty seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

serve() {
	serve_api "$dir/events"
}
# A name: that it was answered is known sooner than that a connection is over.
ask() {
	ip netns exec client-0 python3 - <<-'PY'
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(10)
	s.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\3web\4shop\0\0\1\0\1",
	         ("10.244.0.2", 53))
	s.recv(512)
	PY
}
flows_are() { # WANT: their ends, and how many
	[ "$(sqlite3 "$dir/f.db" "SELECT ifnull(s.name, 'unknown') || '>' ||
			ifnull(d.name, 'unknown') || ' ' || sum(connections)
		FROM flow JOIN endpoint a ON flow.src = a.id
		JOIN endpoint b ON flow.dst = b.id
		LEFT JOIN pod s ON s.id = a.pod LEFT JOIN pod d ON d.id = b.pod
		WHERE flow.port = 53 GROUP BY s.name, d.name ORDER BY 1")" = "$1" ]
}

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
: >"$dir/events"
serve
kubeconfig "$dir/kubeconfig" 6443
"$rf" collect -i any --cluster --kubeconfig "$dir/kubeconfig" --node node-0 \
	--interval 1s --census 0 --db "$dir/f.db" --listen 127.0.0.1:9797 \
	>"$dir/out" 2>"$dir/err" &
collector=$!
wait_for grep -qs capturing "$dir/err"
ask
wait_for flows_are 'client-0>dns-0 1'
result $? "somebody's while the cluster is watched"

unserve
result $? "the server is away"
ask # a watch that breaks may have missed the seconds before
sleep 2.1
change=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 2.1
ask
wait_for is ringfence_connections_waiting 2
result $? "what is seen meanwhile waits"
known=$(metric ringfence_cluster_known_timestamp_seconds)
sleep 1.2
[ "$known" -gt 0 ] && is ringfence_cluster_known_timestamp_seconds "$known" &&
	flows_are 'client-0>dns-0 1'
result $? "and is not stored"
# The DNS pod is another one, with the same address.
python3 - "$change" >>"$dir/events" <<'PY'
import json, sys
def pod(name, phase, **state):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name,
            "namespace": "shop", "labels": {"app": "dns"},
            "resourceVersion": "9"},
            "spec": {"nodeName": "node-0", "containers": []},
            "status": {"phase": phase, "podIP": "10.244.0.2",
                       "containerStatuses": [{"state": state}]}}
gone = pod("dns-0", "Failed", terminated={"finishedAt": sys.argv[1]})
come = pod("dns-9", "Running", running={"startedAt": sys.argv[1]})
for kind, o in ("MODIFIED", gone), ("ADDED", come):
    print(json.dumps({"type": kind, "object": o}))
PY
serve
resolved='client-0>dns-0 2
client-0>dns-9 1'
wait_for flows_are "$resolved" || wait_for flows_are "$resolved"
result $? "it is back: each is whose it was, also after an address changed hands"
is ringfence_connections_unowned_total 0
result $? "nothing is lost"

unserve
sleep 3.2
ask
stop TERM
[ $status -eq 0 ] && flows_are "$resolved
unknown>unknown 1"
result $? "an end without the server: what is seen then is nobody's"
grep -q '^1 of those because the API server was not heard' "$dir/out"
result $? "collect says it"
"$rf" flows --db "$dir/f.db" >"$dir/table" 2>"$dir/err" &&
	grep -q 'warning: 1 connection was seen while the cluster was not' \
		"$dir/err"
result $? "flows says it"
"$rf" recommend --db "$dir/f.db" -A -o "$dir/policies" >"$dir/told" 2>&1
grep -q '^Warning: 1 connection was seen while' "$dir/told" &&
	grep -q 'all connections were seen while the cluster was not watched' \
		"$dir/policies/REVIEW.md"
result $? "so does recommend, and nothing is ready"
live_end
