# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of ringfence for bash: the program itself knows what comes next.
_ringfence() {
	local line files=
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:0) files=1 ;;
		:*) ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" __complete \
	    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	# Names of files where there is nothing else.
	[ -z "$files" ] || compopt -o default
}
complete -F _ringfence ringfence kubectl-ringfence
