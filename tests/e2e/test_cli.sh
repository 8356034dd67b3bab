#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_cli.sh RINGFENCE
# The command line as people meet it: help, mistakes, exit statuses, shapes of
# output, files left behind. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# usage NAME TEXT ARG...: exit 2, nothing on stdout, TEXT and a hint on stderr.
usage() {
	name=$1
	text=$2
	shift 2
	run 2 "$@" && [ ! -s out ] && has err "$text" "for usage."
	verdict "$name" $?
}

# failure NAME TEXT ARG...: exit 3, nothing on stdout, TEXT on stderr.
failure() {
	name=$1
	text=$2
	shift 2
	run 3 "$@" && [ ! -s out ] && has err "$text"
	verdict "$name" $?
}

json() {
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' "$@"
}

# ------------------------------------------------------------ help, version
no_arguments() {
	run 2 && [ ! -s out ] && has err "Usage: ringfence COMMAND" "recommend"
}
check 'no arguments: usage on stderr, exit 2' no_arguments

version() {
	run 0 --version && [ "$(wc -l <out)" -eq 1 ] &&
	    grep -Eq '^ringfence [0-9]+\.[0-9]+\.[0-9]+$' out && [ ! -s err ]
}
check 'version is one line' version

for form in --help -h help; do
	general_help() {
		run 0 "$form" && [ ! -s err ] &&
		    has out collect flows recommend audit validate
	}
	check "$form lists the commands" general_help
done
# The words of a help text, whatever its name, its lines and their joints.
words() {
	sed 's/^  kubectl ringfence /  ringfence /; s/ \\$//' "$1" | tr -s ' \n' '\n'
}
ln -s "$ringfence" kubectl-ringfence
for command in collect flows recommend testplan report audit check diff \
    validate lint snapshot backup merge; do
	command_help() {
		run 0 "$command" --help && [ ! -s err ] &&
		    has out 'Examples:' 'Options:' 'Usage:' \
			"  ringfence $command " &&
		    [ "$(awk 'length > 80' out | wc -l)" -eq 0 ] &&
		    cp out help-long && run 0 help "$command" &&
		    cmp -s out help-long && run 0 "$command" -h &&
		    cmp -s out help-long
	}
	check "$command --help: examples, options, 80 columns" command_help
	plugin_help() {
		./kubectl-ringfence "$command" --help >plugin-help &&
		    grep -q "^  kubectl ringfence $command" plugin-help &&
		    awk 'length > 80 { exit 1 }' plugin-help &&
		    words plugin-help >plugin-words &&
		    words help-long | cmp - plugin-words
	}
	check "kubectl $command --help: the same, 80 columns" plugin_help
done
plugin_help() {
	./kubectl-ringfence --help >plugin-help &&
	    awk 'length > 80 { exit 1 }' plugin-help
}
check 'kubectl --help: 80 columns' plugin_help
help_first() {
	awk '/^Examples:/ { e = NR } /^Options:/ { o = NR }
	    END { exit !(e && o && e < o) }' help-long
}
check 'examples come before options' help_first

# ---------------------------------------------------------------- mistakes
usage 'unknown command' "did you mean 'audit'?" aduit
usage 'unknown command, nothing near' "unknown command 'xyzzy'" xyzzy
usage 'help on an unknown command' "unknown command 'xyzzy'" help xyzzy
usage 'option before the command' "unknown option '-n'" -n shop flows
usage 'unknown option' 'unknown option --dbs; did you mean --db?' \
    flows --dbs x
usage 'abbreviated option' 'did you mean --namespace?' flows --name x
usage 'unknown letter' 'unknown option -z' flows -z
usage 'value missing' '--db wants a value' flows --db
usage 'database missing' 'Give --db PATH or set RINGFENCE_DB' flows
usage 'format unknown' "not 'yaml'" flows --db x -o yaml
usage 'port out of range' '65535' flows --db x --port 70000
usage 'outcome unknown' "not 'lost'" flows --db x --outcome lost
usage 'time malformed' "not 'today'" flows --db x --since today
usage 'times the wrong way round' 'not before' flows --db x \
    --since 2026-03-02T10:00:00Z --until 2026-03-02T09:00:00Z
usage 'stray argument' "unexpected argument 'shop'" flows --db x shop
usage 'a second value' "for one more, repeat --filename" \
    validate -f a.yaml b.yaml
