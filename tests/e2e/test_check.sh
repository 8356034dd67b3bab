#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_check.sh RINGFENCE
# ringfence check and ringfence diff as people use them, and probes whose
# verdicts were worked out by hand (fixtures/check). Ends with
# "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# says NAME STATUS FILE TEXT ARG...: FILE holds TEXT after ringfence ARG...
says() {
	name=$1
	want=$2
	file=$3
	text=$4
	shift 4
	run "$want" "$@" && has "$file" "$text"
	verdict "$name" $?
}

: >in
s=$fixtures/shop/snapshot.json
p=$fixtures/shop/policies-broken.yaml
ask() {
	name=$1
	want=$2
	text=$3
	shift 3
	says "$name" "$want" out "$text" check --snapshot "$s" -f "$p" "$@"
}

# One connection.
ask 'workload to workload' 1 'port 8081 is not 8080' \
    shop/deploy/frontend shop/Deployment/backend --port 8081
ask 'what would mend it' 1 \
    'add {protocol: TCP, port: 8081} to the ports of ingress rule 1' \
    shop/deploy/frontend shop/deploy/backend --port 8081
ask 'allowed, and by which rule' 0 'allowed by shop/frontend, ingress rule 2' \
    monitoring/sts/prometheus shop/deploy/frontend --port 9102
ask 'denied on one side only' 1 'allowed by shop/backend, ingress rule 1' \
    shop/deploy/frontend shop/deploy/backend --port 8080
ask '53: a Service at its target port' 1 'TCP/8081' \
    shop/deploy/frontend svc/shop/backend --port 8080
ask 'nobody isolates' 0 'no policy isolates kube-system/' \
    203.0.113.9 kube-system/deploy/coredns --port 53 --protocol UDP
ask 'from outside, in JSON' 1 '"suggestion": "add ' \
    203.0.113.9 shop/deploy/backend --port 8080 -o json
ask 'to outside' 1 'ipBlock: {cidr: "203.0.113.9/32"}' \
    shop/deploy/frontend 203.0.113.9 --port 443

# Mistakes.
bad() {
	name=$1
	want=$2
	text=$3
	shift 3
	run "$want" check --snapshot "$s" -f "$p" "$@" && [ ! -s out ] &&
		has err "$text"
	verdict "$name" $?
}
bad 'no destination' 2 'two ends' shop/deploy/frontend --port 80
bad 'no port' 2 'which --port' shop/deploy/frontend shop/deploy/backend
bad 'a workload, taken for a pod' 3 'the Deployment is shop/Deployment/front' \
    shop/frontend 10.0.0.1 --port 80
bad 'no form of ours' 2 'is none of NS/POD' frontend 10.0.0.1 --port 80
bad 'a range' 2 'is a range; ask about an address' \
    shop/deploy/frontend 192.0.2.0/24 --port 80
bad 'the DNS name of a Service' 2 'the Service is svc/shop/backend' \
    shop/deploy/frontend backend.shop.svc.cluster.local --port 80
bad 'workload misspelt' 3 'did you mean frontend?' \
    shop/deploy/fronted 10.0.0.1 --port 80
bad 'namespace misspelt' 3 'did you mean shop?' \
    shp/deploy/frontend 10.0.0.1 --port 80
bad 'no such Service port' 3 'it has TCP/' \
    shop/deploy/frontend svc/shop/backend --port 1
bad 'probes and operands' 2 'no SRC' --probes - 10.0.0.1 --port 80
bad 'probes that are not there' 3 'nothing.jsonl' --probes nothing.jsonl
says 'no cluster' 2 err 'which cluster?' check -f "$p" a/b a/c --port 1
says 'no policies' 2 err 'which policies?' check -s "$s" a/b a/c --port 1
says 'standard input twice' 2 err 'only once' \
    check -s "$s" -f - --probes - -o json

# Probes: each line of want is "egress ingress verdict" of the same line.
c=$fixtures/check
run 1 check --snapshot "$c/snapshot.json" -f "$c/policies.yaml" -n here \
    --probes "$c/probes.jsonl" -o json
