#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_lint.sh RINGFENCE
# ringfence lint as people and code scanning meet it: formats, exit statuses,
# refusals, and no false alarm on policies that are well. Ends with
# "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
apps=$root/../shared/apps
ln -s "$fixtures" fixtures # short names in messages

# json EXPRESSION: is it true of the output, as d?
json() {
	python3 -c '
import json, re, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' "$work/out" "$1"
}

objects=fixtures/lint/objects.json
bad=fixtures/lint/RF009-bad.yaml

table() {
	run 1 lint -f $bad --snapshot $objects &&
	    has out 'RULE' "$bad:9" 'NetworkPolicy shop/p' 'app: wev' \
	    'write app: web' '1 error, 0 warnings, 0 notes.' '--explain RF009'
}
check 'table: where, what, why, mend' table

# A Service that the last List lacks is no more: it needs no mending, and has no
# address.
gone() {
	python3 - $objects >"$work/before.json" <<'PY'
import json, sys
whole = json.load(open(sys.argv[1]))
whole["items"].append({"apiVersion": "v1", "kind": "Service",
    "metadata": {"namespace": "shop", "name": "former"},
    "spec": {"selector": {"app": "former"}, "ports": [{"port": 80}],
        "clusterIP": "10.96.77.7"}})
json.dump(whole, sys.stdout)
PY
	{
		cat $bad
		echo '  ingress: [{from: [{ipBlock: {cidr: 10.96.77.7/32}}]}]'
	} >"$work/vip.yaml"
	run 1 lint -f "$work/vip.yaml" --snapshot "$work/before.json" &&
	    has out 'Service shop/former' 'RF027' &&
	    run 1 lint -f "$work/vip.yaml" --snapshot "$work/before.json" \
		--snapshot $objects &&
	    has out 'NetworkPolicy shop/p' && ! has out 'shop/former'
}
check 'a Service that is gone selects no pod, and is no finding' gone

plain_json() {
	run 1 lint -f $bad --snapshot $objects -o json && [ ! -s "$work/err" ] &&
	    json 'list(d) == ["findings", "summary"] and
		list(d["findings"][0]) == ["id", "severity", "file", "line",
		"object", "field", "reason", "mend"] and
		d["findings"][0]["line"] == 9 and d["summary"] == {
		"policies": 1, "errors": 1, "warnings": 0, "notes": 0}'
}
check 'json keeps its shape' plain_json

# Names are used more than once across the folder's files, so copy them.
all_at_once() {
	mkdir -p "$work/all" && n=0
	for f in fixtures/lint/RF*-bad*.yaml; do
		n=$((n + 1))
		sed "s/name: p\$/name: p$n/; s/name: \\([ab]\\)\$/name: \\1$n/" \
		    "$f" >"$work/all/${f##*/}"
	done
}
all_at_once

sarif_all() {
	(cd "$work" && "$ringfence" lint -f "$work/all" \
	    --snapshot $objects -o sarif >out 2>err)
	[ $? -eq 1 ] && sarif_shape
}
sarif_shape() {
	json 'd["version"] == "2.1.0" and "sarif-schema" in d["$schema"] and
		len(d["runs"]) == 1' &&
	    json 'd["runs"][0]["tool"]["driver"]["name"] == "ringfence" and
		all(r["shortDescription"]["text"] and r["help"]["text"] and
		r["defaultConfiguration"]["level"] in
		("error", "warning", "note")
		for r in d["runs"][0]["tool"]["driver"]["rules"])' &&
	    json '(lambda run: len(run["results"]) > 40 and all(
		run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] ==
		r["ruleId"] and r["level"] in ("error", "warning", "note") and
		r["message"]["text"] and
		(lambda p: p["artifactLocation"]["uri"].startswith("all/RF")
		and p["region"]["startLine"] > 0)(
		r["locations"][0]["physicalLocation"])
		for r in run["results"]))(d["runs"][0])' &&
	    json '(lambda f: len(set(f)) == len(f) and all(re.fullmatch(
		"[0-9a-f]{16}:[0-9]+", x) for x in f))([r[
		"partialFingerprints"]["primaryLocationLineHash"]
		for r in d["runs"][0]["results"]])'
}
check 'sarif: rules, results, relative paths, fingerprints' sarif_all

# Lines that move leave fingerprints alone.
prints() {
	"$ringfence" lint -f "$1" --snapshot $objects -o sarif 2>"$work/err" |
	    grep primaryLocationLineHash
}
fingerprint() {
	prints $bad >"$work/one"
	{ printf '# a\n# b\n'; cat $bad; } >"$work/moved.yaml"
	prints "$work/moved.yaml" >"$work/two"
	[ -s "$work/one" ] && cmp -s "$work/one" "$work/two"
}
check 'sarif: fingerprints stay when lines move' fingerprint

live() {
	run 1 lint -f fixtures/lint/RF031-bad.yaml --snapshot $objects -o sarif &&
	    has err '1 finding about live objects' &&
	    json 'd["runs"][0]["results"] == []' &&
	    run 1 lint -f fixtures/lint/RF031-bad.yaml --snapshot $objects &&
	    has out 'Service legacy/backend'
}
check 'sarif leaves out live objects and says so' live

