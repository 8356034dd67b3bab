#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/lint/hardening.sh [BINARY]
# Was the release program built as the Makefile's HARD and LINK ask? What the
# compiler was told is read back from what it made. Exit 1 names what lacks.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 3
binary=${1:-build/release/ringfence}
bad=0
if [ ! -f "$binary" ]; then
	echo "hardening: no $binary; run make first"
	exit 77
fi
command -v readelf >/dev/null || {
	echo "hardening: needs readelf (Debian package binutils)"
	exit 2
}

lacks() {
	echo "$binary: $1"
	bad=1
}

header=$(readelf -hW "$binary") || exit 2
segments=$(readelf -lW "$binary")
dynamic=$(readelf -dW "$binary")
symbols=$(readelf --dyn-syms -W "$binary")

# want TEXT PATTERN WHAT: is it there?
want() {
	printf '%s\n' "$1" | grep -Eq "$2" || lacks "$3"
}
# never TEXT PATTERN WHAT: is it not there?
never() {
	printf '%s\n' "$1" | grep -Eq "$2" && lacks "$3"
}

want "$header" 'Type: +DYN' 'not position independent (-fPIE, -pie)'
want "$dynamic" 'FLAGS_1.*PIE' 'not marked as PIE (-pie)'
want "$segments" 'GNU_RELRO' 'no read-only relocations (-z relro)'
want "$dynamic" 'BIND_NOW|FLAGS.*NOW' 'lazy binding (-z now)'
want "$segments" 'GNU_STACK' 'no word about the stack (-z noexecstack)'
never "$segments" 'GNU_STACK.* RWE ' 'executable stack (-z noexecstack)'
never "$segments" 'LOAD.* RWE ' 'a segment both writable and executable'
never "$dynamic" 'TEXTREL' 'relocations in code'
never "$dynamic" 'RPATH|RUNPATH' 'libraries from a path of its own'
want "$symbols" '__stack_chk_fail' \
    'no stack protector (-fstack-protector-strong)'
want "$symbols" '__(snprintf|vsnprintf|memcpy|fprintf)_chk' \
    'no checked functions (-D_FORTIFY_SOURCE)'
# Whether the program as a whole is marked depends on the C library's own
# start-up files, which Debian builds without; our objects must be.
object=${binary%/*}/cli/main.o
if [ "$(uname -m)" = x86_64 ] && [ -f "$object" ]; then
	notes=$(readelf -nW "$object")
	want "$notes" 'x86 feature:.*IBT' 'no branch tracking (-fcf-protection)'
	want "$notes" 'x86 feature:.*SHSTK' 'no shadow stack (-fcf-protection)'
fi
[ $bad -eq 0 ] && echo "hardening: $binary is as it should be"
exit $bad
