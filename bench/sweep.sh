#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/sweep.sh BUILD-DIR
# `collect -r` over BENCH_PACKETS (10 M) packets in ever more connections:
# CPU seconds and RSS, beside the null loop on the same file.
set -u
cd "$(dirname "$0")/.." || exit 3
build=$1
BENCH_PACKETS=${BENCH_PACKETS:-10000000}
# shellcheck source=bench/lib.sh
. bench/lib.sh

printf 'connections null_cpu_s collect_cpu_s cpuratio rss_MiB\n'
for n in ${BENCH_SWEEP:-10000 100000 1000000}; do
	generate many "$packets" "$n" && null_loop "$work/warm" || exit 1
	: >"$work/null"
	: >"$work/ours"
	null_loop "$work/null" && collect "$work/ours" || exit 1
	cat "$work/null" "$work/ours" | awk -v n="$n" '
	    NR == 1 { null = $2 }
	    NR == 2 { printf "%11d %10.2f %13.2f %8.2f %7.1f\n", n, null, $2,
		null / $2, $3 / 1024 }'
done
