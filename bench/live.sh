#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/live.sh BUILD-DIR [CASE...]
# What a live collector costs, and whether it loses anything, beside a sender
# on the other end of a veth, in namespaces of its own. Needs root, iproute2
# and two cores: the sender has the first, the collector the second. Prints a
# line for each case; exit 1 if a packet or a connection was lost unreported.
# bench/README.md explains the cases and the columns.
set -u
export LC_ALL=C
if [ "${2:-}" != inside ]; then
	build=$(realpath "${1:?usage: live.sh BUILD-DIR [CASE...]}")
	shift
	self=$(realpath "$0")
	PATH=$PATH:/usr/sbin:/sbin
	export PATH
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	timeout -k 5 600 unshare -nmpf --kill-child --mount-proc \
		"$self" "$build" inside "$dir" "$@"
	exit
fi
build=$1
here=$(dirname "$(realpath "$0")")
dir=$3
shift 3
seconds=${BENCH_LIVE_SECONDS:-10}
kpps=${BENCH_LIVE_KPPS:-}
cases=${*:-idle data-default data-census data-full connections scan}
rc=0
last_core=$(($(nproc) - 1))

mount -t tmpfs none /run && mkdir /run/netns
ip link set lo up
ip netns add peer
ip link add b0 type veth peer name b1 netns peer
ip link set b0 up
ip -n peer link set lo up
ip -n peer link set b1 up
mac=$(ip -o link show b0 | sed "s/.*ether \([^ ]*\).*/\1/")

# Of a process: user and system seconds so far.
cpu_of() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, "")
		printf "%.2f\n", ($12 + $13) / hz }' "/proc/$1/stat"
}

status_of() { # FIELD, in KiB
	awk -v f="$1:" '$1 == f { print $2 }' "/proc/$collector/status"
}

# Until it has nothing to do, which $before is taken at: what it reads at its
# start is none of what is measured, and takes long where others work, too.
settle() {
	local now
	before=$(cpu_of $collector)
	for _ in $(seq 40); do
		sleep 0.5
		now=$(cpu_of $collector)
		awk "BEGIN { exit !($now - $before < 0.02) }" && break
		before=$now
	done
	before=$now
}

# run NAME WHAT OPTION... -- SENDER-ARGUMENT...
run() {
	local name=$1 options=() before after begun ended
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -f "$dir"/f.db*
	taskset -c "$last_core" "$build/ringfence" collect -i any --user root \
		--db "$dir/f.db" "${options[@]}" >"$dir/out" 2>"$dir/err" &
	collector=$!
	for _ in $(seq 2400); do # a sanitizer reads 5,000 pods for long
		grep -q capturing "$dir/err" && break
		kill -0 $collector 2>"$dir/gone" || break
		sleep 0.05
	done
	settle
	begun=$(date +%s.%N)
	if [ "$1" = idle ]; then
		sleep "$seconds"
		echo "0 0 $seconds" >"$dir/sent"
	else
		taskset -c 0 ip netns exec peer "$build/bench/send_frames" \
			b1 "$mac" "$@" >"$dir/sent" || rc=1
	fi
	sleep 0.5
	after=$(cpu_of $collector)
	ended=$(date +%s.%N)
	rss=$(status_of VmHWM)
	now=$(status_of VmRSS)
	kill -TERM $collector
	wait $collector || rc=1
	sqlite3 -separator ' ' "$dir/f.db" 'SELECT sum(packets), sum(dropped),
		sum(table_full), ifnull((SELECT sum(connections) FROM flow), 0)
		FROM coverage' >"$dir/stored"
	report "$name" "$(awk "BEGIN { print $after - $before,
		$ended - $begun }")"
}

# A line, and whether what was sent is what was stored or counted as lost.
report() {
	# shellcheck disable=SC2046 # numbers
	set -- "$1" $2 $(cat "$dir/sent") $(cat "$dir/stored")
	printf '%-13s %9d %7.0f %7.2f %9d %8d %9d %9d %7.1f %7.1f\n' "$1" \
		"$4" "$(awk "BEGIN { print $4 / $6 / 1000 }")" \
		"$(awk "BEGIN { print 100 * $2 / $3 }")" "$7" "$8" "$9" \
		"${10}" "$(awk "BEGIN { print $rss / 1024 }")" \
		"$(awk "BEGIN { print $now / 1024 }")"
	case $1 in
	data-full) [ $(($7 + $8)) -ge "$4" ] ;;
	connections | burst | cluster | scan | attempts)
		if [ "$8" -eq 0 ]; then # not a packet is missing
			[ "${10}" -eq "$5" ]
		else
			[ $((${10} + $8)) -ge "$5" ]
		fi
		;;
	esac || { echo "$1: of $4 packets and $5 connections some are lost" \
		"and not counted" && rc=1; }
}

# An API server of 5,000 pods, of which five a second are replaced.
serve() {
	python3 "$here/pods.py" list >"$dir/objects"
	: >"$dir/events"
	python3 "$here/../tests/e2e/live_net.py" api "$dir/objects" \
		"$dir/events" >"$dir/port" &
	python3 "$here/pods.py" churn >>"$dir/events" &
	until [ -s "$dir/port" ]; do sleep 0.05; done
	cat >"$dir/kubeconfig" <<-YAML
	current-context: test
	contexts: [{name: test, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster:
	  {server: "http://localhost:$(cat "$dir/port")"}}]
	users: [{name: u, user: {token: good}}]
	YAML
}

printf '%-13s %9s %7s %7s %9s %8s %9s %9s %7s %7s\n' case sent kpps cpu% \
	captured dropped put_out conns peakMiB rssMiB
for c in $cases; do
	case $c in
	idle) run idle -- idle ;;
	data-default) run $c --census 0 -- data "${kpps:-500}" "$seconds" 2000 ;;
	data-census) run $c -- data "${kpps:-500}" "$seconds" 2000 ;;
	data-full) run $c --depth full -- data "${kpps:-400}" "$seconds" 2000 ;;
	connections) run $c -- connections 2000 "$seconds" ;;
	cluster)
		serve
		run $c --cluster --kubeconfig "$dir/kubeconfig" --node node-0 \
			-- connections 2000 "$seconds" 4000
		;;
	burst) run $c --census 1s -- connections 20000 "$seconds" ;;
	attempts) run $c -- scan 2 $((seconds * 2000)) ;;
	scan) run $c -- scan 100 "${BENCH_LIVE_SOURCES:-1000000}" ;;
	*)
		echo "live.sh: no case named $c" >&2
		rc=2
		;;
	esac
done
exit $rc
