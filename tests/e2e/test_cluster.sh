#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_cluster.sh RINGFENCE
# --cluster of the commands that read policies and objects from the API server
# once: the same as with files, and every way to fail. Ends with "N passed, N
# failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

serve
config() { # FILE URL TOKEN
	cat >"$1" <<-YAML
	current-context: test
	contexts: [{name: test, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster: {server: "$2"}}]
	users: [{name: u, user: {token: $3}}]
	YAML
}
for token in good poor bad; do
	config $token "http://127.0.0.1:$(cat port)" $token
done
config tls "https://127.0.0.1:$(cat port)" good
config nobody "http://127.0.0.1:1" good

"$ringfence" collect -q -r "$fixtures"/shop/capture-node-*.pcap \
    --snapshot "$fixtures/shop/snapshot.json" --db flows.db >out 2>err
verdict 'a database to ask' $?
policies=$fixtures/kube/list-networkpolicies.json
"$ringfence" snapshot -q --kubeconfig good -o objects.json >out 2>err
verdict 'a snapshot to compare with' $?

# same NAME STATUS WITH-CLUSTER -- WITH-FILES: the same output either way, but
# for where the policies came from.
same() {
	name=$1
	want=$2
	live=$3
	run "$want" $live --kubeconfig good
	bad=$?
	sed "s|the cluster:1|FILE|g; s|$policies:[0-9]*|FILE|g" out >live
	shift 4
	run "$want" "$@"
	bad=$((bad + $?))
	sed "s|the cluster:1|FILE|g; s|$policies:[0-9]*|FILE|g" out >files
	[ -s live ] && cmp -s live files && [ $bad -eq 0 ]
	verdict "$name" $?
}
same 'audit' 0 'audit --db flows.db --cluster' -- \
    audit --db flows.db -f "$policies"
same 'flows with verdicts' 0 'flows --db flows.db --cluster' -- \
    flows --db flows.db -f "$policies"
same 'lint with objects' 1 'lint --cluster --no-headers' -- \
    lint -f "$policies" --snapshot objects.json --no-headers
same 'check' 0 'check --cluster 10.9.9.9 shop/deploy/web --port 80' -- \
    check --snapshot objects.json -f "$policies" 10.9.9.9 shop/deploy/web \
    --port 80
same 'recommend beside what is there' 0 \
    'recommend --db flows.db -n shop --incremental --cluster' -- \
    recommend --db flows.db -n shop --incremental --existing "$policies"
run 0 diff --cluster "$policies" --kubeconfig good
verdict 'diff finds that the cluster is as the file says' $?
run 1 diff --cluster "$fixtures/shop/policies-broken.yaml" --kubeconfig good &&
    grep -q '^only in A  data/default-deny' out &&
    grep -q '^only in B  shop/' out
verdict 'diff: the cluster is A' $?
run 1 lint --cluster -f "$fixtures/shop/policies-broken.yaml" \
    --kubeconfig good && ! grep -q 'the cluster:' out
verdict 'lint: policies of a file with the objects of the cluster' $?

for command in 'audit --db flows.db' 'flows --db flows.db' lint \
    'recommend --db flows.db -A' "diff $policies"; do
	word=${command%% *}
	run 3 $command --cluster --kubeconfig bad &&
	    grep -q 'HTTP 401: Unauthorized' err && [ ! -s out ]
	verdict "$word: 401" $?
	# shellcheck disable=SC2086 # a command line
	run 3 $command --cluster --kubeconfig poor && [ ! -s out ] &&
	    grep -qF 'resources: ["networkpolicies"], verbs: ["list",' err
	verdict "$word: 403 names the rule" $?
done
run 3 audit --db flows.db --cluster --kubeconfig tls && [ ! -s out ] &&
    grep -qE 'https://127.0.0.1:[0-9]*: .*(SSL|certificate)' err
verdict 'a TLS failure' $?
run 3 audit --db flows.db --cluster --kubeconfig nobody && [ ! -s out ] &&
    grep -qi 'http://127.0.0.1:1: .*connect' err
verdict 'nobody there' $?
HOME=$work run 3 audit --db flows.db --cluster &&
    grep -q 'name one with --kubeconfig' err
verdict 'no kubeconfig at all' $?
run 2 audit --db flows.db --cluster -f "$policies" &&
    run 2 audit --db flows.db -f "$policies" --context test &&
    grep -q -- '--context is of no use without --cluster' err &&
    run 2 recommend --db flows.db -A --existing "$policies" --cluster &&
    run 2 diff --cluster a b && run 2 lint --cluster --snapshot objects.json
verdict 'what does not go together' $?

finish
