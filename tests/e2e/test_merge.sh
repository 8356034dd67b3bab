#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_merge.sh RINGFENCE
# The databases of single nodes, merged, say what one collector says that saw
# all nodes: on fixtures/shop, and on ../shared/apps where that lies beside.
# Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
apps=$root/../shared/apps

# one DB CAPTURE... SNAPSHOT is the last
one() {
	db=$1
	shift
	for snapshot; do :; done
	captures=
	for f; do
		[ "$f" = "$snapshot" ] || captures="$captures $f"
	done
	# shellcheck disable=SC2086 # a list of paths without blanks
	run 0 collect -q -r $captures --snapshot "$snapshot" --db "$db"
}

# edges DB: what is listed, but for the times, which two clocks gave.
edges() {
	"$ringfence" flows --db "$1" -o csv | cut -d, -f1-22
}

for n in 1 2; do
	one "$n.db" "$shop/capture-node-$n.pcap" "$shop/snapshot.json"
done
one all.db "$shop"/capture-node-*.pcap "$shop/snapshot.json"
edges all.db >all
[ "$(wc -l <all)" -gt 20 ]
verdict 'one collector sees both nodes' $?
run 0 merge -o merged.db 1.db 2.db && edges merged.db | cmp -s all - &&
    grep -q '108 connections, of which 48 were seen by two nodes' out
verdict 'two nodes, merged, are as one collector' $?
run 0 merge -q -o other.db 2.db 1.db 2.db && edges other.db | cmp -s all - &&
    [ ! -s out ]
verdict 'in any order, and one of them twice' $?
run 0 merge -q -o merged.db 1.db 2.db && edges merged.db | cmp -s all -
verdict 'merging again changes nothing' $?
ln -s merged.db linked.db
run 0 merge -q -o linked.db 1.db && [ -L linked.db ] &&
    edges 1.db >one && edges merged.db | cmp -s one - &&
    run 0 merge -q -o linked.db 1.db 2.db && edges merged.db | cmp -s all -
verdict 'through a link' $?
rm linked.db
run 0 merge -q -o single.db 1.db && edges 1.db >one &&
    edges single.db | cmp -s one -
verdict 'one database stays as it is' $?
for command in 'recommend -n shop' "audit -f $shop/policies-broken.yaml"; do
	word=${command%% *}
	"$ringfence" $command --db all.db >want 2>/dev/null
	"$ringfence" $command --db merged.db 2>/dev/null |
	    grep -v 'Observed\|observed' >got
	grep -v 'Observed\|observed' want | cmp -s - got && [ -s got ]
	verdict "$word says the same" $?
done
[ "$(ls merged.db*)" = merged.db ]
verdict 'nothing half written is left' $?

# Each node's collector knew its own pods alone, as with --watch=node.
python3 - "$shop/snapshot.json" <<'PY'
import json, sys
whole = json.load(open(sys.argv[1]))
for node in ("node-1", "node-2"):
    items = [i for i in whole["items"] if i["kind"] != "Pod" or
             i["spec"].get("nodeName") == node]
    with open(node + ".json", "w") as out:
        json.dump(dict(whole, items=items), out)
PY
for n in 1 2; do
	one "own-$n.db" "$shop/capture-node-$n.pcap" "node-$n.json"
done
"$ringfence" flows --db own-1.db | grep -q 'unknown/'
verdict 'a node that knows its own pods alone has unknown ends' $?
run 0 merge -o own.db own-1.db own-2.db &&
    has out 'own node did not know and another one did' &&
    edges own.db >out && diff all out >err && [ -s out ]
verdict 'which the other one resolves' $?
# An API server that was away at the end: who is still there then, it cannot say.
cp own-2.db away-2.db && sqlite3 away-2.db \
    'UPDATE coverage SET known_us = from_us - 1000000'
run 0 merge -o away.db own-1.db away-2.db &&
    "$ringfence" flows --db away.db | grep -q 'unknown/' &&
    sqlite3 away-2.db 'UPDATE coverage SET known_us = to_us - 1000000' &&
    run 0 merge -o away.db own-1.db away-2.db && edges away.db >out &&
    diff all out >err
verdict 'unless it did not know them any more itself' $?

# Pods that were relabelled half way: who they were before has another row, and
# so another name, in each database.
python3 - "$shop" <<'PY'
import json, struct, sys
def save(name, keep):
    whole = json.load(open(sys.argv[1] + "/snapshot.json"))
    whole["items"] = [i for i in whole["items"] if keep(i)]
    json.dump(whole, open(name, "w"))
