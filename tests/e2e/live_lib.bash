# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the live*.sh scripts share. Each sources this, then calls live_enter,
# which starts it again within namespaces of its own (network, mounts,
# processes) that end with it, also when it is killed. Needs root, iproute2,
# iptables, dnsmasq, python3 and sqlite3; where namespaces are not permitted, or
# a tool is missing, it says so and passes.
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podnet.bash"
pass=0
fail=0

# live_enter SECONDS ARGUMENT...: those of the script; $rf and $dir are set
live_enter() {
	local seconds=$1 why='' tool rc
	shift
	if [ "${2:-}" = inside ]; then
		rf=$1
		dir=$3
		return
	fi
	rf=$(realpath "${1:?usage: ${0##*/} RINGFENCE}")
	PATH=$PATH:/usr/sbin:/sbin
	[ "$(id -u)" -eq 0 ] || why="not root"
	for tool in ip iptables-restore ip6tables-restore dnsmasq python3 \
		unshare sqlite3 timeout; do
		command -v "$tool" >/dev/null || why="no $tool"
	done
	[ -n "$why" ] || unshare -nmpf true 2>/dev/null ||
		why="namespaces are not permitted"
	if [ -n "$why" ]; then
		echo "skipped: $why"
		echo "0 passed, 0 failed"
		exit 0
	fi
	dir=$(mktemp -d)
	chmod 755 "$dir"
	trap 'rm -rf "$dir"' EXIT
	export PATH
	unset KUBECONFIG KUBERNETES_SERVICE_HOST RINGFENCE_DB
	# Looking for leaks takes ptrace(2), which a collector forbids itself.
	export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
	timeout -k 5 "$seconds" unshare -nmpf --kill-child --mount-proc \
		"$0" "$rf" inside "$dir"
	rc=$?
	[ $rc -ne 124 ] || echo "not ok within $seconds seconds"
	exit $rc
}

result() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		pass=$((pass + 1))
		echo "ok $2"
	else
		fail=$((fail + 1))
		echo "not ok $2"
		[ ! -s "$dir/err" ] || sed 's/^/  err: /' "$dir/err" | tail -n 5
	fi
}

# collect OPTION...: in the background, ready when it returns; pid in $collector
collect() {
	collect_with '' "$@"
}

# collect_with COMMAND OPTION...: run by that command, such as setpriv
collect_with() {
	local with=$1
	shift
	rm -f "$dir/err" # what an earlier one said, before this one may
	# shellcheck disable=SC2086 # a command and its arguments
	$with "${collect_program:-$rf}" collect \
		--snapshot "$dir/cluster.json" --node node-0 --interval 1s \
		"$@" 2>"$dir/err" >"$dir/out" &
	collector=$!
	wait_for grep -qs capturing "$dir/err" || cat "$dir/err"
}

# kubeconfig FILE PORT: for an API server of live_net.py
kubeconfig() {
	cat >"$1" <<-YAML
	current-context: test
	contexts: [{name: test, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster: {server: "http://localhost:$2"}}]
	users: [{name: u, user: {token: good}}]
	YAML
}

# serve_api [EVENTS]: the API server of live_net.py on port 6443, with the objects
# of $dir/cluster.json; unserve ends it, when the collector has noticed.
serve_api() {
	rm -f "$dir/port"
	API_PORT=6443 python3 "$here/live_net.py" api "$dir/cluster.json" "$@" \
		>"$dir/port" &
	server=$!
	wait_for test -s "$dir/port"
}
unserve() {
	kill "$server"
	wait "$server" 2>/dev/null
	wait_for is 'ringfence_watch_up{resource="pods"}' 0
}
is() { # METRIC VALUE
	[ "$(metric "$1")" = "$2" ]
}
more() { # METRIC THAN
	local now
	now=$(metric "$1")
	[ "${now:-0}" -gt "$2" ]
}

wait_for() { # COMMAND...: up to twenty seconds
	local i
	for i in $(seq 400); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

stop() { # SIGNAL: its exit status in $status
	kill -"$1" "$collector"
	wait "$collector"
	status=$?
}

# metric NAME: its value now, of the collector with --listen
# 127.0.0.1:$listen_port
listen_port=9797
metric() {
	local http
	exec {http}<>"/dev/tcp/127.0.0.1/$listen_port" || return
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$http"
	awk -v name="$1" '$1 == name { print $2 }' <&"$http"
	exec {http}>&-
}

live_end() {
	echo "$pass passed, $fail failed"
	[ $fail -eq 0 ]
}
