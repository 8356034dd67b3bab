#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_killed.sh RINGFENCE
# A collector that follows an API server is killed again and again, also while
# the server is away: what came before the last interval is counted, once, and
# by the owners of its time; so is what has no answer yet, and what stays open
# over an end in order is not counted again. Takes about 25 seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

census=0
start() {
	rm -f "$dir/err"
	"$rf" collect -i any --cluster --kubeconfig "$dir/kubeconfig" \
		--node node-0 --interval 3s --census "$census" --db "$dir/f.db" \
		--listen 127.0.0.1:9797 >"$dir/out" 2>"$dir/err" &
	collector=$!
	wait_for grep -qs capturing "$dir/err"
}
end() { # as nobody can prepare for
	kill -KILL "$collector"
	wait "$collector" 2>/dev/null
	[ "$(sqlite3 "$dir/f.db" 'PRAGMA integrity_check')" = ok ]
}
# connect N [FILE]: TCP to the web server, fifty in a second, so many, or until
# there is that file; the time of each goes to $dir/made
connect() {
	ip netns exec client-0 python3 - "$@" >>"$dir/made" <<-'PY'
	import os, socket, sys, time
	start = time.time()
	for i in range(int(sys.argv[1])):
	    if os.path.exists("".join(sys.argv[2:])):
	        break
	    time.sleep(max(0, start + i / 50 - time.time()))
	    socket.create_connection(("10.244.0.10", 8080), 10).close()
	    print(time.time(), flush=True)
	PY
}
# One datagram that is never answered, one that is when there is $dir/answer,
# and a connection that speaks now and then for minutes.
in_pod() { # POD [ARG], python on standard input
	ip netns exec "$1" timeout 200 python3 - "${@:2}" <&0 &
}
answering() {
	in_pod time-0 "$dir/answer" <<-'PY'
	import os, socket, sys, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("10.244.0.25", 9125))
	data, peer = s.recvfrom(99)
	while not os.path.exists(sys.argv[1]):
	    time.sleep(.1)
	s.sendto(data, peer)
	PY
	late=$!
	wait_for ip netns exec time-0 sh -c 'ss -Hlun | grep -q :9125'
}
question() { # PORT: when it was asked is in $from and $to
	from=$(date +%s%6N)
	ip netns exec client-1 python3 - "$1" <<-'PY'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.sendto(b"question", ("10.244.0.25", int(sys.argv[1])))
	PY
	to=$(date +%s%6N)
}
is_open() { # is the last question in the database?
	[ "$(ask "SELECT count(*) FROM open WHERE connections = 1 AND
		since_us BETWEEN $from AND $to")" -ge 1 ]
}
staying() {
	in_pod db-0 <<-'PY'
	import socket, time
	s = socket.create_server(("10.244.0.20", 9127))
	c = s.accept()[0]
	while True:
	    c.send(b"still here")
	    time.sleep(.2)
	PY
	wait_for ip netns exec db-0 sh -c 'ss -Hltn | grep -q :9127'
	in_pod client-1 <<-'PY'
	import socket
	s = socket.create_connection(("10.244.0.20", 9127))
	while s.recv(99):
	    pass
	PY
	wait_for ip netns exec db-0 sh -c 'ss -Htn | grep -q :9127'
}
ask() { # SQL
	sqlite3 "$dir/f.db" "$1"
}
counted() {
	ask "SELECT ifnull(sum(connections), 0) FROM flow WHERE port = 8080"
}
waiting() {
	ask "SELECT ifnull(sum(connections), 0) FROM waiting"
}
all_are() { # N
	[ $(($(counted) + $(waiting))) -eq "$1" ]
}

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
: >"$dir/made"
serve_api
kubeconfig "$dir/kubeconfig" 6443
start
unserve
connect 20
wait_for all_are 20
end && all_are 20
result $? "a kill while the server is away: all is in the database"
[ "$(waiting)" -eq 20 ]
result $? "where it waits"
"$rf" flows --db "$dir/f.db" -o json >"$dir/json" 2>"$dir/err" &&
	grep -q '"waiting": *20' "$dir/json" &&
	grep -q '^20 connections wait' "$dir/err"
result $? "flows says so"
"$rf" backup --db "$dir/f.db" -o "$dir/copy.db" &&
	"$rf" merge -o "$dir/all.db" "$dir/copy.db" >"$dir/told" 2>"$dir/err" &&
	grep -q '^20 connections wait in them' "$dir/told" &&
	[ "$(sqlite3 "$dir/all.db" 'SELECT count(*) FROM waiting')" -eq 0 ]
result $? "merge leaves it out, and says so"

# At moments that nobody chose, under load.
serve_api
start
answering
connect 10000 "$dir/enough" &
load=$!
rc=0
lost=0
: >"$dir/kills"
for port in 8125 9125; do # the second one is answered
	question $port
	sleep 3.3
	wait_for is_open
	printf '%s ' "$(date +%s.%N)" >>"$dir/kills"
	end || rc=1
	is_open || lost=1
	start
	date +%s.%N >>"$dir/kills"
done
: >"$dir/answer" # of a question that the third collector did not see
wait "$late"
sleep 1
: >"$dir/enough"
wait "$load" || rc=1
staying
stop TERM
[ $status -eq 0 ] && [ $rc -eq 0 ] && [ "$(waiting)" -eq 0 ]
result $? "killed under load, it goes on"
# What was made up to --interval before a kill is certain to be there, and
# storing it takes a moment.
certain=$(awk 'NR == FNR { from[NR] = $1 - 5; to[NR] = $2; n = NR; next }
	{ lost = 0
	for (i = 1; i <= n; i++) if ($1 > from[i] && $1 < to[i]) lost = 1
	sum += !lost }
	END { print sum }' "$dir/kills" "$dir/made")
made=$(wc -l <"$dir/made")
now=$(counted)
[ "$made" -gt 300 ] && [ "$certain" -gt 40 ] && [ "$now" -ge "$certain" ] &&
	[ "$now" -le "$made" ]
result $? "$now of $made are counted, of which $certain were certain to be"
[ "$(ask 'SELECT count(*) FROM flow JOIN endpoint e ON e.id IN (src, dst)
	WHERE port = 8080 AND e.type = 3')" -eq 0 ]
result $? "each with its owners"
of_port() { # its connections, and how many of them are established
	ask "SELECT sum(connections), sum(connections * (outcome = 0))
		FROM flow WHERE port = $1"
}
[ "$lost" -eq 0 ] && [ "$(of_port 8125)" = '1|0' ]
result $? "what was never answered is one attempt ($(of_port 8125))"
[ "$(of_port 9125)" = '1|1' ]
result $? "what was answered to another one is one exchange ($(of_port 9125))"

census=1s
start
stays_open() {
	[ "$(ask 'SELECT count(*) FROM open WHERE connections = 0')" -ge 1 ]
}
wait_for more ringfence_packets_total 10 && wait_for stays_open
result $? "what stays open is in the database"
stop TERM
[ "$(ask 'SELECT count(DISTINCT from_us) FROM coverage')" -ge 4 ] &&
	[ "$(of_port 9127)" = '1|1' ]
result $? "and was not counted again ($(of_port 9127))"
live_end
