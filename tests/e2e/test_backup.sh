#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_backup.sh RINGFENCE
# `backup` as its user meets it; tests/store/test_backup.c has the rest.
set -u
export LC_ALL=C.UTF-8
unset RINGFENCE_DB
cd "$(dirname "$0")/../.." || exit 3
rf=$(realpath "${1:?usage: test_backup.sh RINGFENCE}")
shop=$(pwd)/fixtures/shop
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 3
pass=0
fail=0

# expect NAME STATUS COMMAND...: its exit status; out and err stay.
expect() {
	name=$1
	wanted=$2
	shift 2
	"$@" >out 2>err </dev/null
	verdict "$name" $(($? - wanted))
}

verdict() {
	if [ "$2" -eq 0 ]; then
		pass=$((pass + 1))
		echo "ok $1"
	else
		fail=$((fail + 1))
		echo "not ok $1"
		sed 's/^/  err: /' err | head -n 10
	fi
}

"$rf" collect -q -r "$shop/capture-node-1.pcap" -s "$shop/snapshot.json" \
    --db flows.db >/dev/null
"$rf" flows --db flows.db >wanted
"$rf" merge -o merged.db flows.db >out 2>err
[ "$(stat -c %a flows.db merged.db | uniq)" = 600 ]
verdict 'only its owner may read what is collected or merged' $?

expect 'to a file' 0 "$rf" backup --db flows.db -o copy.db
"$rf" flows --db copy.db 2>err | cmp - wanted >>err && [ -s wanted ]
verdict 'the copy says the same' $?
[ "$(stat -c %a copy.db)" = 600 ]
verdict 'only its owner may read it' $?
expect 'to standard output' 0 "$rf" backup --db flows.db -o -
cmp out copy.db >err
verdict 'and those are the same bytes' $?
"$rf" flows --db copy.db >out 2>err
expect 'over an earlier copy that was read' 0 "$rf" backup --db flows.db \
    -o copy.db
expect 'by RINGFENCE_DB' 0 env RINGFENCE_DB=flows.db "$rf" backup -o copy.db

echo keep >kept
expect 'without a database' 2 "$rf" backup -o kept
expect 'without a target' 2 "$rf" backup --db flows.db
expect 'no such database' 3 "$rf" backup --db nowhere.db -o kept
grep -q nowhere.db err
verdict 'is named' $?
expect 'something else' 3 "$rf" backup --db wanted -o kept
[ "$(cat kept)" = keep ]
verdict 'failures leave the target alone' $?
expect 'a folder that there is not' 3 "$rf" backup --db flows.db -o no/copy.db
# Whoever wrote to it was killed: SQLite would write what is beside it into the
# copy.
cp flows.db killed.db
python3 - killed.db <<'PY'
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE flow SET connections = connections + 1000")
db.commit()
os._exit(9)
PY
[ -s killed.db-wal ]
verdict 'a database that was not closed' $?
cp killed.db before.db
expect 'is not replaced' 3 "$rf" backup --db flows.db -o killed.db
cmp killed.db before.db 2>>err && grep -q 'killed.db-wal is beside it' err
verdict 'and what is beside it is named' $?
ln -s killed.db link.db
expect 'nor by a link' 3 "$rf" backup --db flows.db -o link.db
if [ -c /dev/full ]; then
	"$rf" backup --db flows.db -o - >/dev/full 2>err
	verdict 'a full disk' $(($? - 3))
fi
ls -A | grep -E 'copy-|tmp-' >err
verdict 'nothing is left lying about' $(($? - 1))

echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
