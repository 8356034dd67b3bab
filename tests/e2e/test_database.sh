#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_database.sh RINGFENCE
# Databases that older programs wrote: not read as they are, not touched, and
# after migration the same flows. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
fixtures=$fixtures/database

# The flows of what flows -o json said, without coverage and version: what is
# collected to migrate is a file of its own.
edges() {
	python3 -B -c '
import json, sys
said = json.load(open(sys.argv[1]))
assert said["edges"]
json.dump(said["edges"], sys.stdout, indent=1)' "$1"
}

# A capture without a packet: its collection changes nothing but the schema.
printf '\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000' \
    >none.pcap
printf '\000\002\000\000\001\000\000\000' >>none.pcap

one() {
	cp "$fixtures/$1.db" "$1.db" || exit 3
	"$ringfence" flows --db "$1.db" >out 2>err
	[ $? -eq 3 ] && grep -q 'older ringfence' err && [ ! -s out ]
	verdict "$1: not read by a newer program, which says what to do" $?
	cmp "$fixtures/$1.db" "$1.db" >err 2>&1
	verdict "$1: untouched by that" $?
	"$ringfence" collect -r none.pcap --db "$1.db" >out 2>err
	verdict "$1: migrated by who writes" $?
	"$ringfence" flows --db "$1.db" -o json >now.json 2>err &&
	    edges "$fixtures/$1.json" >want && edges now.json >have &&
	    cmp want have >err 2>&1
	verdict "$1: flows as they were" $?
	# From a time on it is the windows that are read: the same again.
	"$ringfence" flows --db "$1.db" --since 2000-01-01T00:00:00Z -o json \
	    >now.json 2>err && edges now.json >have && cmp want have >err 2>&1
	verdict "$1: and by their windows" $?
}

for f in "$fixtures"/schema-*.db; do
	name=${f##*/}
	one "${name%.db}"
done
finish
