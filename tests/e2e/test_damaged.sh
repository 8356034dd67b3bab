#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_damaged.sh RINGFENCE
# Databases with damaged pages and values, under every command. Ends with "N
# passed, N failed".
exec python3 -B "$(dirname "$0")/damaged.py" "$@"
