#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/demo.sh RINGFENCE
# The demo must run to its end, and what it leaves behind must be the truth
# of fixtures/shop.
set -u
cd "$(dirname "$0")/../.." || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! scripts/demo.sh "$1" "$work" >"$work/log" 2>&1; then
	cat "$work/log"
	printf '0 passed, 1 failed\n'
	exit 1
fi
python3 -B tests/e2e/demo_check.py "$1" "$work"
