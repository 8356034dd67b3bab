#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_database.sh RINGFENCE
# Databases that older programs wrote: read as they are and not touched, and
# after migration the same flows. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
fixtures=$fixtures/database

# The flows of what flows -o json said, and how many wait, without coverage and
# version: what is collected to migrate is a file of its own.
edges() {
	python3 -B -c '
import json, sys
said = json.load(open(sys.argv[1]))
assert said["edges"]
json.dump([said["edges"], said.get("waiting", 0), said.get("open", 0)],
    sys.stdout, indent=1)' "$1"
}

# A capture without a packet: its collection changes nothing but the schema.
printf '\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000' \
    >none.pcap
printf '\000\002\000\000\001\000\000\000' >>none.pcap

one() {
	cp "$fixtures/$1.db" "$1.db" || exit 3
	edges "$fixtures/$1.json" >want
	"$ringfence" flows --db "$1.db" -o json >now.json 2>err &&
	    edges now.json >have && cmp want have >err 2>&1
	verdict "$1: read as it is" $?
	"$ringfence" recommend --db "$1.db" -A >old.yaml 2>err
	[ $? -le 1 ] && [ -s old.yaml ]
	verdict "$1: recommended from" $?
	"$ringfence" backup --db "$1.db" -o "$1.copy.db" >out 2>err &&
	    "$ringfence" flows --db "$1.copy.db" -o json >now.json 2>err &&
	    edges now.json >have && cmp want have >err 2>&1
	verdict "$1: copied, and the copy is read" $?
	cmp "$fixtures/$1.db" "$1.db" >err 2>&1
	verdict "$1: untouched by all that" $?
	"$ringfence" collect -r none.pcap --db "$1.db" >out 2>err
	verdict "$1: migrated by who writes" $?
	"$ringfence" collect -r none.pcap --db "$1.db" >out 2>err
	[ $? -eq 0 ] && ! grep -q merge err
	verdict "$1: which is still no database that merge made" $?
	"$ringfence" flows --db "$1.db" -o json >now.json 2>err &&
	    edges now.json >have && cmp want have >err 2>&1
	verdict "$1: flows as they were" $?
	"$ringfence" recommend --db "$1.db" -A >new.yaml 2>err
	[ $? -le 1 ] && cmp old.yaml new.yaml >err 2>&1
	verdict "$1: the same is recommended" $?
	# From a time on it is the windows that are read: the same again.
	"$ringfence" flows --db "$1.db" --since 2000-01-01T00:00:00Z -o json \
	    >now.json 2>err && edges now.json >have && cmp want have >err 2>&1
	verdict "$1: and by their windows" $?
}

# On a file system that nobody can write.
frozen() { # NAME
	mkdir -p 'read only?' && cp "$fixtures/$1.db" 'read only?/f.db'
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount --bind "$1" "$1" &&
	    mount -o remount,ro,bind "$1" &&
	    exec "$2" flows --db "$1/f.db" -o json' \
	    sh 'read only?' "$ringfence" >now.json 2>err &&
	    edges now.json >have && edges "$fixtures/$1.json" >want &&
	    cmp want have >err 2>&1
	verdict "$1: read where nothing can be written" $?
}

# What it says of one that is newer, it says once.
newer() {
	cp "$fixtures/schema-1.db" newer.db
	printf '\000\000\000\143' | # user_version, big endian, at byte 60
		dd of=newer.db bs=1 seek=60 conv=notrunc 2>/dev/null
	"$ringfence" flows --db newer.db >out 2>err
	[ $? -eq 3 ] && [ ! -s out ] && grep -q 'newer ringfence' err &&
		[ "$(grep -o 'newer.db' err | wc -l)" -eq 1 ]
	verdict 'a newer one is refused, with its name once' $?
}

for f in "$fixtures"/schema-*.db; do
	name=${f##*/}
	one "${name%.db}"
	if unshare -m mount --bind . . 2>err; then
		frozen "${name%.db}"
	else
		echo "# no mounts are permitted: not read where all is frozen"
	fi
done
newer
finish
