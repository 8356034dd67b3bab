#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/lint/style.sh [ROOT]
# What of the house style a machine can see and clang-format does not.
# Prints file:line of each breach; exit 1.
set -u
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}" || exit 3

files() {
	find . \( -name .git -o -path ./build \) -prune -o -type f \
	    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o \
	    -name '*.sql' -o -name '*.py' -o -name Makefile -o \
	    -path './.ci/run' \) -print | sed 's|^\./||' | LC_ALL=C sort
}

files | xargs -r awk '
function wrong(line, what) {
	printf "%s:%d: %s\n", FILENAME, line, what
	bad = 1
}
# How wide a line is when a tab reaches to the next multiple of 8; bytes
# that continue a UTF-8 character add nothing.
function width(s,    i, c, w) {
	if (s !~ /[\t\200-\377]/)
		return length(s)
	w = 0
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\t")
			w += 8 - w % 8
		else if (c !~ /[\200-\277]/)
			w++
	}
	return w
}
# The line without the text of its strings, characters and comments.
function code(s) {
	gsub(/\\./, "", s)
	gsub(/\047[^\047]\047/, "0", s)
	gsub(/"[^"]*"/, "\"\"", s)
	gsub(/\/\*[^*]*\*\//, "", s)
	sub(/\/\*.*/, "", s)
	if (s ~ /^[ \t]*\*/)
		return ""
	return s
}
function file_ends() {
	if (!spdx && name !~ /[.]sql$/)
		wrong_in(name, 1, "no SPDX-License-Identifier line")
	if (is_c && lines > 600)
		wrong_in(name, lines, "file of " lines " lines (600)")
}
function wrong_in(file, line, what) {
	printf "%s:%d: %s\n", file, line, what
	bad = 1
}
FNR == 1 {
	if (name != "")
		file_ends()
	name = FILENAME
	is_c = name ~ /[.][ch]$/
	spdx = 0
	start = 0
	by_hand = 0
}
{ lines = FNR }
FNR <= 3 && /SPDX-License-Identifier: Apache-2[.]0/ { spdx = 1 }
/[ \t]+$/ { wrong(FNR, "blanks at the end of the line") }
/\r/ { wrong(FNR, "carriage return") }
/\/(roo[t]|wor[k]\/(main|shared))\// { wrong(FNR, "path of one machine") }
# Tables that are laid out by hand may be wider.
/clang-format off/ { by_hand = 1 }
/clang-format on/ { by_hand = 0 }
is_c && !by_hand && width($0) > 80 { wrong(FNR, "wider than 80 columns: " width($0)) }
is_c && /^{/ { start = FNR }
is_c && /^}/ {
	if (start && FNR - start - 1 > 60)
		wrong(start, "function of " FNR - start - 1 " lines (60)")
	start = 0
}
is_c {
	c = code($0)
	if (match(c, banned))
		wrong(FNR, "banned function: " substr(c, RSTART, RLENGTH))
	if (c ~ /^typedef struct|[^_a-zA-Z0-9]typedef struct/)
		wrong(FNR, "typedef of a struct hides that it is one")
	if ($0 ~ /TO[D]O|FIX[M]E|(^|[^X])X[X]X([^X]|$)/)
		wrong(FNR, "unfinished business in a comment")
}
END {
	file_ends()
	exit bad
}
BEGIN { # the last ones pass over what they have no memory for
	banned = "(^|[^_a-zA-Z0-9>.])(strcpy|strcat|sprintf|vsprintf|gets|" \
	    "strtok|localtime|gmtime|ctime|asctime|atoi|atol|atoll|atof|" \
	    "alloca|json_copy|json_object_update_missing|" \
	    "json_object_update_existing)[ ]*[(]"
}
'