usage 'policies missing' 'which policies?' audit --db x
usage 'validate without policies' 'which policies?' validate
usage 'namespaces missing' 'which namespaces?' recommend --db x
for command in recommend flows "audit -f $shop/policies-broken.yaml" report; do
	# shellcheck disable=SC2086 # some words
	usage "$command: both -n and -A" 'either -n or -A, not both' \
	    $command --db x -n a -A
done
usage 'an option of live captures' 'with -i, not -r' \
    collect -r x --db x --retain 30d
usage 'an option of files' 'with -r, not -i' collect -i any --db x --accept-cut
usage 'where to listen' 'is not ADDRESS:PORT' \
    collect -i any --db x --listen 9797
usage 'value for a flag' 'takes no value' recommend --db x -A --force=yes

# ------------------------------------------------------------ bad databases
failure 'no such database says what to do' 'ringfence collect -r' \
    flows --db missing.db
printf 'no database at all, but long enough to be taken for one by luck\n' \
    >junk.db
cp junk.db junk.copy
failure 'not a database' 'junk.db' flows --db junk.db
check 'and it is left alone' cmp -s junk.db junk.copy
sqlite3 other.db 'create table t (x); insert into t values (1);'
failure 'somebody else'\''s database' 'other.db' flows --db other.db
failure 'a directory' '.' flows --db .
check 'nothing was created' test ! -e missing.db

# ------------------------------------------------------------------- flows
run 0 collect -r "$shop/capture-node-1.pcap" -r "$shop/capture-node-2.pcap" \
    --snapshot "$shop/snapshot.json" --db shop.db
verdict 'collect the shop' $?
for command in report 'testplan -n shop'; do
	# shellcheck disable=SC2086 # two words
	usage "$command: unknown workload" "'shop/nobody' is no" \
	    $command --db shop.db --allow-metadata=shop/nobody
done
ln -s shop.db linked.db
cp shop.db shop.copy
usage 'a report in place of its database' 'would be lost' \
    report --db shop.db -o linked.db
usage 'a script in place of its database' 'would be lost' \
    testplan --db shop.db -n shop -o ./shop.db
usage 'a copy in place of its database' 'would be lost' \
    backup --db shop.db -o shop.db
check 'and it is still there' cmp shop.db shop.copy

