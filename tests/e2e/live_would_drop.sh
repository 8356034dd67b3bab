#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_would_drop.sh RINGFENCE
# A collector that judges what it stores: its counts are those of an audit of
# its database, policies are read again on SIGHUP, a broken set changes nothing;
# and those of the cluster are followed while traffic runs.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
mkdir "$dir/policies" && chmod 755 "$dir/policies"
cat >"$dir/policies/db.yaml" <<'YAML'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-closed, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-open, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}
YAML
drops='ringfence_would_drop_connections_total{namespace="shop",policy="db-closed",direction="ingress"}'
judged='ringfence_would_drop_judged_connections_total{verdict="would-drop"}'

# as_audit: do the metrics say what audit says of the database?
as_audit() {
	"$rf" audit --db "$dir/w.db" -f "$dir/policies" -o json >"$dir/audit"
	python3 - "$dir/audit" "$(metric "$judged")" <<'PY'
import json, sys
want = json.load(open(sys.argv[1]))["summary"]["wouldDropConnections"]
sys.exit(want == 0 or want != float(sys.argv[2] or -1))
PY
}

# One that follows the cluster, for later.
: >"$dir/events"
python3 "$here/live_net.py" api "$dir/cluster.json" "$dir/events" \
	>"$dir/port" &
wait_for test -s "$dir/port"
kubeconfig "$dir/kubeconfig" "$(cat "$dir/port")"
"$rf" collect -i any --cluster --kubeconfig "$dir/kubeconfig" --node node-0 \
	--interval 1s --db "$dir/c.db" --listen 127.0.0.1:9798 \
	--policies-from-cluster >"$dir/out2" 2>"$dir/err2" &
follower=$!

collect -i any --db "$dir/w.db" --listen 127.0.0.1:9797 \
	--policies "$dir/policies"
while sleep 0.4; do
	python3 "$here/live_net.py" try client-0 10.244.0.20 5432
done &
dialling=$!
python3 "$here/live_net.py" traffic
wait_for as_audit
result $? "as many connections would be dropped as audit finds"
python3 "$here/live_net.py" get 127.0.0.1 9797 /metrics |
	awk -v a="$drops" -v b="$judged" '$1 == a || $1 == b { v[n++] = $2 }
		END { exit !(n == 2 && v[0] == v[1]) }'
result $? "they are counted by policy"
told='would-drop: shop/pod/client-\* to shop/pod/db-0 TCP/5432: ingress: db-clos'
[ "$(grep -c "$told" "$dir/err")" -eq 1 ]
result $? "the edge is told once, with the reason"

# Both formats are what they claim to be.
python3 - <<'PY'
import re, urllib.request
url = urllib.request.Request("http://127.0.0.1:9797/metrics", headers={
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
with urllib.request.urlopen(url) as reply:
    kind = reply.headers["Content-Type"]
    lines = reply.read().decode().split("\n")
assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
assert lines[-2:] == ["# EOF", ""], lines[-2:]
types, family = {}, None
for line in lines[:-2]:
    if line.startswith("# TYPE "):
        _, _, family, what = line.split(" ")
        assert family not in types, "%s is not in one piece" % family
        types[family] = what
    elif not line.startswith("# HELP "):
        m = re.fullmatch(r'([a-z_]+)(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})? '
                         r'-?[0-9.]+', line)
        assert m, line
        end = "_total" if types[family] == "counter" else ""
        assert m.group(1) == family + end, line
assert len(types) > 40, len(types)
PY
result $? "OpenMetrics for who asks for it"
python3 "$here/live_net.py" get 127.0.0.1 9797 /metrics >"$dir/metrics"
if command -v promtool >/dev/null; then
	promtool check metrics <"$dir/metrics" >"$dir/err" 2>&1
	result $? "promtool check metrics"
else
	echo "skipped: promtool check metrics: no promtool (Debian: prometheus)"
fi

cp "$dir/policies/db.yaml" "$dir/kept.yaml"
echo 'kind: [' >"$dir/policies/db.yaml"
kill -HUP "$collector"
wait_for grep -qs 'those from before stay in force' "$dir/err"
result $? "a broken set is said"
[ "$(metric ringfence_would_drop_policies)" = 2 ] &&
	[ "$(metric ringfence_would_drop_policies_stale)" = 1 ]
result $? "and the one before stays in force"
cp "$dir/kept.yaml" "$dir/policies/db.yaml"
kill -HUP "$collector"
wait_for grep -qs '2 policies were read again' "$dir/err"
result $? "SIGHUP reads them again, confined as it is"
[ "$(metric ringfence_would_drop_policies_stale)" = 0 ]
result $? "and the metrics say so"
stop TERM
[ $status -eq 0 ]
result $? "SIGTERM: exit status 0"
"$rf" collect -i any --db "$dir/x.db" --snapshot "$dir/cluster.json" \
	--policies "$dir/none" 2>"$dir/err"
[ $? -eq 3 ] && grep -q "$dir/none" "$dir/err" && [ ! -e "$dir/x.db" ]
result $? "policies that are not there: it does not start"

# The cluster's own policies come, change and go while connections are made.
policy() { # EVENT VERSION INGRESS
	printf '{"type":"%s","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"db-live","namespace":"shop","uid":"p","resourceVersion":"%s"},"spec":{"podSelector":{"matchLabels":{"app":"db"}},"policyTypes":["Ingress"]%s}}}\n' \
		"$@" >>"$dir/events"
}
live='ringfence_would_drop_connections_total{namespace="shop",policy="db-live",direction="ingress"}'
allowed='ringfence_would_drop_judged_connections_total{verdict="allowed"}'
# quiet TIMES: more is allowed, nothing more would be dropped or is told
quiet() {
	local before
	# Counts begin anew a moment after policies were read.
	wait_for more "$allowed" "$(metric "$allowed")"
	before=$(metric "$live")
	wait_for more "$allowed" "$(metric "$allowed")" &&
		is "$live" "$before" && told "$1"
}

told() { # TIMES
	[ "$(grep -c 'would-drop: shop/pod/client-\* to shop/pod/db-0 TCP/5432: ingress: db-live' \
		"$dir/err2")" -eq "$1" ]
}

listen_port=9798
collector=$follower
wait_for more "$allowed" 0
result $? "without a policy in the cluster, what runs is allowed"
is ringfence_would_drop_policies 0 && ! more "$judged" 0 && told 0
result $? "and nothing would be dropped"
policy ADDED 11 ''
wait_for more "$live" 1
result $? "a policy is added: what it would drop is counted"
is ringfence_would_drop_policies 1 && wait_for told 1
result $? "and told, once"
policy MODIFIED 12 ',"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"client"}}}]}]'
wait_for is ringfence_would_drop_reads_total 3
quiet 1
result $? "it is changed to allow it: nothing more is counted"
before=$(metric "$live")
policy MODIFIED 13 ''
wait_for more "$live" "$before"
wait_for told 2
result $? "and changed back: told again"
policy DELETED 14 ''
wait_for is ringfence_would_drop_policies 0
quiet 2
result $? "it is deleted: nothing more is counted"
kill "$dialling"
stop TERM
[ $status -eq 0 ]
result $? "SIGTERM: exit status 0"
live_end