def is_backend(item):
    labels = item["metadata"].get("labels", {})
    return item["kind"] == "Pod" and labels.get("app") == "backend"
def relabel(item):
    if is_backend(item):
        item["metadata"]["labels"]["role"] = "primary"
    return True
save("others.json", lambda item: not is_backend(item))
save("later.json", relabel)
for node in "1", "2":
    data = open(sys.argv[1] + "/capture-node-%s.pcap" % node, "rb").read()
    parts, at = [data[:24], data[:24]], 24
    while at < len(data):
        second, _, size, _ = struct.unpack("<4I", data[at:at + 16])
        parts[second >= 1773129900] += data[at:at + 16 + size]  # 08:05
        at += 16 + size
    for half, part in zip("ab", parts):
        open("%s%s.pcap" % (node, half), "wb").write(part)
open("none.pcap", "wb").write(data[:24])
PY
one r2.db none.pcap others.json # so that rows have other numbers there
for n in 1 2; do
	one r$n.db ${n}a.pcap "$shop/snapshot.json"
	one r$n.db ${n}b.pcap later.json
done
one both.db 1a.pcap 2a.pcap "$shop/snapshot.json"
one both.db 1b.pcap 2b.pcap later.json
run 0 merge -q -o relabelled.db r1.db r2.db &&
    edges both.db >want && edges relabelled.db | diff want - >err
verdict 'pods that were relabelled' $?
run 0 flows --db relabelled.db -o json && python3 - <<'PY'
import json
ends = [e[side] for e in json.load(open("out"))["edges"]
        for side in ("src", "dst")]
assert max(e["pods"] for e in ends if e.get("name") == "backend") == 2
PY
verdict 'and are no more pods' $?
one early.db 1a.pcap "$shop/snapshot.json" # it never saw the new labels
one later.db 1a.pcap 2a.pcap "$shop/snapshot.json"
one later.db 2b.pcap later.json
run 0 merge -q -o relabelled.db early.db r2.db &&
    edges later.db >want && edges relabelled.db | diff want - >err
verdict 'also by who was there before alone' $?

run 3 merge -o x.db merged.db 1.db && grep -q 'was merged itself' err &&
    [ ! -e x.db ]
verdict 'a merge is not merged again' $?
run 3 merge -o 1.db 2.db && grep -q 'not made by merge' err &&
    edges 1.db | cmp -s one -
verdict 'a database of a node is never replaced' $?
run 3 merge -o merged.db merged.db 1.db && grep -q 'both made and read' err &&
    cp 1.db copy.db && run 3 merge -o x.db 1.db copy.db &&
    grep -q 'one is a copy of the other' err && [ ! -e x.db ]
verdict 'a copy would count twice' $?
one empty-1.db none.pcap "$shop/snapshot.json"
one empty-1.db "$shop/capture-node-1.pcap" "$shop/snapshot.json"
one empty-2.db none.pcap "$shop/snapshot.json"
run 0 merge -q -o empty.db empty-1.db empty-2.db &&
    run 0 recommend --db empty.db -n shop && has err 'Observed from 2026' &&
    run 0 flows --db empty.db -o json && has out '"from": null'
verdict 'captures without a packet are no copies, and of no time' $?
run 3 collect -r "$shop/capture-node-1.pcap" --snapshot "$shop/snapshot.json" \
    --db merged.db && grep -q 'made by merge' err
verdict 'nothing is collected into a merge' $?
run 2 merge 1.db && run 2 merge -o x.db && run 3 merge -o x.db none.db &&
    grep -q 'none.db: No such file' err &&
    run 3 merge -o x.db "$shop/snapshot.json" && [ ! -e x.db ]
verdict 'what is no database' $?

for app in "$apps"/*/; do
	[ -d "$app/pcaps" ] || continue
	rm -f n*.db* all.db* merged.db*
	n=0
	for capture in "$app"/pcaps/*.pcap; do
		n=$((n + 1))
		one "n$n.db" "$capture" "$app/snapshot.json"
	done
	one all.db "$app"/pcaps/*.pcap "$app/snapshot.json"
	run 0 merge -q -o merged.db n*.db
	edges all.db | cut -d, -f1-20 >want # packets and bytes are shares
	edges merged.db | cut -d, -f1-20 >got
	[ -s got ] && cmp -s want got
	verdict "${app%/}: $n nodes, merged, are as one collector" $?
done

finish
