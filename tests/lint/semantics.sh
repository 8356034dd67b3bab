#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/lint/semantics.sh [ROOT]
# Is each statement that policy/SEMANTICS.md numbers cited by a test? A test
# cites it by its name ("33 both: AND holds", '49: a pod ...'), a probe by
# "sem", and whatever else as SEMANTICS 45. Prints file:line of what is not;
# exit 1.
set -u
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}" || exit 3
[ -f policy/SEMANTICS.md ] || exit 0

{
	grep -rhoE "[\"'][0-9]+[a-z]?[:, ]" tests/policy \
	    tests/kube/test_labels.c tests/e2e/test_check.sh
	grep -rhoE 'SEMANTICS [0-9, and]*' tests --include='*.[ch]'
	find fixtures -name '*.jsonl' | LC_ALL=C sort |
		xargs -r grep -ohE '"sem":"[^"]*"'
} | awk '
NR == FNR {
	while (match($0, /[0-9]+/)) {
		cited[substr($0, RSTART, RLENGTH)] = 1
		$0 = substr($0, RSTART + RLENGTH)
	}
	next
}
/^[0-9]+[.] / {
	n = $1
	sub(/[.]/, "", n)
	if (!(n in cited)) {
		printf "%s:%d: no test cites statement %s\n", FILENAME, FNR, n
		bad = 1
	}
}
END { exit bad }
' - policy/SEMANTICS.md