flows_table() {
	run 0 flows --db shop.db && [ ! -s err ] &&
	    head -n 1 out | grep -q '^SOURCE  .*LAST SEEN$' &&
	    ! grep -q "$(printf '\033')" out
}
check 'flows: table with headers, no colour in a pipe' flows_table
lines=$(($(wc -l <out) - 1))
all_namespaces() {
	cp out want && run 0 flows --db shop.db -A && cmp -s out want
}
check 'flows: -A is every namespace' all_namespaces
no_headers() {
	run 0 flows --db shop.db --no-headers && [ "$(wc -l <out)" -eq $lines ]
}
check 'flows: --no-headers' no_headers
flows_json() {
	run 0 flows --db shop.db -o json && json out \
	    "len(d['edges']) == $lines and len(d['coverage']) == 2 and
	     all(set(e) >= {'src', 'dst', 'protocol', 'port', 'service',
	     'outcome', 'certainty', 'connections', 'packets', 'bytes',
	     'firstSeen', 'lastSeen'} for e in d['edges'])"
}
check 'flows: JSON with as many edges' flows_json
flows_stable() {
	cp out first && run 0 flows --db shop.db -o json && cmp -s out first
}
check 'flows: the same bytes twice' flows_stable
flows_csv() {
	run 0 flows --db shop.db -o csv && python3 -c '
import csv, sys
rows = list(csv.reader(open("out", newline="")))
assert len(rows) == int(sys.argv[1]) + 1
assert all(len(r) == len(rows[0]) for r in rows)
assert rows[0][0] == "srcType"' $lines
}
check 'flows: CSV with as many edges' flows_csv
flows_namespace() {
	run 0 flows --db shop.db -n monitoring -o json && json out \
	    "d['edges'] and all('monitoring' in (e['src'].get('namespace'),
	     e['dst'].get('namespace')) for e in d['edges'])"
}
check 'flows: -n keeps edges that touch it' flows_namespace
flows_outcome() {
	run 0 flows --db shop.db --outcome refused --outcome unanswered \
	    -o json && json out "{e['outcome'] for e in d['edges']} ==
	    {'refused', 'unanswered'}"
}
check 'flows: --outcome, twice' flows_outcome
flows_port() {
	run 0 flows --db shop.db --port 53 -o json &&
	    json out "d['edges'] and all(53 in (e['port'],
	    (e['service'] or {}).get('port')) for e in d['edges'])"
}
check 'flows: --port' flows_port
collect_foreign() {
	sed 's/"10\.42\./"10.77./g' "$shop/snapshot.json" >other.json
	run 0 collect -r "$shop/capture-node-1.pcap" -s other.json \
	    --db foreign.db && has err 'no connection has a pod at either end'
}
check 'collect: the objects of another cluster are noticed' collect_foreign
collect_no_pods() {
	echo '{"apiVersion": "v1", "kind": "List", "items": []}' >list.json
	run 0 collect -r "$shop/capture-node-1.pcap" -s list.json \
	    --db podless.db && has err 'there is no pod in what --snapshot' &&
	    run 0 collect -r "$shop/capture-node-1.pcap" --db podless2.db &&
	    has err 'no pods are known without --snapshot'
}
check 'collect: objects without pods are noticed' collect_no_pods
flows_none() {
	run 0 flows --db shop.db -n default && [ ! -s out ] &&
	    has err 'No flows found in default namespace.'
}
check 'flows: none is exit 0 and a word on stderr' flows_none
flows_none_json() {
	run 0 flows --db shop.db -n default -o json && json out \
	    "d['edges'] == []"
}
check 'flows: none as JSON is an empty list' flows_none_json
unknown_namespace() {
	for command in flows audit recommend testplan report; do
		set -- "$command" --db shop.db -n shpo
		[ "$command" != audit ] || set -- "$@" -f empty-list.json
		run 2 "$@" && [ ! -s out ] && has err \
		    "namespace 'shpo' is not in the database; did you mean" ||
			return 1
	done
	run 2 flows --db shop.db -n shop -n nowhere -o json && [ ! -s out ] &&
	    has err "namespace 'nowhere' is not in the database"
}
echo '{"apiVersion": "v1", "kind": "List", "items": []}' >empty-list.json
check 'an unknown namespace is a mistake to every command' unknown_namespace
flows_since() {
	run 0 flows --db shop.db --since 2036-01-01T00:00:00Z -o json &&
	    json out "d['edges'] == []"
}
check 'flows: --since the future' flows_since
environment() {
	RINGFENCE_DB=shop.db "$ringfence" flows --no-headers >out 2>err &&
	    [ "$(wc -l <out)" -eq $lines ]
}
check 'RINGFENCE_DB stands in for --db' environment
environment_below() {
	RINGFENCE_DB=missing.db "$ringfence" flows --db shop.db >out 2>err
}
check '--db wins over RINGFENCE_DB' environment_below

# --------------------------------------------------------------- recommend
usage 'recommend: unknown namespace' "did you mean 'shop'?" \
    recommend --db shop.db -n shpo
usage 'recommend: unknown workload' "'shop/nobody' is no" \
    recommend --db shop.db -A --allow-metadata=shop/nobody
usage 'recommend: an address that is not link-local' 'is no link-local' \
    recommend --db shop.db -A --allow-link-local 10.0.0.1
usage 'recommend: the metadata address has its own option' 'allow-metadata' \
    recommend --db shop.db -A --allow-link-local 169.254.169.254
