# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced (by bash) where many programs are run:
# stages whose results add up. $tally_logs is a folder that ends with the script.
#
# A stage that ends with a line "N passed, N failed" counts with those
# numbers; any other counts as one test, by its exit status. 77 means that
# the stage cannot run here, and counts as nothing. Behind the result stands
# what it took: seconds on the clock, and of the processors.
tally_pass=0
tally_fail=0
tally_names=()
tally_next=0 # the first stage whose result was not shown yet
tally_wrong='' # what failed, told again before the total
tally_logs=$(mktemp -d) || exit 3
trap 'rm -rf "$tally_logs"' EXIT

# stage NAME COMMAND [ARG...]: run it, show what it prints, add its result.
stage() {
	stage_beside 1 "$@"
	tally_join
}

# stage_beside JOBS NAME COMMAND [ARG...]: run it beside those that were
# started so and not joined yet, JOBS of them at most.
stage_beside() {
	local jobs=$1

	while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
		wait -n || :
	done
	tally_start '' "${@:2}"
}

# stage_after NAMES NAME COMMAND [ARG...]: run it beside all others, once
# those of the names (with commas between them) have ended.
stage_after() {
	tally_start "$@"
}

tally_start() { # NAMES NAME COMMAND [ARG...]
	local n=${#tally_names[@]} needs=$1

	tally_names+=("$2")
	shift 2
	{
		rc=0
		tally_await "$needs"
		start=$EPOCHREALTIME
		"$@" >"$tally_logs/$n.log" 2>&1 </dev/null || rc=$?
		times >"$tally_logs/$n.cpu"
		tally_took "$start" "$tally_logs/$n.cpu" >"$tally_logs/$n.took"
		echo $rc >"$tally_logs/$n.rc"
		: >"$tally_logs/$n.ended"
	} &
	tally_show
}

tally_await() { # NAMES
	local need n needs

	IFS=, read -ra needs <<<"$1"
	for need in "${needs[@]}"; do
		for ((n = 0; n < ${#tally_names[@]}; n++)); do
			[ "${tally_names[n]}" != "$need" ] || break
		done
		[ "$n" -lt "${#tally_names[@]}" ] || {
			printf 'no stage before: %s\n' "$need" >&2
			exit 3
		}
		until [ -e "$tally_logs/$n.ended" ]; do
			sleep 0.5
		done
	done
}

# "SECONDS s, SECONDS s of CPU" since START; what `times` wrote is in the file.
tally_took() { # START FILE
	LC_ALL=C awk -v start="$1" -v end="$EPOCHREALTIME" -F '[ms ]+' '
	    { cpu += $1 * 60 + $2 + $3 * 60 + $4 }
	    END { printf "%.1f s, %.1f s of CPU", end - start, cpu }' "$2"
}

# Show the results that are there, in the order in which they were started.
tally_show() {
	while [ -s "$tally_logs/$tally_next.rc" ]; do
		tally_add "${tally_names[$tally_next]}" \
		    "$tally_logs/$tally_next.log" \
		    "$(cat "$tally_logs/$tally_next.rc")" \
		    "$(cat "$tally_logs/$tally_next.took")"
		rm -f "$tally_logs/$tally_next".[!e]*
		tally_next=$((tally_next + 1))
	done
}

# Wait for all that run.
tally_join() {
	while wait -n; do
		tally_show
	done
	wait
	tally_show
	[ "$tally_next" -eq "${#tally_names[@]}" ] && return
	printf 'a stage has left no result: %s\n' "${tally_names[$tally_next]}"
	exit 3
}

tally_add() { # NAME LOG STATUS TOOK
	local ok=0 bad=0 total

	printf '== %s\n' "$1"
	# The total is this script's to print, once, at the very end.
	grep -Ev '^[0-9]+ passed, [0-9]+ failed$' "$2" || :
	if [ "$3" -eq 77 ]; then
		printf -- '-- %s: skipped\n' "$1"
		return
	fi
	total=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$2" | tail -n 1)
	if [ -n "$total" ]; then
		ok=${total%% *}
		bad=${total#*, }
		bad=${bad%% *}
		[ "$3" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	elif [ "$3" -eq 0 ]; then
		ok=1
	else
		bad=1
	fi
	tally_pass=$((tally_pass + ok))
	tally_fail=$((tally_fail + bad))
	[ "$bad" -eq 0 ] || tally_keep "$1" "$2"
	printf -- '-- %s: %d passed, %d failed' "$1" "$ok" "$bad"
	[ "$3" -eq 0 ] || printf ' (exit status %d)' "$3"
	printf ' [%s]\n' "$4"
}

# Of thousands of lines those that say what failed must be found again: what
# a stage of stages tells so, or the lines of tests that failed, or the last.
tally_keep() { # NAME LOG
	local lines

	lines=$(grep -a '^failed: ' "$2")
	[ -n "$lines" ] || lines=$(
		grep -aE '^(not ok|FAIL|ERROR|\[  (FAILED|ERROR) +\]|=+[0-9]+=+ERROR|[^ ]+: exit status )' \
		    "$2" || tail -n 5 "$2"
	)
	tally_wrong+=$(
		printf '%s\n' "$lines" | head -n 20 | cut -c 1-400 |
			sed "s|^failed: |&$1: |; t; s|^|failed: $1: |"
	)$'\n'
}

# The total as a plain line, behind what failed; the status says whether all is well.
tally_end() {
	tally_join
	printf '%s' "$tally_wrong"
	printf '%d passed, %d failed\n' "$tally_pass" "$tally_fail"
	[ "$tally_fail" -eq 0 ] && [ "$tally_pass" -gt 0 ]
}
