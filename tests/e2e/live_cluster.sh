#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_cluster.sh RINGFENCE
# `collect -i lo --cluster` against a server that plays recorded lists back and
# then has one more pod to tell of, in a network namespace of its own. Takes about
# ten seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"
lists=$(cd "$here/../../fixtures/nodes/one" && pwd)
cd "$dir" || exit 3

# With "nopods", pods are forbidden; jobs always are. What is not recorded is
# an empty list. The first watch of pods ends after two seconds, so that there
# is a second one, by a new connection; the event comes there.
cat >serve.py <<'PY'
import http.server, json, os, sys, time, urllib.parse
lists, forbidden, watched = sys.argv[1], sys.argv[2:], []
kinds = {"deployments": "apps/v1 Deployment", "daemonsets": "apps/v1 DaemonSet",
         "statefulsets": "apps/v1 StatefulSet", "cronjobs": "batch/v1 CronJob",
         "jobs": "batch/v1 Job"}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        pass
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def chunk(self, event):
        text = json.dumps(event).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()
    def watch(self, name):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if name == "pods" and not watched:
            watched.append(name)
            time.sleep(2)
            self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True
            return
        if name == "pods":
            pod = json.load(open(lists + "/pods.json"))["items"][0]
            pod.update(apiVersion="v1", kind="Pod")
            pod["metadata"].update(name="late", uid="late-uid",
                                   resourceVersion="20395")
            pod["status"].update(podIP="10.244.0.99",
                                 podIPs=[{"ip": "10.244.0.99"}])
            self.chunk({"type": "ADDED", "object": pod})
        time.sleep(60)
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        name = url.path.split("/")[-1]
        path = "%s/%s.json" % (lists, name)
        if self.headers.get("Authorization") != "Bearer good":
            self.answer(401, b'{"message":"Unauthorized"}')
        elif name in forbidden:
            self.answer(403, b'{"message":"%s is forbidden"}' % name.encode())
        elif "watch" in query:
            self.watch(name)
        elif os.path.exists(path):
            answer = json.load(open(path))
            if "fieldSelector" in query:
                node = query["fieldSelector"][0].split("spec.nodeName=")[1]
                answer["items"] = [pod for pod in answer["items"]
                                   if pod["spec"].get("nodeName") == node]
            self.answer(200, json.dumps(answer).encode())
        else:
            api, kind = kinds[name].split()
            self.answer(200, json.dumps({"kind": kind + "List",
                "apiVersion": api, "metadata": {"resourceVersion": "20394"},
                "items": []}).encode())
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
PY

serve() { # NAME FORBIDDEN...: its kubeconfig is NAME
	name=$1
	shift
	python3 serve.py "$lists" "$@" >"port.$name" &
	wait_for test -s "port.$name"
	cat >"$name" <<-YAML
	current-context: test
	contexts: [{name: test, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster:
	    {server: "http://localhost:$(cat "port.$name")"}}]
	users: [{name: u, user: {token: good}}]
	YAML
}

pods() { # DB CONDITION: how many
	sqlite3 "$1" "SELECT count(*) FROM pod WHERE $2" 2>>err
}

ip link set lo up || { echo "not ok lo"; echo "0 passed, 1 failed"; exit 1; }
serve good jobs
serve nopods pods
serve nonodes nodes

"$rf" collect -i lo --cluster --kubeconfig good --db f.db --node node-1 \
	--interval 1s --listen 127.0.0.1:9797 >out 2>err &
collector=$!
wait_for grep -qs capturing err
result $? 'captures once the cluster is known'
grep -qF 'rule {apiGroups: ["batch"], resources: ["jobs"]' err
result $? 'names the rule that is missing'
grep -q 'no pods' err
[ $? -eq 1 ]
result $? 'misses no pods'
knows_late() { [ "$(pods f.db "name = 'late'")" = 1 ]; }
wait_for knows_late
result $? 'a pod that came later is in the database'
[ "$(pods f.db 1)" -eq 13 ]
result $? 'and so are the others'
grep -q '^Seccomp:	2' "/proc/$collector/status"
result $? 'is confined'
python3 - >metrics 2>err.metrics <<'PY'
import urllib.request
url = "http://127.0.0.1:9797/metrics"
print(urllib.request.urlopen(url, timeout=20).read().decode())
PY
grep -qxF 'ringfence_watch_up{resource="pods"} 1' metrics &&
	grep -qxF 'ringfence_watch_up{resource="jobs"} 0' metrics &&
	grep -q '^ringfence_watch_last_event_.*{resource="pods"} [1-9]' metrics
result $? 'metrics say how the watches are'
kill -TERM "$collector"
wait "$collector"
result $? 'SIGTERM ends it with 0'
[ "$(grep -c 'jobs: forbidden' err)" -eq 1 ] && ! grep -q 'well again' err
result $? 'says it once'
"$rf" check --db f.db -f "$lists/networkpolicies.json" data/late data/db-0 \
	--port 5432 >out 2>err
[ $? -le 1 ]
result $? 'check finds the pod by name'

"$rf" collect -i lo --cluster --kubeconfig nopods --db none.db >out 2>err
[ $? -eq 3 ] && grep -q 'pods: forbidden; the ClusterRole lacks' err &&
	grep -q 'would count as external' err
result $? 'without pods it does not start'
rm -f err # what the last one said
"$rf" collect -i lo --cluster --kubeconfig nopods --db f.db >out 2>err &
collector=$!
wait_for grep -qs capturing err
grep -q 'going on with the ranges and Services that the database' err
result $? 'but with what the database knows it does'
kill -TERM "$collector"
wait "$collector"
result $? 'and ends with 0'
cp f.db before.db && sqlite3 before.db 'UPDATE coverage
	SET from_us = from_us / 1000000, to_us = to_us / 1000000' 2>>err
"$rf" collect -i lo --cluster --kubeconfig nopods --db before.db >out 2>err
[ $? -eq 3 ] && grep -q 'last written before this node was started' err
result $? 'unless the node was started since'

rm -f err
"$rf" collect -i lo --cluster --kubeconfig good --db node.db --node node-a \
	--watch=node --interval 1s >out 2>err &
collector=$!
wait_for grep -qs capturing err
knows_late() { [ "$(pods node.db "name = 'late'")" = 1 ]; }
wait_for knows_late
kill -TERM "$collector"
wait "$collector" && [ "$(pods node.db "name <> 'late'")" = 11 ]
result $? 'the pods of one node'
"$rf" collect -i lo --cluster --kubeconfig nonodes --db none.db --node node-a \
	--watch=node >out 2>err
[ $? -eq 3 ] && grep -q 'no node has spec.podCIDRs' err
result $? 'of which others could not be told from the world outside'

cat >plugin <<-YAML
current-context: test
contexts: [{name: test, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {command: get-token, interactiveMode: Never,
    apiVersion: client.authentication.k8s.io/v1}}}]
YAML
"$rf" collect -i lo --cluster --kubeconfig plugin --db none.db >out 2>err
[ $? -eq 3 ] && grep -q 'get-token, which cannot run' err
result $? 'a program for credentials is refused'

usage() { # TEXT OPTION...
	text=$1
	shift
	"$rf" collect --db none.db "$@" >out 2>err
	[ $? -eq 2 ] && grep -qF -- "$text" err
	result $? "usage: $*"
}
usage 'with -i, not -r' -r x.pcap --cluster
usage 'not both' -i lo --cluster --snapshot good
usage '--node' -i lo --cluster --watch=node
usage 'go with --cluster' -i lo --context test

live_end