verdict 'probes: exit status' $?
sed 's/^{"egress":"\([a-z]*\)","ingress":"\([a-z]*\)","verdict":"\([a-z]*\)",.*/\1 \2 \3/' \
    out >have
sed -n 's/.*"want":"\([a-z ]*\)".*/\1/p' "$c/probes.jsonl" >want
paste -d '|' have want "$c/probes.jsonl" |
    awk -F '|' '$1 != $2 { print; bad = 1 } END { exit bad || !NR }' >out
verdict 'probes: every verdict' $?
printf '{"src":"10.0.0.1","dst":"10.0.0.2","port":1}\n{"src":1}\n' >in
says 'probes: a bad line' 3 err 'standard input:2: src: ' \
    check --snapshot "$s" -f "$p" --probes - -o json
[ "$(wc -l <out)" -eq 1 ]
verdict 'probes: answers before the bad line' $?

# What the API leaves open: hostNetwork pods (6), clients whose address a node
# may have rewritten (39), a pod that reaches itself by its Service (49).
cat >open.json <<'END'
{"kind": "List", "apiVersion": "v1", "items": [
{"kind": "Pod", "apiVersion": "v1",
 "metadata": {"namespace": "a", "name": "web", "labels": {"app": "web"}},
 "spec": {"nodeName": "n1", "containers": [{"name": "c"}]},
 "status": {"phase": "Running", "hostIP": "10.9.0.1",
  "podIPs": [{"ip": "10.0.0.5"}]}},
{"kind": "Pod", "apiVersion": "v1",
 "metadata": {"namespace": "a", "name": "agent", "labels": {"app": "agent"}},
 "spec": {"nodeName": "n2", "hostNetwork": true, "containers": []},
 "status": {"phase": "Running", "hostIP": "10.9.0.2",
  "podIPs": [{"ip": "10.9.0.2"}]}},
{"kind": "Service", "apiVersion": "v1",
 "metadata": {"namespace": "a", "name": "web"},
 "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.1",
  "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": 30080}]},
 "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.5"}]}}},
{"kind": "Service", "apiVersion": "v1",
 "metadata": {"namespace": "a", "name": "other"},
 "spec": {"type": "ExternalName", "externalName": "example.com"}},
{"kind": "Service", "apiVersion": "v1",
 "metadata": {"namespace": "a", "name": "each"},
 "spec": {"clusterIP": "None", "selector": {"app": "web"},
  "ports": [{"port": 80}]}}]}
END
cat >open.yaml <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: a}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: agent}}}]}]
END
open() {
	name=$1
	want=$2
	text=$3
	shift 3
	says "$name" "$want" out "$text" check -s open.json -f open.yaml \
	    --port 80 "$@"
}
open '6b: a hostNetwork pod is its node' 1 'uses hostNetwork: it is its node' \
    a/agent a/web
open '6a: or a pod like all others' 0 'allowed by a/web, ingress rule 1' \
    a/agent a/web --see-host-network
open '6a: that is isolated, too' 1 'isolated by a/web' \
    203.0.113.9 a/agent --see-host-network
open '39: a client that a node may hide' 1 \
    'without externalTrafficPolicy Local' 203.0.113.9 svc/a/web
open '39: said in JSON, too' 1 \
    "may arrive with a node's address, and they judge that\"" \
    203.0.113.9 203.0.113.5 -o json
open '54: no family in common is said in JSON, too' 0 \
    '"note": "the ends have no address family in common"' \
    a/web fd00::1 -o json
tagged=$(printf 'p\363\240\200\201.yaml')
sed 's|podSelector: {matchLabels.*|ipBlock: {cidr: 203.0.113.0/24}}]}]|' \
    open.yaml >"$tagged"
echo '{"src": "203.0.113.9", "dst": "10.0.0.5", "port": 443}' >in
says 'a probe: what is beyond four digits, in two escapes' 0 out \
    'p\udb40\udc01.yaml' \
    check -s open.json -f "$tagged" --probes - -o json
