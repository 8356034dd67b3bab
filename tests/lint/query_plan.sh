#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every query of sql/query must reach its rows by a key or an index, on the
# schema that the migrations make; a full scan needs a line "-- slow: reason"
# in its file, and such a line needs a full scan.
set -u
cd "$(dirname "$0")/../.." || exit 2
command -v sqlite3 >/dev/null || {
	echo "query_plan: needs sqlite3 (Debian package sqlite3)" >&2
	exit 2
}
bad=0
n=0
slow=0
for f in sql/query/*.sql; do
	n=$((n + 1))
	plan=$({ cat sql/migration/*.sql
		echo 'EXPLAIN QUERY PLAN'
		cat "$f"
	} | sqlite3 -batch :memory: 2>&1) || {
		printf '%s: %s\n' "$f" "$plan"
		bad=$((bad + 1))
		continue
	}
	# Rows that the query brings itself, in the words of 3.40 and of 3.46.
	# DELETE without WHERE empties the table and shows no plan at all.
	scan=$(printf '%s\n' "$plan" | grep -E '(^|[ |`-])SCAN |TEMP B-TREE' |
		grep -vE 'SCAN [0-9]+( CONSTANT ROWS|-ROW VALUES CLAUSE)')
	grep -qiE '^DELETE FROM [a-z_]+;' "$f" && scan='DELETE of all rows'
	if grep -qE '^-- slow: .' "$f"; then
		slow=$((slow + 1))
		[ -n "$scan" ] && continue
		printf '%s: says it is slow, but is not:\n%s\n' "$f" "$plan"
		bad=$((bad + 1))
	elif [ -n "$scan" ]; then
		printf '%s: neither indexed nor "-- slow: reason":\n%s\n' \
			"$f" "$plan"
		bad=$((bad + 1))
	fi
done
printf 'query_plan: %d queries, %d slow by design, %d bad\n' $n $slow $bad
[ $bad -eq 0 ] && [ $n -gt 0 ]
