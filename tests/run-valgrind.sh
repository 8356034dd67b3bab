#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/run-valgrind.sh BUILD-DIR 'E2E-SCRIPT...'
# Run end-to-end scripts with a ringfence that is under valgrind's memcheck: a
# read of what was never written, which no sanitizer of gcc sees, an access
# out of bounds or a leak in any of its processes is a failure. Ends with "N
# passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 3
. tests/tally.sh
command -v valgrind >/dev/null || {
	echo 'valgrind is not installed; scripts/deps.sh --dev does it' >&2
	exit 3
}
reports=$tally_logs/valgrind
wrapped=$tally_logs/bin/ringfence
mkdir "$reports" "${wrapped%/*}"
cat >"$wrapped" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=66 --leak-check=full \
    --errors-for-leak-kinds=definite,possible --log-file=$reports/%p \
    $PWD/$1/ringfence "\$@"
END
chmod +x "$wrapped"

for script in $2; do
	stage_beside "$(nproc)" "valgrind $script" "tests/e2e/$script" \
	    "$wrapped"
done
tally_join

is_clean() {
	local log runs=0 bad=0

	for log in "$reports"/*; do
		[ -e "$log" ] || break
		runs=$((runs + 1))
		[ ! -s "$log" ] || { bad=$((bad + 1)); cat "$log"; }
	done
	printf '%d runs of ringfence, %d with findings\n' $runs $bad
	[ $runs -gt 0 ] && [ $bad -eq 0 ]
}
stage 'memcheck' is_clean
tally_end