: >in
{
	sed 1q open.json
	echo '{"kind": "Pod", "apiVersion": "v1", "metadata":' \
		'{"namespace": "a", "name": "bare"}, "spec":' \
		'{"nodeName": "n2", "containers": []}, "status":' \
		'{"phase": "Running", "podIPs": [{"ip": "10.0.0.7"}]}},'
	sed 1d open.json
} >bare.json
says 'what is proposed means more than a pod without labels' 1 out \
    'a/bare has no label, so this allows every pod of its namespace' \
    check -s bare.json -f open.yaml a/bare a/web --port 80
labels='"y": "on", "a": "1e3", "x": "0x10", "z": "web"'
sed "s/\"name\": \"bare\"/&, \"labels\": {$labels}/" bare.json >odd.json
says 'what is proposed is text to every reader of YAML' 1 out \
    '{podSelector: {matchLabels: {a: "1e3", x: "0x10", "y": "on", z: web}}}' \
    check -s odd.json -f open.yaml a/bare a/web --port 80
says '53: a nodePort is the Service, for pods as well' 0 out \
    "may arrive with a node's address" check -s open.json -f open.yaml \
    a/web 10.9.0.2 --port 30080
says '53: the pod is judged, at its own port' 1 out 'a/web (10.0.0.5) TCP/80' \
    check -s open.json -f open.yaml 203.0.113.9 10.9.0.2 --port 30080
says 'another port of the node is the node' 0 out '(node n2) TCP/30081' \
    check -s open.json -f open.yaml 203.0.113.9 10.9.0.2 --port 30081
says 'a Service that is a name' 3 err 'give an address of that name' \
    check -s open.json -f open.yaml a/web svc/a/other --port 80
run 0 check -s open.json -f open.yaml a/web svc/a/each --port 80 &&
    has out 'always reach itself' && ! grep -q 'judge differently' out
verdict '49: a headless Service translates nothing' $?
open '49: a pod behind its own Service' 0 'that reaches itself through its' \
    a/web svc/a/web
sed 's/"LoadBalancer", /"LoadBalancer", "externalTrafficPolicy": "Local", /' \
    open.json >local.json
run 1 check -s local.json -f open.yaml 203.0.113.9 svc/a/web --port 80 &&
    has out 'policies see the pods behind' && ! grep -q 'Local' out
verdict '39: nothing is open with externalTrafficPolicy Local' $?

# diff
: >in
awk 'BEGIN {
	print "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": ["
	for (i = 0; i < 317; i++)
		printf "%s{\"kind\": \"Pod\", \"apiVersion\": \"v1\", " \
		    "\"metadata\": {\"namespace\": \"a\", \"name\": \"p%d\", " \
		    "\"labels\": {\"app\": \"p%d\"}}, \"spec\": " \
		    "{\"containers\": [{\"name\": \"c\", \"ports\": " \
		    "[{\"containerPort\": 80}]}]}, \"status\": {\"phase\": " \
		    "\"Running\", \"podIPs\": [{\"ip\": \"10.0.%d.%d\"}]}}", \
		    i ? "," : "", i, i, i / 200, 1 + i % 200
	print "]}"
}' >many.json
sed 's/ingress: .*/ingress: []/' open.yaml >shut.yaml
sed 's/ingress: .*/ingress: [{}]/' open.yaml >wide.yaml
run 1 diff wide.yaml shut.yaml -s many.json -o json &&
    has out '"pairsNewlyDenied": 100489' &&
    has out '"pairsLeftOut": 489' && has err '100489 pairs change' &&
    [ "$(grep -c '"change": "newly-denied"' out)" -eq 100000 ]
verdict 'diff: more pairs than are kept is said' $?
says 'diff: the same' 0 out '3 the same' diff "$p" "$p"
sed 's/port: 8080/port: 8081/' "$p" >other.yaml
says 'diff: changed' 1 out '+ ingress from shop/app=frontend: TCP/8081' \
    diff "$p" other.yaml