recommend_stdout() {
	run 0 recommend --db shop.db -n shop && has err 'Proof' &&
	    has out 'kind: NetworkPolicy' && ! grep -q Proof out
}
check 'recommend: YAML on stdout, the story on stderr' recommend_stdout
cp out shop.yaml
recommend_stable() {
	run 0 recommend --db shop.db -n shop -o - && cmp -s out shop.yaml
}
check 'recommend: the same bytes twice, -o - is stdout' recommend_stable
recommend_dir() {
	run 0 recommend --db shop.db -n shop -n monitoring -o a/b/policies &&
	    has out 'Proof' 'ringfence audit --db shop.db -R -f a/b/policies' &&
	    [ ! -s err ] && [ -f a/b/policies/shop/90-default-deny.yaml ] &&
	    [ -d a/b/policies/monitoring ] &&
	    [ -z "$(find a -name '*.tmp')" ]
}
check 'recommend: files by namespace, above it made' recommend_dir
same_policies() {
	"$ringfence" validate -R -f a/b/policies >out 2>err &&
	    has err 'no mistakes' &&
	    [ "$(cat a/b/policies/shop/*.yaml | grep -c '^kind: Net')" -eq \
		"$(grep -c '^kind:' shop.yaml)" ]
}
check 'recommend: the files hold the same policies, valid' same_policies
again() {
	printf 'kind: Old\n' >a/b/policies/shop/10-gone.yaml &&
	    printf '10-gone.yaml\n' >>a/b/policies/shop/.ringfence &&
	    run 0 recommend --db shop.db -n shop -o a/b/policies &&
	    has out 'Removed 1 file' &&
	    [ ! -e a/b/policies/shop/10-gone.yaml ] &&
	    [ -d a/b/policies/monitoring ]
}
check 'recommend: again removes its own old file, no other' again
# A run that was killed leaves temporary files; they are no obstacle.
killed_before() {
	touch a/b/policies/shop/.10-gone.yaml.tmp \
	    a/b/policies/shop/..ringfence.tmp a/b/policies/.REVIEW.md.tmp &&
	    run 0 recommend --db shop.db -n shop -o a/b/policies &&
	    [ -z "$(find a -name '*.tmp')" ]
}
check 'recommend: after a run that was killed' killed_before
foreign() {
	printf 'mine\n' >a/b/policies/shop/mine.yaml &&
	    printf 'other\n' >a/b/policies/shop/90-default-deny.yaml &&
	    run 3 recommend --db shop.db -n shop -o a/b/policies &&
	    has err 'mine.yaml' '--force' &&
	    [ "$(cat a/b/policies/shop/90-default-deny.yaml)" = other ]
}
check 'recommend: a foreign file stops it, nothing changes' foreign
force() {
	run 0 recommend --db shop.db -n shop -o a/b/policies --force &&
	    [ "$(cat a/b/policies/shop/mine.yaml)" = mine ] &&
	    grep -q NetworkPolicy a/b/policies/shop/90-default-deny.yaml
}
check 'recommend: --force writes, and leaves the foreign file' force
failure 'recommend: a directory that cannot be made' 'shop.yaml' \
    recommend --db shop.db -n shop -o shop.yaml/x

# ------------------------------------------------------------------- audit
audit_own() {
	rm a/b/policies/shop/mine.yaml &&
	    run 0 recommend --db shop.db -A -o all &&
	    run 0 audit --db shop.db -R -f all && [ ! -s err ] &&
	    has out ' 0 would be dropped' 'What was not observed'
}
check 'audit: our own policies drop nothing, exit 0' audit_own
audit_broken() {
	run 1 audit --db shop.db -f "$shop/policies-broken.yaml" &&
	    sed -n 2p out | grep -q '^would-drop '
}
check 'audit: broken policies, worst first, exit 1' audit_broken
audit_json() {
	run 1 audit --db shop.db -f "$shop/policies-broken.yaml" -o json &&
	    json out "d['summary']['wouldDrop'] == len([e for e in d['edges']
	    if e['verdict'] == 'would-drop' and e['outcome'] in
	    ('established', 'oneway', 'midstream')]) > 0 and
	    all(e['egress']['verdict'] in ('allow', 'deny', 'not-isolated',
	    'not-subject') for e in d['edges']) and
	    all(e['ingress']['nearestMiss'] for e in d['edges']
	    if e['ingress']['verdict'] == 'deny')"
}
check 'audit: JSON, counts agree' audit_json
audit_stdin() {
	"$ringfence" audit --db shop.db -f - <"$shop/policies-broken.yaml" \
	    >out 2>err
	[ $? -eq 1 ]
}
check 'audit: policies on standard input' audit_stdin
audit_nothing() {
	mkdir -p none && run 3 audit --db shop.db -f none &&
	    has err 'no policy, nor any other object, in none' &&
	    run 3 validate -f - && has err 'in standard input' &&
	    run 3 lint -f none && run 3 recommend --db shop.db -n shop \
	    --existing none
}
check 'a folder of nothing, or an empty pipe, is no set of policies' \
    audit_nothing
