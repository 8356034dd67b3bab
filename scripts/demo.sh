#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: scripts/demo.sh RINGFENCE FOLDER
# The whole story on fixtures/shop, each command shown before it runs. What
# is made stays in FOLDER, in place of an earlier demo's. Stops, exit 1, when
# a command ends otherwise than it should.
set -u
here=$(cd "$(dirname "$0")/.." && pwd) || exit 3
case $1 in
/*) ringfence=$1 ;;
*) ringfence=$(pwd)/$1 ;;
esac
mkdir -p "$2" || exit 3
out=$(cd "$2" && pwd) || exit 3
cd "$here" || exit 3
out=${out#"$here"/} # short paths in what is shown
shop=fixtures/shop

say() {
	printf '\n'
	printf '%s\n' "$@"
}

# Of an audit's table only the header and the observed edges that would be
# dropped; everything else that a command prints.
brief() {
	awk '
	/^allowed / || /^would-drop .*(refused|unanswered) / { left++; next }
	/^$/ && left {
		print "    (" left " rows left out here: allowed, or never worked)"
		left = 0
	}
	{ print "    " $0 }'
}

# run EXPECTED-STATUS COMMAND [ARG...]
run() {
	expected=$1
	shift
	printf '\n  $ %s\n' "$(printf '%s' "$*" |
	    sed 's|^[^ ]*/ringfence|ringfence|')"
	"$@" >"$out/output" 2>&1 </dev/null
	status=$?
	brief <"$out/output"
	if [ $status -ne "$expected" ]; then
		printf 'demo: exit status %d where %d was expected\n' \
		    $status "$expected" >&2
		exit 1
	fi
	[ "$expected" -eq 0 ] || printf '    (exit status %d)\n' $status
}

rm -rf "$out/policies" "$out/shop.db" "$out/shop.db-wal" "$out/shop.db-shm"

say '1. Observe' \
    'Two nodes were captured for ten minutes (tcpdump -i any), and kubectl' \
    'printed the objects. Each connection was seen at up to four interfaces,' \
    'before and after NAT; it is counted once, between workloads.'
run 0 "$ringfence" collect -r "$shop/capture-node-1.pcap" \
    -r "$shop/capture-node-2.pcap" --snapshot "$shop/snapshot.json" \
    --db "$out/shop.db"

say '2. Who talks to whom' \
    'Note the port scan from debug-shell: refused and unanswered. It is' \
    'listed, and it will not become a rule.'
run 0 "$ringfence" flows --db "$out/shop.db" -n shop

say '3. Recommend' \
    'One policy for each workload, DNS always, the deny for the rest last.' \
    'Every observed edge is replayed through them before they are written.'
run 0 "$ringfence" recommend --db "$out/shop.db" -n shop -n monitoring \
    -n ingress-nginx -o "$out/policies"
find "$out/policies" -name '*.yaml' | LC_ALL=C sort >"$out/output"
printf '\n  They are, to be read before anything is applied:\n'
sed 's/^/    /' "$out/output"

say '4. Prove' \
    'The same flows against these policies: nothing that was seen is dropped.'
run 0 "$ringfence" audit --db "$out/shop.db" -R -f "$out/policies"

say '5. Audit somebody else' \
    'Policies written by hand, with two classic mistakes: egress without' \
    "DNS, and the Service's port where the pods' port is needed. Exit status" \
    '1 says that observed connections would be dropped; the table says which.'
run 1 "$ringfence" audit --db "$out/shop.db" -f "$shop/policies-broken.yaml"

rm -f "$out/output"
say "Done. The policies are in $out/policies, the flows in $out/shop.db."