says 'diff: pairs' 1 out 'newly allowed' diff "$p" other.yaml -s "$s"
says 'diff: JSON' 1 out '"kind": "changed"' diff "$p" other.yaml -o json
cat >six.json <<'END'
{"kind": "List", "apiVersion": "v1", "items": [
{"kind": "Pod", "apiVersion": "v1",
 "metadata": {"namespace": "six", "name": "web", "labels": {"app": "web"}},
 "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]},
 "status": {"phase": "Running", "podIPs": [{"ip": "fd00::5"}]}},
{"kind": "Pod", "apiVersion": "v1",
 "metadata": {"namespace": "six", "name": "old", "labels": {"app": "old"}},
 "spec": {"containers": [{"name": "c"}]},
 "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.5"}]}}]}
END
for from in '{ipBlock: {cidr: "::/0"}}' '{podSelector: {}}'; do
	cat <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: six}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [$from]}]
END
done | split -l 6 - six.
says 'diff: pairs of IPv6' 1 out 'newly denied   outside   six/pod/web' \
    diff six.aa six.ab -s six.json
says 'diff: no pairs across families' 1 out ': 1 newly denied, 0 newly' \
    diff six.aa six.ab -s six.json
run 0 collect -q -r "$fixtures/shop/capture-node-1.pcap" \
    "$fixtures/shop/capture-node-2.pcap" --snapshot "$s" --db shop.db
says 'diff: edges' 1 out 'observed edges change verdict; B would drop' \
    diff other.yaml "$p" --db shop.db
says 'diff: edges in JSON' 1 out '"b": "would-drop"' \
    diff other.yaml "$p" --db shop.db -o json
cp "$p" in
says 'diff: standard input' 0 out '3 the same' diff - "$p"
: >in
says 'diff: one set' 2 err '1 given' diff "$p"
says 'diff: no such file' 3 err 'nothing.yaml' diff "$p" nothing.yaml
printf 'kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n' >bad.yaml
says 'diff: refused' 3 err 'nothing was compared' diff "$p" bad.yaml
says 'check: what a kubectl that failed left' 3 err 'empty, where kubectl' \
    check --snapshot /dev/null -f "$p" 192.0.2.1 192.0.2.2 --port 80
echo '{"apiVersion": "v1", "kind": "List", "items": []}' >none.json
says 'check: a cluster of nothing' 0 err 'there is no pod in' \
    check --snapshot none.json -f "$p" 192.0.2.1 192.0.2.2 --port 80
python3 - "$shop/snapshot.json" >before.json <<'PY'
import json, sys
whole = json.load(open(sys.argv[1]))
for item in whole["items"]:
    if item["kind"] == "Service" and item["metadata"]["name"] == "database":
        former = json.loads(json.dumps(item))
        former["metadata"].update(name="former", uid="former")
        former["spec"].update(clusterIP="10.96.77.7", clusterIPs=["10.96.77.7"])
whole["items"].append(former)
json.dump(whole, sys.stdout)
PY
for to in svc/shop/former 10.96.77.7; do
	says "check: a Service that is gone: $to" 3 err \
	    'Service shop/former is gone' \
	    check --snapshot before.json --snapshot "$shop/snapshot.json" \
	    -f "$p" shop/deploy/frontend "$to" --port 5432
done
mkdir none
says 'diff: a folder of nothing' 3 err 'nor any other object, in none' \
    diff none "$p"
says 'diff: a list of nothing' 1 err 'there is no NetworkPolicy in none.json' \
    diff none.json "$p"
says 'check: a list of nothing' 0 err 'there is no NetworkPolicy in' \
    check --db shop.db -f none.json 192.0.2.1 192.0.2.2 --port 80
says 'check: a folder of nothing' 3 err 'nor any other object, in none' \
    check --db shop.db -f none 192.0.2.1 192.0.2.2 --port 80
mkdir -p deep/shop && cp "$p" deep/shop/p.yaml
says 'check: policies in a folder of the folder' 3 err 'are read with -R' \
    check --db shop.db -f deep 192.0.2.1 192.0.2.2 --port 80
says 'validate: policies in a folder of the folder' 3 err 'are read with -R' \
    validate -f deep
says 'check --db' 0 out 'allowed by shop/frontend' check --db shop.db -f "$p" \
    monitoring/sts/prometheus shop/deploy/frontend --port 9102

finish
