#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run each unit test program given; end with "N passed, N failed".
# A program that dies counts as one failure on top of what it printed.
pass=0
fail=0
for t in "$@"; do
	out=$("$t" 2>&1)
	rc=$?
	ok=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
	bad=$(printf '%s\n' "$out" | grep -c '^\[  FAILED  \] [^0-9]')
	if [ $rc -ne 0 ]; then
		printf '%s\n' "$out"
		printf '%s: exit status %d\n' "$t" $rc
		[ "$bad" -eq 0 ] && bad=1
	fi
	[ "$bad" -gt 0 ] && [ $rc -ne 0 ] && bad=$(printf '%s\n' "$out" |
		grep '^\[  FAILED  \] [^0-9]' | sort -u | wc -l)
	[ $rc -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	printf '%-40s %3d passed, %d failed\n' "${t#build/}" "$ok" "$bad"
	pass=$((pass + ok))
	fail=$((fail + bad))
done
printf '%d passed, %d failed\n' "$pass" "$fail"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
