#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Do the linters find what they are there to find? Each case writes one bad
# file into a small house of its own and expects the lint to name it; a
# clean house must pass.
set -u
cd "$(dirname "$0")" || exit 3
lints=$(pwd)
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
pass=0
fail=0

spdx='/* SPDX-License-Identifier: Apache-2.0 */'

# A house in which nothing is wrong.
fresh() {
	rm -rf "${house:?}"/*
	mkdir -p "$house/core" "$house/kube" "$house/store" "$house/cli" \
	    "$house/policy" "$house/collector" "$house/recommender"
	cat >"$house/core/good.c" <<-END
	$spdx
	#include "core/good.h"

	/* Not sprintf(3), nor "strcpy(" in a string. */
	int
	good(char *buf, size_t size)
	{
		char quote = '"';

		return snprintf(buf, size, "strcpy( %c \\" atoi(", quote);
	}
	END
}

result() {
	if [ "$1" -eq 0 ]; then
		pass=$((pass + 1))
		printf 'ok   %s\n' "$2"
	else
		fail=$((fail + 1))
		printf 'FAIL %s\n' "$2"
	fi
}

# finds LINT FILE TEXT WORD: does LINT name FILE and say WORD?
finds() {
	fresh
	printf '%s\n' "$3" >"$house/$2"
	out=$("$lints/$1" "$house" 2>&1)
	rc=$?
	[ $rc -ne 0 ] && printf '%s\n' "$out" | grep -q "^$2:[0-9]*: .*$4"
	result $? "$1: $2: $4"
	[ $rc -ne 0 ] || printf '%s\n' "$out"
}

repeat() {
	awk -v n="$1" -v s="$2" 'BEGIN { while (n-- > 0) print s }'
}

for lint in arrows.sh style.sh; do
	fresh
	out=$("$lints/$lint" "$house" 2>&1)
	result $? "$lint: a clean house passes"
	[ -z "$out" ] || printf '%s\n' "$out"
done

finds arrows.sh core/a.c '#include "kube/cluster.h"' 'core to kube'
finds arrows.sh store/a.c '#include "collector/x.h"' 'store to collector'
finds arrows.sh policy/a.c '#include "store/store.h"' 'policy to store'
finds arrows.sh recommender/a.h '#include "report/x.h"' 'to report'
finds arrows.sh collector/a.c '#  include <sqlite3.h>' 'at home'
finds arrows.sh collector/decode.c '#include <pcap.h>' 'at home'
finds arrows.sh policy/a.c '#include <yaml.h>' 'at home'
finds arrows.sh cli/a.c '#include <jansson.h>' 'at home'
finds arrows.sh kube/a.c '#include "cluster.h"' 'start with its room'
finds arrows.sh cli/a.c '#include "sql.h"' 'store/ alone'

finds arrows.sh kube/a.c '	j = json_loadb(s, n, 0, NULL);' 'json_text_read'
finds arrows.sh kube/a.c '	text = json_dumps(j, 0);' 'json_text_write'

finds style.sh core/a.c 'int x;' 'SPDX'
finds style.sh core/a.sh 'exit 0' 'SPDX'
finds style.sh core/a.sh '# SPDX-License-Identifier: Apache-2.0
ls /roo''t/x' 'one machine'
finds style.sh core/a.c "$spdx
int x; " 'blanks'
finds style.sh core/a.h "$spdx
$(printf '\t\t\t\t\t\t\t\t\t/* 34567 */')" '80 columns'
finds style.sh core/a.c "$spdx
int
f(void)
{
$(repeat 61 '	g();')
}" 'function of 61'
finds style.sh core/a.c "$spdx
$(repeat 600 'int x;')" 'file of 601'
for f in strcpy strcat sprintf gets strtok localtime gmtime atoi alloca \
    json_object_update_missing; do
	finds style.sh core/a.c "$spdx
	x = $f(y);" "$f"
done

# A statement that no test cites, and one that some test does.
fresh
mkdir -p "$house/tests/policy" "$house/fixtures"
printf '1. Cited.\n2. Not.\n' >"$house/policy/SEMANTICS.md"
printf '\t{ "1 cited", "2" },\n' >"$house/tests/policy/test_x.c"
out=$("$lints/semantics.sh" "$house" 2>/dev/null)
[ $? -eq 1 ] && [ "$out" = 'policy/SEMANTICS.md:2: no test cites statement 2' ]
result $? 'semantics.sh: policy/SEMANTICS.md: statement 2'

# A program that was told to be soft must be called so.
printf 'int main(void) { return 0; }\n' >"$house/soft.c"
if ${CC:-cc} -O0 -no-pie -fno-stack-protector -fcf-protection=none \
    -U_FORTIFY_SOURCE -Wl,-z,norelro,-z,lazy,-z,execstack \
    -o "$house/soft" "$house/soft.c" 2>/dev/null; then
	out=$("$lints/hardening.sh" "$house/soft")
	for what in 'position independent' relocations 'lazy binding' \
	    'executable stack' 'stack protector' 'checked functions'; do
		printf '%s\n' "$out" | grep -q "$what"
		result $? "hardening.sh: $what"
	done
fi

printf '%d passed, %d failed\n' "$pass" "$fail"
[ "$fail" -eq 0 ]