validate_template() {
	printf '{{- if .Values.on }}\nkind: NetworkPolicy\n' >template.yaml
	run 1 validate -f template.yaml && has out '(a template?)'
}
check 'validate: a Helm template' validate_template
# The manual's questions to JSON, as they stand there.
manual_jq() {
	command -v jq >/dev/null || return 0
	mkdir -p policies && cp "$shop/policies-broken.yaml" policies/ &&
	    cp shop.db f.db && awk '/^\.Bd/ { block = ""; next }
	    /^\.Ed/ { if (block ~ /jq /) print block; next }
	    { block = block $0 "\n" }' "$root/man/ringfence.1" >jq.sh
	ringfence() { "$ringfence" "$@"; }
	grep -c '^  jq ' jq.sh && . ./jq.sh >out 2>err && [ ! -s err ] &&
	    has out "backend	api.payments.example	443" \
		'port 8081 is not 8080'
}
check 'the manual asks jq what jq can answer' manual_jq
audit_empty_list() {
	echo '{"apiVersion": "v1", "kind": "List", "items": []}' >list.json
	run 0 audit --db shop.db -f list.json && has err 'no NetworkPolicy'
}
check 'audit: a cluster without policies is warned about' audit_empty_list
audit_default() {
	printf '%s\n' 'apiVersion: networking.k8s.io/v1' \
	    'kind: NetworkPolicy' 'metadata: {name: deny}' \
	    'spec: {podSelector: {}}' >deny.yaml
	run 0 audit --db shop.db -f deny.yaml && has err 'default/deny' &&
	    run 1 audit --db shop.db -f deny.yaml -n shop &&
	    run 1 audit --db shop.db -f deny.yaml --default-namespace shop
}
check 'audit: where a policy without namespace belongs' audit_default
usage 'audit: a namespace that there is not' "did you mean 'shop'?" \
    audit --db shop.db -f deny.yaml -n shopp
printf '%s\n' 'apiVersion: networking.k8s.io/v1' 'kind: NetworkPolicy' \
    'metadata: {name: bad, namespace: shop}' 'spec:' '  podSelector: {}' \
    '  ingress:' '  - ports:' '    - {port: 70000, protocol: tcp}' >bad.yaml
failure 'audit: refused policies, each mistake with its place' \
    'bad.yaml:8: NetworkPolicy shop/bad: spec.ingress[0].ports[0]' \
    audit --db shop.db -f bad.yaml
failure 'audit: no such file' 'nofile.yaml' audit --db shop.db -f nofile.yaml

