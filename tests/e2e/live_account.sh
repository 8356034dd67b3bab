#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_account.sh RINGFENCE
# As in a pod: the API server is told by the environment and speaks TLS, token
# and CA are mounted, and both are replaced while the collector runs, confined
# as it is; the server is started anew with them, and then there is one more
# pod. Takes about ten seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"
command -v openssl >/dev/null || {
	echo "skipped: no openssl"
	echo "0 passed, 0 failed"
	exit 0
}
account=/var/run/secrets/kubernetes.io/serviceaccount

# authority N: a CA, which is mounted, and the server's certificate
authority() {
	(
		cd "$dir" || exit
		new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
		$new -x509 -subj "/CN=ca$1" -days 2 -keyout ca.key -out ca.crt &&
			$new -subj /CN=api -keyout api.key -out api.csr &&
			echo subjectAltName=IP:127.0.0.1 >api.ext &&
			openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key \
				-CAcreateserial -days 2 -extfile api.ext \
				-out api.crt
	) 2>/dev/null
	cat "$dir/api.key" >>"$dir/api.crt"
	# As kubelet does it: all at once.
	cp "$dir/ca.crt" "$account/ca.new" && mv "$account/ca.new" "$account/ca.crt"
}

token() { # NAME: the only one that is good from now on
	printf %s "$1" >"$dir/token"
	printf %s "$1" >"$account/new" && mv "$account/new" "$account/token"
}

serve() {
	API_PORT=6443 API_CERT=$dir/api.crt API_TOKEN=$dir/token \
		python3 "$here/live_net.py" api "$dir/cluster.json" \
		"$dir/events" >"$dir/port" 2>"$dir/err.api" &
	server=$!
	wait_for test -s "$dir/port"
}

pods() { # how many the database knows
	sqlite3 "$dir/f.db" 'SELECT count(*) FROM pod'
}
knows() {
	[ "$(pods)" = "$1" ]
}
up() { # VALUE
	[ "$(metric 'ringfence_watch_up{resource="pods"}')" = "$1" ]
}

ip link set lo up && mount -t tmpfs none /var/run && mkdir -p "$account" && {
	cat <<-END
	web-0 web 10.244.0.10 TCP/8080
	client-0 client 10.244.0.30 -
	END
} | python3 "$here/live_net.py" cluster >"$dir/cluster.json" ||
	{ echo "not ok setup"; echo "0 passed, 1 failed"; exit 1; }
: >"$dir/events"
authority 1
token first
printf shop >"$account/namespace"
serve
export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=6443
"$rf" collect -i any --cluster --node node-0 --interval 1s --db "$dir/f.db" \
	--listen 127.0.0.1:9797 >"$dir/out" 2>"$dir/err" &
collector=$!
wait_for grep -qs capturing "$dir/err"
result $? "in-cluster, over TLS"
grep -q '^Seccomp:	2' "/proc/$collector/status"
result $? "confined"
wait_for knows 2
result $? "the pods are known"
exec 9<"$rf"
unshare -m sh -c 'mount -t tmpfs -o ro none /tmp &&
	exec /proc/self/fd/9 snapshot -q' >"$dir/objects" 2>"$dir/err.ro"
[ $? -eq 0 ] && grep -q '"client-0"' "$dir/objects"
result $? "snapshot in the pod, whose root is read-only"
exec 9<&-

kill "$server"
wait "$server" 2>/dev/null
authority 2
token second
wait_for up 0
result $? "the server is gone: the watch is down"
printf '{"type":"ADDED","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"late","namespace":"shop","uid":"late","resourceVersion":"9"},"spec":{"nodeName":"node-0"},"status":{"phase":"Running","podIP":"10.244.0.99","startTime":"2026-01-01T00:00:00Z"}}}\n' \
	>>"$dir/events"
export API_AHEAD=-1000
serve
wait_for up 1 || wait_for up 1
result $? "it is back with another CA, and takes another token only"
wait_for knows 3
result $? "and what it tells is known"
# An answer that takes long makes it look ahead.
grep -qE 'clock is (9[5-9][0-9]|100[01]) s behind this node' "$dir/err" &&
	[ "$(metric ringfence_cluster_clock_ahead_seconds)" -lt -950 ]
result $? "its clock is another than ours: that is said"
if grep -qE 'HTTP 401|certificate' "$dir/err"; then
	false
fi
result $? "no request failed for lack of either"

# Somebody else's certificate is none.
kill "$server"
wait "$server" 2>/dev/null
cp "$account/ca.crt" "$dir/kept"
authority 3
cp "$dir/kept" "$account/ca.crt"
serve
wait_for grep -qs 'certificate' "$dir/err" || wait_for grep -q 'certificate' "$dir/err"
result $? "a server that another CA speaks for is not believed"
stop TERM
[ $status -eq 0 ]
result $? "SIGTERM: exit status 0"
live_end
