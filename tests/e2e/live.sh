#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live.sh RINGFENCE
# A node out of network namespaces: pods on a bridge, Services by DNAT, a DNS
# server, real connections; the collector captures them live, then flows,
# recommend and audit are held against what ran. Takes about half a minute.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

check() { # WHAT DB
	python3 "$here/live_check.py" "$1" "$2" "$rf" "$dir"
}

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }

# The long connection is there before the collector is.
python3 "$here/live_net.py" hold client-0 10.244.0.20 5432 0.5 >"$dir/long" &
long=$!
wait_for test -s "$dir/long"
collect -i any --db "$dir/a.db" --census 20s --listen 127.0.0.1:9797
python3 "$here/live_net.py" traffic
result $? "traffic ran"
wait_for more ringfence_packets_total 0
python3 "$here/live_net.py" get 127.0.0.1 9797 /metrics >"$dir/metrics"
result $? "metrics are served"
for name in $(grep -oh 'ringfence_[a-z_]*' "$here"/../../deploy/grafana/*.json |
	sort -u); do
	grep -q "^$name " "$dir/metrics" || echo "no metric $name" >>"$dir/none"
done
[ ! -f "$dir/none" ] || { cat "$dir/none"; false; }
result $? "the dashboard asks for metrics that there are"
if command -v promtool >/dev/null; then
	promtool check metrics <"$dir/metrics"
	result $? "promtool check metrics"
fi
is_ready() {
	[ "$(python3 "$here/live_net.py" get 127.0.0.1 9797 /readyz)" = ok ]
}
wait_for is_ready # once the first transaction is through
result $? "readyz"
grep -q '^NoNewPrivs:.1$' "/proc/$collector/status" &&
	grep -q '^CapEff:.0*$' "/proc/$collector/status" &&
	grep -q '^Seccomp:.2$' "/proc/$collector/status"
result $? "no capability, no new privileges, confined"
grep -q '^Uid:.0' "/proc/$collector/status"
[ $? -ne 0 ]
result $? "not root any more"
for _ in $(seq 20); do # it is told once it is ten seconds old
	check alive "$dir/a.db" >"$dir/alive" && break
	sleep 1
done
[ ! -s "$dir/alive" ] || { cat "$dir/alive"; false; }
result $? "a connection that goes on is stored"
stop TERM
[ $status -eq 0 ]
result $? "SIGTERM: exit status 0"
check flows "$dir/a.db"
result $? "each connection once, with its fate"
"$rf" recommend --db "$dir/a.db" -A -o "$dir/policies" >/dev/null
[ -f "$dir/policies/kustomization.yaml" ]
result $? "policies are recommended"
"$rf" audit --db "$dir/a.db" -R -f "$dir/policies" >"$dir/audit"
result $? "they would drop nothing that was seen"
grep -q ' 0 would be dropped' "$dir/audit" && ! grep -q 'under 0 pol' "$dir/audit"
result $? "and audit has policies to say so of"
kill $long

# A named interface that goes and comes back, every packet.
collect -i any --db "$dir/b.db" --depth full
python3 "$here/live_net.py" traffic
stop INT
[ $status -eq 130 ]
result $? "SIGINT: exit status 130"
check flows "$dir/b.db"
result $? "depth full finds the same connections"
make_gone() {
	ip link add gone0 type veth peer name gone1 && ip link set gone0 up &&
		ip link set gone1 up
}
came_back() { # that often
	[ "$(grep -cs 'gone0 is back' "$dir/err")" -eq "$1" ]
}
ready_says() { # TEXT: and that it is alive all the same
	python3 "$here/live_net.py" get 127.0.0.1 9797 /readyz |
		grep -q "$1" &&
		python3 "$here/live_net.py" get 127.0.0.1 9797 /healthz |
		grep -qx ok
}
make_gone
collect -i gone0 -i v-db-0 --db "$dir/c.db" --listen 127.0.0.1:9797
wait_for ready_says '^ok'
ip link del gone0
wait_for grep -qs "gone0.*waiting" "$dir/err"
wait_for ready_says '^gone0 is not captured'
result $? "without one of its interfaces it is not ready"
make_gone
wait_for came_back 1
result $? "an interface that goes is taken up again"
# The socket then has no error to tell when it is taken away.
ip link set gone0 down && wait_for ready_says '^gone0 is not captured' &&
	ip link set gone0 up &&
	wait_for ready_says '^ok'
result $? "one that is down makes it not ready, too, until it is up"
ip link set gone0 down && sleep 0.3 && ip link del gone0
sleep 1.5
make_gone
wait_for came_back 2
result $? "one that went down first, too"
stop TERM

"$rf" collect -i no-such-if --db "$dir/x.db" 2>"$dir/err"
[ $? -eq 3 ] && grep -q 'no-such-if: there is no such interface' "$dir/err"
result $? "an interface that is none is named"
"$rf" collect -i lo --db "$dir/x.db" --user no-such-user 2>"$dir/err"
[ $? -eq 3 ] && grep -q 'no-such-user: there is no such user' "$dir/err" &&
	[ -z "$(ls "$dir"/x.db* 2>/dev/null)" ]
result $? "a database that was made for nothing does not stay"

live_end
