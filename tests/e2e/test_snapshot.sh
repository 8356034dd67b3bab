#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_snapshot.sh RINGFENCE
# `ringfence snapshot` against a server that plays recorded lists back, and
# `collect --snapshot` with what comes of it. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

serve
for token in good bad; do
	cat >$token <<-YAML
	current-context: test
	contexts: [{name: test, context: {cluster: c, user: u}}]
	clusters: [{name: c, cluster: {server: "http://127.0.0.1:$(cat port)"}}]
	users: [{name: u, user: {token: $token}}]
	YAML
done

"$ringfence" snapshot --kubeconfig good -o objects.json >out 2>err
verdict 'saves a cluster' $?
grep -q '11 pods, 8 services, 6 namespaces, 2 nodes' err
verdict 'says what is in it' $?
grep -qF 'rule {apiGroups: ["batch"], resources: ["jobs"]' err
verdict 'names the rule that is missing' $?
[ ! -s out ] && [ "$(ls objects.json*)" = objects.json ]
verdict 'leaves nothing else behind' $?
python3 - >err 2>&1 <<'PY'
import json
got = json.load(open("objects.json"))
kinds = {i["kind"] for i in got["items"]}
assert got["kind"] == "List" and len(got["items"]) == 46, len(got["items"])
assert all(i["apiVersion"] for i in got["items"])
assert {"Pod", "NetworkPolicy", "EndpointSlice"} <= kinds, kinds
assert not any("managedFields" in i["metadata"] for i in got["items"])
PY
verdict 'is a List as kubectl prints it' $?
KUBECONFIG=good "$ringfence" snapshot -q >again.json 2>err
cmp -s objects.json again.json
verdict 'prints the same without -o' $?
KUBECONFIG=good "$ringfence" snapshot -q -o - >again.json 2>err
[ $? -eq 0 ] && cmp -s objects.json again.json && [ ! -e ./- ]
verdict 'and with -o -' $?
ln -s target.json link.json
KUBECONFIG=good "$ringfence" snapshot -q -o link.json 2>err
[ $? -eq 0 ] && [ -h link.json ] && cmp -s objects.json target.json
verdict 'writes through a link' $?
"$ringfence" collect -q -r "$fixtures/nodes/one/any.pcap" \
    --snapshot objects.json --db flows.db >out 2>err
verdict 'collect reads it' $?
echo before >kept.json
"$ringfence" snapshot --kubeconfig bad -o kept.json >out 2>err
[ $? -eq 3 ] && [ "$(cat kept.json)" = before ] &&
    grep -q 'HTTP 401: Unauthorized' err && [ "$(ls kept*)" = kept.json ]
verdict 'a failure leaves the old file alone' $?
"$ringfence" snapshot --kubeconfig good --context prod >out 2>err
[ $? -eq 3 ] && grep -q 'no context "prod"; there are: test' err
verdict 'an unknown context' $?
HOME=$work "$ringfence" snapshot >out 2>err
[ $? -eq 3 ] && grep -q 'name one with --kubeconfig' err
verdict 'no kubeconfig at all' $?

finish
