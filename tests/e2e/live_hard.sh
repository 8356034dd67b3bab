#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_hard.sh RINGFENCE
# A live collector where it is hard: rights that a container, a file or nobody
# has, a read-only root, interfaces that come later, a ring that runs over, a
# database that somebody else keeps.
# Takes about twenty-five seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"

# status_is FIELD VALUE: of the collector's process
status_is() {
	[ "$(awk -v f="$1:" '$1 == f { print $2 }' \
		"/proc/$collector/status")" = "$2" ] && return
	grep "^$1:" "/proc/$collector/status"
	return 1
}

NONE=0000000000000000
NET_RAW=0000000000002000

# confined EFFECTIVE-CAPABILITIES
confined() {
	status_is CapEff "$1" && status_is CapPrm "$1" &&
		status_is CapInh $NONE && status_is NoNewPrivs 1 &&
		status_is Seccomp 2
}

podnet_up "$dir" || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }

# As in a container that runs as root with all capabilities dropped but one.
contained='setpriv --bounding-set=-all,+net_raw --inh-caps=-all'
collect_with "$contained" -i any --db "$dir/a.db"
confined $NONE && status_is Uid 0 && status_is CapBnd $NET_RAW
result $? "root with NET_RAW alone: nothing of it stays"
[ "$(stat -c %a "$dir/a.db" "$dir/a.db-wal" | uniq)" = 600 ]
result $? "only its owner may read the database"
# A pod that is made while it runs.
ip netns add late
ip link add v-late type veth peer name eth0 netns late
ip link set v-late master cni0 up
ip -n late addr add 10.244.0.40/24 dev eth0
ip -n late link set eth0 up
ip netns exec late python3 "$here/live_net.py" get 10.244.0.20 5432 / >/dev/null
stop TERM
[ $status -eq 0 ] && "$rf" flows --db "$dir/a.db" -o csv |
	grep -q '10\.244\.0\.40.*5432.*established'
result $? "with any, an interface that came later is captured, too"
# As a unit of systemd's may have left it.
mkdir "$dir/others" && chown 65534 "$dir/others"
$contained "$rf" collect -i any --db "$dir/others/a.db" 2>"$dir/err"
[ $? -eq 3 ] && grep -q "root's own: chown it" "$dir/err"
result $? "a folder of somebody else's: says what root lacks"

collect -i v-db-0 -i v-web-0 --db "$dir/b.db"
confined $NET_RAW && status_is CapBnd $NONE && ! status_is Uid 0 >/dev/null
result $? "named interfaces: NET_RAW is kept to open them again"
stop TERM

# Read-only but for the database.
cat >"$dir/readonly" <<'SH'
here=$1
mount --make-rprivate / && mkdir "$1/ro" && mount -t tmpfs none "$1/ro" &&
	chmod 777 "$1/ro" && mount -o remount,bind,ro / || exit 9
for m in $(awk '{ print $2 }' /proc/mounts | grep -v "^/proc\|^/$\|$1/ro"); do
	mount -o remount,bind,ro "$m" 2>/dev/null
