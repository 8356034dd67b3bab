#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_audit.sh RINGFENCE
# audit, and the verdicts of flows -f, as people and pipelines meet them: what
# is unused, exit statuses, filters, formats, hostile names, narrow terminals.
# Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# json EXPRESSION: is it true of the output, as d?
json() {
	python3 -c '
import json, sys
d = json.load(open("out"))
sys.exit(0 if eval("(" + sys.argv[1] + ")") else 1)' "$1"
}

# policy NAME SPEC: one, in namespace shop, on standard output.
policy() {
	printf '%s\n' --- 'apiVersion: networking.k8s.io/v1' \
	    'kind: NetworkPolicy' "metadata: {name: $1, namespace: shop}" \
	    "spec: $2"
}

broken=$shop/policies-broken.yaml
run 0 collect -q -r "$shop/capture-node-1.pcap" \
    -r "$shop/capture-node-2.pcap" --snapshot "$shop/snapshot.json" \
    --db shop.db
check 'collect the shop' test -s shop.db

# ------------------------------------------------------------ what is unused
{
	policy frontend '{podSelector: {matchLabels: {app: frontend}},
  ingress: [{}, {ports: [{port: 4711}]}]}'
	policy nobody '{podSelector: {matchLabels: {app: frontent}}}'
	policy unused '{podSelector: {matchLabels: {app: backend}},
  policyTypes: [Egress],
  egress: [{ports: [{port: 1}]}, {ports: [{port: 2}]}]}'
} >unused.yaml
unused_json() {
	run 1 audit --db shop.db -f unused.yaml -o json && json '
	    d["unused"]["policies"] == ["shop/unused"] and
	    d["unused"]["rules"] == ["shop/frontend ingress[1]",
	    "shop/unused egress[0]", "shop/unused egress[1]"] and
	    d["selectsNothing"] == ["shop/nobody"] and
	    0 < d["unused"]["observed"]["seconds"] < 86400 and
	    d["unused"]["observed"]["from"] < d["unused"]["observed"]["to"]'
}
check 'unused policies and rules, and idle policies, as JSON' unused_json
unused_table() {
	run 1 audit --db shop.db -f unused.yaml &&
	    has out 'Rules that nothing used in ' \
		'shop/unused: all 2 rules (unused.yaml:' \
		'shop/frontend: ingress rule 2 (unused.yaml:6)' \
		'Policies that select no pod:' \
		'shop/nobody: no pod that is known has such labels' &&
	    ! grep -q 'shop/unused: egress rule' out
}
check 'the same as a table, with places' unused_table
own() {
	run 0 recommend --db shop.db -n shop -o own &&
	    run 0 audit --db shop.db -R -f own -n shop -o json &&
	    json 'not [r for r in d["unused"]["rules"] if "-dns " not in r]
	    and d["selectsNothing"] == []'
}
check 'our own policies have no rule that nothing used' own
elsewhere() {
	run 0 audit --db shop.db -f unused.yaml -n monitoring -o json &&
	    json 'd["unused"]["rules"] == [] and d["selectsNothing"] == []
	    and d["edges"]'
}
check '-n says nothing of policies elsewhere' elsewhere
filtered() {
	run 1 audit --db shop.db -f unused.yaml -o json && cp out all &&
	    run 0 audit --db shop.db -f unused.yaml --port 8081 -o json &&
	    python3 -c '
import json
a, d = json.load(open("all")), json.load(open("out"))
assert a["unused"] == d["unused"]
assert 0 < len(d["edges"]) < len(a["edges"])
assert all(8081 in (e["port"], (e["service"] or {}).get("port"))
           for e in d["edges"])
assert d["summary"]["edges"] <= len(d["edges"])'
}
check 'a filter hides edges, not what they use' filtered

# ------------------------------------------------------------- exit statuses
policy deny '{podSelector: {}}' >deny.yaml
policy none '{podSelector: {matchLabels: {app: nobody}}}' >none.yaml
check '--fail-on would-drop is the default' \
    run 1 audit --db shop.db -f deny.yaml
check '--fail-on would-drop' \
    run 1 audit --db shop.db -f deny.yaml --fail-on would-drop
check '--fail-on unknown fails on would-drop as well' \
    run 1 audit --db shop.db -f deny.yaml --fail-on unknown
check '--fail-on never' run 0 audit --db shop.db -f deny.yaml --fail-on never
sqlite3 guessed.db ".restore shop.db"
sqlite3 guessed.db "update flow set certainty = 2"
fail_on_unknown() {
	run 0 audit --db guessed.db -f deny.yaml -o json &&
	    json 'd["summary"]["unknown"] > 0 == d["summary"]["wouldDrop"]' &&
	    run 1 audit --db guessed.db -f deny.yaml --fail-on unknown &&
	    run 0 audit --db guessed.db -f deny.yaml --fail-on never
}
check '--fail-on unknown without would-drop' fail_on_unknown
check '--fail-on something else is a mistake' \
    run 2 audit --db shop.db -f deny.yaml --fail-on always