# ---------------------------------------------------------------- validate
validate_bad() {
	run 1 validate -f bad.yaml && [ "$(wc -l <out)" -eq 2 ] &&
	    has out 'Invalid' 'NotSupported' && has err '2 mistakes'
}
check 'validate: every mistake, exit 1' validate_bad
# What no reader can take is a finding like any other, and hides no other.
validate_bombs() {
	mkdir -p bombs && cp bad.yaml bombs/ &&
		python3 -c 'print("[" * 1000000)' >bombs/deep.yaml &&
		python3 -c '
print("a: &a [x, x]")
for c, p in zip("bcdefghijklmnopqrst", "abcdefghijklmnopqrs"):
    print("%s: &%s [%s]" % (c, c, ", ".join(["*" + p] * 9)))' \
			>bombs/alias.yaml &&
		run 1 validate -f bombs -o json && python3 -c '
import json, sys
found = [json.loads(line) for line in open("out")]
files = {f["file"].split("/")[-1] for f in found}
assert files == {"bad.yaml", "deep.yaml", "alias.yaml"}, files
assert all(f["type"] == "Decode" and f["line"] for f in found
           if not f["file"].endswith("bad.yaml")), found'
}
check 'validate: bombs are findings, exit 1' validate_bombs
validate_json() {
	run 1 validate -f bad.yaml -o json && python3 -c '
import json
rows = [json.loads(line) for line in open("out")]
assert len(rows) == 2
keys = ["file", "line", "object", "field", "type", "detail"]
assert all(list(r) == keys for r in rows)
assert all(r["line"] == 8 for r in rows)'
}
check 'validate: JSON, one object a line' validate_json
validate_good() {
	run 0 validate -f deny.yaml && [ ! -s out ] && has err '1 NetworkPolicy'
}
check 'validate: fine, exit 0' validate_good
# A mounted ConfigMap: each file once, though it is there twice.
validate_mount() {
	mkdir -p mount/..2026_03_10_08_00_00.1234/sub &&
		cp deny.yaml mount/..2026_03_10_08_00_00.1234/ &&
		sed 's/name: /name: sub-/' deny.yaml \
			>mount/..2026_03_10_08_00_00.1234/sub/b.yaml &&
		ln -s ..2026_03_10_08_00_00.1234 mount/..data &&
		ln -s ..data/deny.yaml mount/deny.yaml &&
		ln -s ..data/sub mount/sub && ln -s mount mount/circle &&
		mkdir mount/real mount/real/..odd &&
		sed 's/name: /name: odd-/' deny.yaml >mount/real/..odd/c.yaml &&
		run 0 validate -R -f mount && has err '3 NetworkPolicies' &&
		run 0 validate -f mount && has err '1 NetworkPolicy,'
}
check 'validate: a mounted ConfigMap' validate_mount
deep=$(printf 'd/%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 \
    22 23 24 25 26 27 28 29 30 31 32 33)
mkdir -p "deep/$deep"
failure 'validate: no directory is left out in silence' 'directories deep' \
    validate -R -f deep
failure 'validate: no such file' 'nofile.yaml' validate -f nofile.yaml

# ------------------------------------------------------------------ output
# A pipe or link that -o names is written to, not replaced.
special() {
	mkfifo fifo && ln -s target.db link.db || return 1
	timeout 60 cat fifo >got.db &
	run 0 backup --db shop.db -o fifo && wait $! && [ -p fifo ] &&
	    [ -s got.db ] && run 0 backup --db shop.db -o link.db &&
	    [ -h link.db ] && cmp -s target.db got.db
}
check 'backup: into a pipe, through a link' special
modes() {
	: >page.html && chmod 640 page.html &&
	    run 0 report --db shop.db -o page.html &&
	    [ "$(stat -c %a page.html)" = 640 ] &&
	    run 0 backup --db shop.db -o page.html &&
	    [ "$(stat -c %a page.html)" = 600 ]
}
check 'a file that is replaced is no more open than before' modes
full_disk() {
	"$ringfence" flows --db shop.db >/dev/full 2>err
	[ $? -eq 3 ] && has err 'standard output'
}
if [ -w /dev/full ]; then
	: >out
	check 'output that cannot be written is exit 3' full_disk
fi
pipe_closed() {
	("$ringfence" flows --db shop.db -o json 2>err; echo $? >code) |
	    head -n 1 >out
	[ ! -s err ]
}
check 'a closed pipe ends quietly' pipe_closed

# What is there to be copied is the same name for a shell, whatever it is.
commands_to_copy() {
	for dir in "it's \$(touch pwned) here" 'a b' "$(printf 'red\033[31m\\x')"; do
		mkdir -p "$dir" && cp shop.db "$dir/s.db" || return 1
		run 0 recommend --db "$dir/s.db" -n shop -o "$dir/out" &&
		    run_next || return 1
		run 3 flows --db "$dir/none.db" &&
		    ! grep -q "$(printf '\033')" err || return 1
	done
	[ ! -e pwned ]
}
# The second line, as bash reads it.
run_next() {
	! grep -q "$(printf '\033')" out &&
	    sed -n 's/^  ringfence audit //p' out >words &&
	    bash -c 'eval "set -- $(cat words)"; printf "%s\n" "$@"' >copied &&
	    [ "$(sed -n 2p copied)" = "$dir/s.db" ] &&
	    [ "$(sed -n 5p copied)" = "$dir/out" ]
}
if [ -n "$(command -v bash)" ]; then
	check 'commands to copy name the same files' commands_to_copy
fi

# What lies in a directory and has no end; a pipe that is named is read.
endless() {
	mkdir piped && mkfifo piped/x.yaml && mkdir endless &&
	    ln -s /dev/zero endless/x.yaml || return 1
	for folder in piped endless; do
		timeout 60 "$ringfence" validate -f "$folder" >out 2>err
		[ $? -eq 3 ] && has err "$folder/x.yaml: is no file" || return 1
	done
	for folder in shop .; do
		mkdir -p markers/shop && mkfifo "markers/$folder/.ringfence" ||
			return 1
		timeout 60 "$ringfence" recommend --db shop.db -n shop \
		    -o markers >out 2>err
		[ $? -eq 3 ] && has err '.ringfence is no file' &&
			rm -r markers || return 1
	done
	mkdir -p linked/shop && echo kept >target &&
		ln -s "$PWD/target" linked/.REVIEW.md.tmp &&
		ln -s "$PWD/target" linked/shop/.kustomization.yaml.tmp &&
		run 0 recommend --db shop.db -n shop -o linked &&
		[ "$(cat target)" = kept ] || return 1
	cat "$shop/policies-broken.yaml" >piped/x.yaml &
	timeout 60 "$ringfence" validate -f piped/x.yaml >out 2>err &&
	    has err '3 NetworkPolicies'
}
check 'a pipe, device or link in a directory of policies' endless

# Without one of the three streams no other file is taken for it.
no_streams() {
	mkfifo slow
	"$ringfence" collect -q -r - --db slow.db <slow >&- 2>&- &
	reader=$!
	exec 7>slow
	wanted='/dev/null
/dev/null'
	streams=
	# Until the program runs, what loads it may have files there.
	for _ in $(seq 200); do
		streams=$(readlink /proc/$reader/fd/1 /proc/$reader/fd/2)
		[ "$streams" = "$wanted" ] && break
		sleep 0.1
	done
	exec 7>&-
	wait $reader
	[ "$streams" = "$wanted" ]
}
check 'closed streams stay closed' no_streams
read_only() {
	cp shop.db ro.db && cksum ro.db >before &&
	    run 0 flows --db ro.db && run 0 recommend --db ro.db -n shop &&
	    cksum ro.db >after && cmp -s before after
}
check 'reading commands change nothing' read_only
hostile() {
	sqlite3 hostile.db ".restore shop.db" &&
	    sqlite3 hostile.db "update workload set name =
		'a' || char(27) || '[2Jb' || char(10) || 'c\"d,e'
		where name = 'frontend'" &&
	    run 0 flows --db hostile.db &&
	    ! grep -q "$(printf '\033')" out && has out 'a\x1b[2Jb\x0ac"d,e' &&
	    run 0 flows --db hostile.db -o json && json out \
	    "any(e['src'].get('name') == 'a\x1b[2Jb\nc\"d,e'
	    for e in d['edges'])"
}
check 'a hostile name cannot reach the terminal' hostile