done
shift
touch /x 2>/dev/null && exit 9
touch "$here/x" 2>/dev/null && exit 9
exec "$@"
SH
cp "$dir/cluster.json" "$dir/objects.json"
(cd / && exec unshare -m sh "$dir/readonly" "$dir" sh -c '
	"$0" collect -i any --snapshot "$1/objects.json" --db "$1/ro/f.db" \
		--node node-0 --interval 1s >"$1/ro/out" 2>"$1/ro/err" &
	for i in $(seq 200); do
		grep -q capturing "$1/ro/err" && break
		sleep 0.1
	done
	sleep 1.3
	kill $!
	wait $! || { cat "$1/ro/err"; exit 1; }
	echo "SELECT count(*) FROM coverage" | sqlite3 "$1/ro/f.db"
' "$rf" "$dir") >"$dir/count" 2>"$dir/err"
[ $? -eq 0 ] && [ "$(cat "$dir/count")" = 1 ]
result $? "a read-only root, with a place for the database"

# The file's own capability, for a user without rights.
install -m 755 "$rf" "$dir/capable" && python3 - "$dir/capable" <<'PY'
import os, struct, sys
# revision 2, effective; CAP_NET_RAW permitted
os.setxattr(sys.argv[1], "security.capability",
            struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
PY
mkdir -m 777 "$dir/data"
as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
collect_program=$dir/capable
collect_with "$as_nobody" -i any --db "$dir/data/n.db"
confined $NONE && status_is Uid 65534
result $? "a file's capability: nobody may capture, and keeps nothing"
stop TERM
[ $status -eq 0 ]
result $? "and ends well"
collect_program=

$as_nobody "$rf" collect -i any --db "$dir/data/x.db" 2>"$dir/err"
[ $? -eq 3 ] && grep -q 'CAP_NET_RAW' "$dir/err" &&
	grep -q 'setcap cap_net_raw=ep' "$dir/err" && [ ! -e "$dir/data/x.db" ]
result $? "without any right it says which, and what to do"

# A reader that stands still for longer than its ring lasts.
ip netns add sender
ip link add b0 type veth peer name b1 netns sender
ip link set b0 up
ip -n sender link set b1 up
mac=$(ip -o link show b0 | sed 's/.*ether \([^ ]*\).*/\1/')
flood() { # what send_frames sent, in packets
	ip netns exec sender "${rf%/*}/bench/send_frames" b1 "$mac" "$@" |
		awk '{ print $1 }'
}
collect -i b0 --depth full --ring-mib 1 --db "$dir/r.db" \
	--listen 127.0.0.1:9797
kill -STOP "$collector"
sent=$(flood data 60 1 500)
kill -CONT "$collector"
wait_for more ringfence_packets_dropped_total 0
result $? "a ring that ran over: metrics say it"
stop TERM
stored=$(sqlite3 "$dir/r.db" 'SELECT sum(packets + dropped) FROM coverage')
[ "$stored" -ge "$sent" ] && [ "$stored" -le $((sent + 50)) ]
result $? "captured and lost are what was sent ($sent)"
grep -q ' [1-9][0-9]* dropped by the kernel' "$dir/out"
result $? "collect says it at its end"
policies=$here/../../fixtures/shop/policies-broken.yaml
for command in flows 'recommend -A' "audit -f $policies"; do
	# shellcheck disable=SC2086 # a command and its options
	"$rf" $command --db "$dir/r.db" >"$dir/out" 2>&1
	grep -qi 'dropped\|lost' "$dir/out"
	result $? "${command%% *} says that packets were lost"
done

# Another process keeps the database for longer than a flush waits for it, which
# is five seconds from when it begins.
collect -i any --census 0 --db "$dir/l.db"
{
	echo '.timeout 5000'
	echo 'BEGIN IMMEDIATE;'
	echo 'SELECT 1;'
	wait_for grep -qs 'another process writes' "$dir/err"
	echo 'ROLLBACK;'
} | sqlite3 "$dir/l.db" >"$dir/locked" &
locker=$!
wait_for test -s "$dir/locked"
ip netns exec late python3 "$here/live_net.py" get 10.244.0.20 5432 / \
	>/dev/null
wait "$locker"
sleep 2
stop TERM
[ $status -eq 0 ] && [ "$(grep -c 'another process writes to the database' "$dir/err")" = 1 ]
result $? "a locked database is said once"
[ "$("$rf" flows --db "$dir/l.db" -o csv | grep -c '10\.244\.0\.40.*5432')" \
	= 1 ] && [ "$(sqlite3 "$dir/l.db" \
	'SELECT sum(connections) FROM flow WHERE port = 5432')" = 1 ]
result $? "and what came meanwhile is stored once it is free"

# Two interfaces, of which one is never silent: what came from the other one
# before the end is in a block of its ring that nobody has handed over yet.
ip link add c0 type veth peer name c1 netns sender
ip link set c0 up
ip -n sender link set c1 up
ip -n sender addr add 10.99.0.1/24 dev c1
ip -n sender neigh add 10.99.0.2 lladdr "$mac" dev c1
collect -i b0 -i c0 --depth full --db "$dir/q.db"
flood data 20 2 500 >/dev/null &
flooding=$!
sleep 0.3
ip netns exec sender python3 -c 'import os, signal, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(7000, 7020):
	s.sendto(b"x", ("10.99.0.2", port))
os.kill(int(sys.argv[1]), signal.SIGTERM)' "$collector"
wait "$collector"
[ "$(sqlite3 "$dir/q.db" 'SELECT count(*) FROM flow
	WHERE port BETWEEN 7000 AND 7019')" -eq 20 ]
result $? "the end: what lies in a quiet interface's ring counts"
wait $flooding

live_end