# -------------------------------------------------------------------- filters
workload() {
	for path in shop/frontend shop/deployment/frontend \
	    shop/Deployment/frontend shop/deploy/frontend; do
		run 1 audit --db shop.db -f "$broken" --workload "$path" \
		    -o json && json 'd["edges"] and all("frontend" in
		    (e["src"].get("name"), e["dst"].get("name"))
		    for e in d["edges"])' || return 1
	done
}
check 'audit --workload, with and without kind' workload
workload_unknown() {
	run 2 audit --db shop.db -f deny.yaml --workload shop/fronted &&
	    has err "did you mean 'shop/frontend'?" && [ ! -s out ] &&
	    run 2 flows --db shop.db --workload shop/statefulset/frontend &&
	    has err 'is not in the database' &&
	    run 2 flows --db shop.db --workload frontend &&
	    has err 'NAMESPACE/NAME'
}
check 'a workload that is not there is a mistake' workload_unknown
selected() {
	run 1 audit --db shop.db -f "$broken" -n shop -l app=frontend \
	    -o json && json 'd["edges"] and all("frontend" in
	    (e["src"].get("name"), e["dst"].get("name"))
	    for e in d["edges"])' && cp out by-label &&
	    run 1 audit --db shop.db -f "$broken" -o json \
		--selector 'app in (frontend, nobody),!absent' &&
	    cmp -s out by-label
}
selector_mistakes() {
	run 2 flows --db shop.db -l 'app=frontend,' &&
	    has err "a key is missing at its end" && [ ! -s out ] &&
	    run 2 audit --db shop.db -f deny.yaml -l 'n>5' &&
	    has err 'numbers are not compared' &&
	    run 2 audit --db shop.db -f deny.yaml -l app=nobody &&
	    has err 'selects no pod' &&
	    run 2 flows --db shop.db -n monitoring -l app=frontend &&
	    has err 'in what -n names'
}
check '-l: edges of whom labels select' selected
check '-l: what selects nobody is a mistake' selector_mistakes
outcome() {
	run 0 audit --db shop.db -f deny.yaml --outcome refused -o json &&
	    json '{e["outcome"] for e in d["edges"]} == {"refused"} and
	    d["summary"]["edges"] == 0 and d["summary"]["notTraffic"] > 0' &&
	    run 2 audit --db shop.db -f deny.yaml --outcome lost
}
check 'audit --outcome' outcome
nothing() {
	run 0 audit --db shop.db -f deny.yaml --port 1 &&
	    has err 'nothing was audited' &&
	    run 2 audit --db shop.db -f deny.yaml -n nowhere &&
	    has err "'nowhere' is not in the database"
}
check 'an audit of nothing says so' nothing

# ---------------------------------------------------------------- flows -f
flows_json() {
	run 1 audit --db shop.db -f "$broken" -o json && cp out audit.json &&
	    run 0 flows --db shop.db -f "$broken" -o json && python3 -c '
import json
def rows(name):
    return [(e["src"], e["dst"], e["port"], e["outcome"], e["verdict"],
             e["reason"]) for e in json.load(open(name))["edges"]]
assert rows("out") == rows("audit.json")
assert any(r[4] == "would-drop" for r in rows("out"))'
}
check 'flows -f: the verdicts of audit, as JSON' flows_json
flows_csv() {
	run 0 flows --db shop.db -f "$broken" -o csv && python3 -c '
import csv
rows = list(csv.DictReader(open("out", newline="")))
assert {"would-drop", "allowed"} <= {r["verdict"] for r in rows}
assert list(rows[0])[-2:] == ["verdict", "reason"]' &&
	    run 0 flows --db shop.db -o csv && ! grep -q verdict out
}
check 'flows -f: a column of the CSV, and only then' flows_csv
flows_table() {
	run 0 flows --db shop.db -f "$broken" &&
	    head -n 1 out | grep -q '^VERDICT  *SOURCE ' &&
	    grep -q '^would-drop  ' out && run 0 flows --db shop.db &&
	    head -n 1 out | grep -q '^SOURCE '
}
check 'flows -f: the first column of the table' flows_table
flows_refused() {
	printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n' \
	    >bad.yaml
	run 3 flows --db shop.db -f bad.yaml && [ ! -s out ] &&
	    has err 'nothing was listed'
}
check 'flows -f: refused policies' flows_refused

# -------------------------------------------------------------------- formats
markdown() {
	run 1 audit --db shop.db -f "$broken" -o markdown &&
	    head -n 1 out | grep -q '^### NetworkPolicy audit: [0-9]* of' &&
	    has out '| Source | Destination |' 'Observed from ' \
		'<code>shop/deployment/frontend</code>' &&
	    python3 -c '
rows = [l for l in open("out") if l.startswith("|")]
assert len(rows) > 2 and len({l.count("|") for l in rows[:3]}) == 1'
}
check 'markdown: summary and table' markdown
markdown_clean() {
	run 0 audit --db shop.db -R -f own -o markdown &&
	    has out 'nothing that was observed would be dropped' &&
	    ! grep -q '^| Source' out
}
check 'markdown: nothing to report' markdown_clean
sarif() {
	cp "$broken" here.yaml && cat unused.yaml >>here.yaml &&
	    sed -i 's/name: frontend, /name: frontend2, /' here.yaml &&
	    run 1 audit --db shop.db -f here.yaml -o sarif && json '
	    d["version"] == "2.1.0" and
	    {r["ruleId"] for r in d["runs"][0]["results"]} >=
	    {"RFA01", "RFA03", "RFA04"} and
	    all(r["locations"][0]["physicalLocation"]["artifactLocation"]
	    ["uri"] == "here.yaml" for r in d["runs"][0]["results"]) and
	    all(r["help"]["text"] for r in
	    d["runs"][0]["tool"]["driver"]["rules"])'
}
check 'sarif: findings at file and line' sarif

