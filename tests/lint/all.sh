#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every lint, one after the other, all of them even when one finds something.
# Called by `make lint`; MAKE, B and JOBS come from there.
set -u
cd "$(dirname "$0")/../.." || exit 3
. tests/tally.sh

manual() {
	rc=0
	for page in man/*.1; do
		[ -f "$page" ] || continue
		mandoc -T lint -W warning "$page" || rc=1
	done
	return $rc
}

stage clang-format "${MAKE:-make}" --no-print-directory format
stage clang-tidy "${MAKE:-make}" --no-print-directory -k -j"${JOBS:-2}" \
    B="${B:-build/release}" tidy
stage manual manual
for lint in tests/lint/*.sh; do
	[ "$lint" = tests/lint/all.sh ] && continue
	stage "${lint##*/}" "$lint"
done
tally_end
