#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_faults.sh RINGFENCE
# Databases that are locked, read-only or no databases, and disks that are
# full. Ends with "N passed, N failed".
exec python3 -B "$(dirname "$0")/faults.py" "$1"
