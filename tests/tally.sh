# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/run-all.sh and .ci/run: stages whose results add up.
#
# A stage that ends with a line "N passed, N failed" counts with those
# numbers; any other counts as one test, by its exit status. 77 means that
# the stage cannot run here, and counts as nothing.
tally_pass=0
tally_fail=0

# stage NAME COMMAND [ARG...]: run it, show what it prints, add its result.
stage() {
	name=$1
	shift
	log=$(mktemp)
	printf '== %s\n' "$name"
	rc=0
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	# The total is this script's to print, once, at the very end.
	grep -Ev '^[0-9]+ passed, [0-9]+ failed$' "$log" || :
	total=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	rm -f "$log"
	if [ $rc -eq 77 ]; then
		printf -- '-- %s: skipped\n' "$name"
		return 0
	fi
	ok=0
	bad=0
	if [ -n "$total" ]; then
		ok=${total%% *}
		bad=${total#*, }
		bad=${bad%% *}
		[ $rc -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	elif [ $rc -eq 0 ]; then
		ok=1
	else
		bad=1
	fi
	tally_pass=$((tally_pass + ok))
	tally_fail=$((tally_fail + bad))
	printf -- '-- %s: %d passed, %d failed' "$name" "$ok" "$bad"
	[ $rc -eq 0 ] || printf ' (exit status %d)' $rc
	printf '\n'
}

# The total as a plain line; the status says whether all is well.
tally_end() {
	printf '%d passed, %d failed\n' "$tally_pass" "$tally_fail"
	[ "$tally_fail" -eq 0 ] && [ "$tally_pass" -gt 0 ]
}
