#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_yaml_names.sh RINGFENCE
# Names that a YAML reader might take for something else. Ends with
# "N passed, N failed".
exec python3 -B "$(dirname "$0")/yaml_names.py" "$1"
