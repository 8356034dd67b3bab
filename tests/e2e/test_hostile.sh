#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_hostile.sh RINGFENCE
# Names and labels that try to be markup, commands, paths or terminal codes,
# through every command and every output format. Ends with "N passed, N
# failed".
exec python3 -B "$(dirname "$0")/hostile.py" "$1"