note() {
	run 0 lint -f fixtures/lint/RF018-bad.yaml && has out '1 note' &&
	    run 1 lint --strict -f fixtures/lint/RF018-bad.yaml
}
check 'notes count with --strict only' note

clean() {
	run 0 lint -f fixtures/lint/RF009-good.yaml --snapshot $objects &&
	    [ "$(cat "$work/out")" = '0 errors, 0 warnings, 0 notes.' ]
}
check 'nothing to say, exit 0' clean

namespace() {
	run 0 lint --strict -n shop -f fixtures/lint/RF011-bad-2.yaml &&
	    run 1 lint --strict -f fixtures/lint/RF011-bad-2.yaml
}
check '-n says where policies belong' namespace

refused() {
	printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n' \
	    >"$work/refused.yaml"
	printf 'metadata: {name: a}\nspec: {podSelektor: {}}\n' \
	    >>"$work/refused.yaml"
	run 3 lint -f "$work/refused.yaml" && [ ! -s "$work/out" ] &&
	    has err 'podSelektor' 'a server would refuse' 'nothing was linted'
}
check 'refused policies are not linted' refused

explain() {
	run 0 lint --explain RF004 && has out 'RF004: ' 'Wrong:' 'Right:' &&
	    run 0 lint --explain rf004 && run 0 lint --explain all &&
	    [ "$(grep -c '^RF0' "$work/out")" -eq \
	    "$(grep -c '{ "RF' "$root/policy/lint_table.c")" ]
}
check 'explain one rule, and list all' explain

manual() {
	"$ringfence" lint --explain all --no-headers >"$work/out"
	sed 's/ .*//' "$work/out" | while read -r id; do
		grep -q "^\.It Cm $id\$" "$root/man/ringfence.1" || exit 1
	done
}
check 'the manual lists every rule' manual

usage() {
	run 2 lint && has err '-f FILE' 'usage' && run 2 lint --explain RF999 &&
	    has err "no rule 'RF999'" && run 2 lint -f x -o yaml &&
	    run 3 lint -f "$work/nowhere.yaml" && has err 'nowhere.yaml' &&
	    run 3 lint -f $bad --snapshot "$work/nowhere.json" &&
	    run 3 lint -f $bad --db "$work/nowhere.db"
}
check 'mistakes in the command line' usage

shop() {
	"$ringfence" collect -q -r fixtures/shop/capture-node-1.pcap \
	    -r fixtures/shop/capture-node-2.pcap \
	    --snapshot fixtures/shop/snapshot.json --db "$work/shop.db" \
	    >"$work/out" 2>"$work/err" &&
	    run 1 lint -f fixtures/shop/policies-broken.yaml --db "$work/shop.db" \
	    -o json &&
	    json '[(f["id"], f["object"]) for f in d["findings"]] == [
		("RF001", "NetworkPolicy shop/frontend"),
		("RF024", "NetworkPolicy shop/backend")]'
}
check 'shop: both mistakes, nothing else' shop

recommended() {
	"$ringfence" recommend --db "$work/shop.db" -A -o "$work/rec" \
	    >"$work/out" 2>"$work/err"
	[ "$(find "$work/rec" -name '*.yaml' | wc -l)" -gt 5 ] &&
	    run 0 lint --strict -R -f "$work/rec" --db "$work/shop.db"
}
check 'shop: recommended policies are clean' recommended

# They were compared with each other: 15 s, four times as much for twice as many.
many() {
	awk 'BEGIN {
		print "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":["
		for (i = 0; i <= 12000; i++)
			printf "%s{\"apiVersion\":\"networking.k8s.io/v1\"," \
			    "\"kind\":\"NetworkPolicy\",\"metadata\":{" \
			    "\"name\":\"p%d\",\"namespace\":\"n\"},\"spec\":{" \
			    "\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}," \
			    "\"policyTypes\":[\"Ingress\"],\"ingress\":[{" \
			    "\"from\":[{\"podSelector\":{\"matchLabels\":{" \
			    "\"a\":\"x%d\"}}}]}]}}", i ? "," : "", i, i % 12000
		print "]}"
	}' >"$work/many.json"
	(ulimit -t 8 && run 0 lint -f "$work/many.json" -o json) &&
	    json '[(f["id"], f["object"]) for f in d["findings"]
		if f["id"] == "RF021"] == [
		("RF021", "NetworkPolicy n/p12000")]'
}
check '12,000 policies that differ in a peer, and two that do not' many

# app NAME NAMESPACE STATUS EXPRESSION
app() {
	run "$3" lint -f "$apps/$1/manifests/policies.yaml" -n "$2" \
	    --snapshot "$apps/$1/snapshot.json" -o json && json "$4"
}
if [ -d "$apps" ]; then
	check 'argo-cd-ha: no false alarm' app argo-cd-ha argocd 0 \
	    'd["findings"] == []'
	check 'online-boutique: no false alarm' app online-boutique default \
	    0 'd["findings"] == []'
	check 'sock-shop: its two mistakes' app sock-shop sock-shop 1 \
	    '[(f["id"], f["object"].split("/")[1]) for f in d["findings"]
		if f["severity"] != "note"] == [("RF009", "cart-access"),
		("RF006", "carts-db-access"), ("RF016", "cortex-access")] and
		"name: carts" in d["findings"][0]["mend"]'
fi

finish
