#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/lint/fixtures.sh
# Do the scripts that make fixtures still make those that are committed, byte
# for byte? Prints what differs; exit 1. `make fixtures` makes them anew.
set -u
cd "$(dirname "$0")/../.." || exit 3
copy=$(mktemp -d) || exit 3
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/tests" && cp -R fixtures "$copy" &&
	cp -R tests/fuzz "$copy/tests" || exit 3

for script in fixtures/shop/make_shop.py fixtures/lint/make_objects.py \
    tests/fuzz/make_seeds.py; do
	PYTHONDONTWRITEBYTECODE=1 python3 "$copy/$script" || exit 1
done
diff -rq fixtures "$copy/fixtures"