# ended DB: collect a long capture into it, and end that while it is read.
ended() {
	"$ringfence" collect -q -r long.pcap --snapshot "$shop/snapshot.json" \
	    --db "$1" >out 2>err &
	pid=$!
	for _ in $(seq 400); do
		[ -e "$1-shm" ] && break
		sleep 0.02
	done
	kill -TERM $pid
	wait $pid 2>/dev/null
	[ $? -eq 143 ] && has err 'interrupted; of these captures nothing'
}
interrupted() {
	rm -f made.db && ended made.db && [ ! -e made.db ] &&
	    [ ! -e made.db-wal ] && run 0 flows --db shop.db -o json &&
	    mv out before && rm -f was.db* && cp shop.db was.db &&
	    ended was.db && run 0 flows --db was.db -o json &&
	    cmp out before
}
{
	cat "$shop/capture-node-1.pcap"
	tail -c +25 "$shop/capture-node-1.pcap" >part
	for _ in $(seq 300); do cat part; done
} >long.pcap
check 'collect: ended by a signal it leaves nothing behind' interrupted
rm -f long.pcap part

# followed LINES: has follow.out come to so many?
followed() {
	for _ in $(seq 80); do
		[ "$(wc -l <follow.out)" -ge "$1" ] && break
		sleep 0.25
	done
	[ "$(wc -l <follow.out)" -eq "$1" ]
}
follows() {
	run 0 collect -q -r "$shop/capture-node-1.pcap" \
	    --snapshot "$shop/snapshot.json" --db follow.db || return 1
	"$ringfence" flows --db follow.db --follow -o json \
	    --workload monitoring/prometheus >follow.out 2>err &
	pid=$!
	followed 3 && run 0 collect -q -r "$shop/capture-node-2.pcap" \
	    --snapshot "$shop/snapshot.json" --db follow.db &&
	    followed 7 # three that grew, one that is new
	ok=$?
	kill -TERM $pid
	wait $pid 2>/dev/null
	[ $? -eq 143 ] && [ $ok -eq 0 ] && [ ! -s err ] &&
	    python3 -c 'import json
lines = [json.loads(line) for line in open("follow.out")]
key = lambda e: (str(e["src"].get("name")), e["dst"].get("name"), e["port"])
before = {key(e): e["connections"] for e in lines[:3]}
assert len(before) == 3
assert all(e["connections"] > before.get(key(e), 0) for e in lines[3:])'
}
check 'flows --follow tells what grew' follows
finish
