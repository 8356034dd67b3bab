#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_enforce.sh RINGFENCE
# The whole way, to the end: pods on point-to-point links are watched live, with
# their objects from an API server; policies are recommended; something that
# they do not allow runs, and audit names it, and nothing else; then the
# policies are put in force, translated by live_enforce.py, which shares no
# line with the evaluator. All that was seen still works, what audit named is
# dropped, and the collector sees that. Takes about twenty seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

check() { # WHAT DB
	python3 "$here/live_check.py" "$1" "$2" "$rf" "$dir"
}

# A connection that nobody needed while it was watched.
unseen() {
	python3 "$here/live_net.py" try db-0 10.96.0.50 80
}

# Follow the API server, as a node's collector does.
follow() { # OPTION...
	rm -f "$dir/err"
	"$rf" collect --cluster --kubeconfig "$dir/kubeconfig" --node node-0 \
		--interval 1s -i any "$@" >"$dir/out" 2>"$dir/err" &
	collector=$!
	wait_for grep -qs capturing "$dir/err" || cat "$dir/err"
}

podnet_up "$dir" ptp || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
python3 "$here/live_net.py" api "$dir/cluster.json" >"$dir/port" &
wait_for test -s "$dir/port"
kubeconfig "$dir/kubeconfig" "$(cat "$dir/port")"
python3 "$here/live_net.py" hold client-0 10.244.0.20 5432 0.5 >"$dir/long" &
long=$!
wait_for test -s "$dir/long"

follow --db "$dir/seen.db"
python3 "$here/live_net.py" traffic
result $? "traffic ran over point-to-point links"
stop TERM
[ $status -eq 0 ] && [ "$(sqlite3 "$dir/seen.db" 'SELECT count(*) FROM pod')" \
	-eq "$(wc -l <"$dir/pods")" ]
result $? "the API server's pods are known"
check long "$dir/seen.db"
result $? "each connection once, with its fate"
"$rf" recommend --db "$dir/seen.db" -A -o "$dir/policies" >/dev/null \
	2>"$dir/err"
"$rf" audit --db "$dir/seen.db" -R -f "$dir/policies" >"$dir/audit"
[ $? -eq 0 ] && grep -q ' 0 would be dropped' "$dir/audit" &&
	! grep -q 'under 0 pol' "$dir/audit"
result $? "the policies allow what ran"

follow --db "$dir/more.db" --census 0
python3 "$here/live_net.py" traffic quiet
unseen
result $? "what nobody needed works while nothing is in force"
stop TERM
"$rf" audit --db "$dir/more.db" -R -f "$dir/policies" -o json >"$dir/audit"
[ $? -eq 1 ] && python3 - "$dir/audit" <<'PY'
import json, sys
with open(sys.argv[1]) as f:
    dropped = [e for e in json.load(f)["edges"] if e["verdict"] == "would-drop"]
got = [(e["src"]["name"], e["dst"]["name"], e["port"]) for e in dropped]
if got != [("db-0", "web-*", 8080)]:
    sys.exit(f"would-drop: {got}")
PY
result $? "audit names it, and only it"

python3 "$here/live_enforce.py" "$dir/policies" "$dir/cluster.json" 4 \
	>"$dir/rules4" &&
	python3 "$here/live_enforce.py" "$dir/policies" "$dir/cluster.json" 6 \
		>"$dir/rules6" &&
	iptables-restore -n <"$dir/rules4" && ip6tables-restore -n <"$dir/rules6"
result $? "the policies are in force"
lines=$(wc -l <"$dir/long")
follow --db "$dir/forced.db" --census 0
python3 "$here/live_net.py" traffic quiet
result $? "all that was seen still works"
! unseen
result $? "what audit named does not"
sleep 0.6
[ "$(wc -l <"$dir/long")" -gt "$lines" ]
result $? "the long connection goes on"
stop TERM
kill $long
check quiet "$dir/forced.db"
result $? "and the collector sees just that"
live_end