# -------------------------------------------------------------- hostile names
sqlite3 hostile.db ".restore shop.db"
sqlite3 hostile.db "update workload set name = 'x' || char(27) || '[2J' ||
    char(10) || '\"a|b\`<img src=x onerror=y>@all,c' where name = 'backend'"
hostile_table() {
	run 1 audit --db hostile.db -f "$broken" &&
	    ! grep -q "$(printf '\033')" out &&
	    has out 'x\x1b[2J\x0a"a|b`<img src=x onerror=y>@all,c'
}
check 'hostile name: table' hostile_table
hostile_json() {
	for format in json sarif; do
		run 1 audit --db hostile.db -f "$broken" -o $format &&
		    ! grep -q "$(printf '\033')" out &&
		    json 'd' || return 1
	done
	run 0 flows --db hostile.db -f "$broken" -o json && json \
	    'any((e["dst"].get("name") or "").startswith("x\x1b[2J\n\"a|b`<")
	    for e in d["edges"])'
}
check 'hostile name: JSON and SARIF' hostile_json
hostile_csv() {
	run 0 flows --db hostile.db -f "$broken" -o csv && python3 -c '
import csv
rows = list(csv.DictReader(open("out", newline="")))
assert any(r["dstName"].startswith("x\\x1b[2J\\x0a\"a|b`<") for r in rows)
assert all(None not in r and None not in r.values() for r in rows)'
}
check 'hostile name: CSV' hostile_csv
# shellcheck disable=SC2016 # backquotes that Markdown must not have
hostile_markdown() {
	run 1 audit --db hostile.db -f "$broken" -o markdown && python3 -c '
import re
text = open("out").read()
assert "\x1b" not in text and "&#60;img src=x onerror=y&#62;" in text
tags = set(re.findall(r"<[^>]*>", text))
assert tags <= {"<code>", "</code>", "<br>", "<details>", "</details>",
                "<summary>", "</summary>"}, tags
assert "@" not in text
# Outside of our own `-o json`.
assert "`" not in text.replace("`-o json`", "")
tables = [l for l in text.split("\n") if l.startswith("|")]
assert all(l.count("|") in (7, 8) for l in tables)'
}
check 'hostile name: Markdown' hostile_markdown
hostile_hint() {
	run 2 flows --db hostile.db --workload 'shop/x\x1b[2J\x0a"a|b' &&
	    ! grep -q "$(printf '\033')" err
}
check 'hostile name: in a hint' hostile_hint

# ----------------------------------------------------------------- terminals
cat >terminal.py <<'END'
import fcntl, os, pty, struct, sys, termios

columns, command = int(sys.argv[1]), sys.argv[2:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
if os.fork() == 0:
    os.dup2(slave, 1)
    os.close(master)
    os.execv(command[0], command)
os.close(slave)
text = b""
while True:
    try:
        piece = os.read(master, 65536)
    except OSError:
        break
    if not piece:
        break
    text += piece
os.wait()
sys.stdout.buffer.write(text.replace(b"\r\n", b"\n"))
END
# terminal COLUMNS ARG...: ringfence on a terminal of that width, into out.
terminal() {
	NO_COLOR=1 python3 terminal.py "$1" "$ringfence" "$2" --db shop.db \
	    -f "$broken" >out 2>err
}
# widest: the widest line of the table and of what stands below its rows.
widest() {
	python3 -c '
text = open("out", encoding="utf-8").read().split("\n\n")[0]
print(max(len(l) for l in text.split("\n")))'
}
narrow() {
	for columns in 80 100 120 160; do
		terminal $columns audit && [ "$(widest)" -le $columns ] &&
		    grep -q "$(printf '\342\200\246')" out || return 1
		terminal $columns flows && [ "$(widest)" -le $columns ] ||
		    return 1
	done
}
check 'a narrow terminal: nothing is wider' narrow
below() {
	terminal 80 audit && grep -q '^would-drop ' out &&
	    grep -q '^    [a-z]*, \(in\|e\)gress rule ' out
}
check 'a narrow terminal: why stands below' below
wide() {
	terminal 1000 audit && cp out wide && run 1 audit --db shop.db \
	    -f "$broken" && cmp -s out wide &&
	    ! grep -q "$(printf '\342\200\246')" out
}
check 'a wide terminal and a pipe show everything' wide

finish
