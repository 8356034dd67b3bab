#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_hard_input.sh RINGFENCE
# Captures, snapshots and policies that are wrong, huge or unusual. Ends with
# "N passed, N failed".
exec python3 -B "$(dirname "$0")/hard_input.py" "$@"
