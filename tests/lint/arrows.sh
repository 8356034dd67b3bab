#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/lint/arrows.sh [ROOT]
# Does every #include follow the arrows of the house, and does every outside
# library stay in its home? Prints file:line of what does not; exit 1.
set -u
export LC_ALL=C
cd "${1:-$(dirname "$0")/../..}" || exit 3

# What each room may include: itself and what stands below it. tests/ and
# bench/ may use every room.
find core kube store collector policy recommender report cli -name '*.[ch]' \
    2>/dev/null | LC_ALL=C sort | xargs -r awk '
BEGIN {
	may["core"] = "core"
	may["kube"] = "kube core"
	may["store"] = "store kube core"
	may["collector"] = "collector store kube core"
	may["policy"] = "policy kube core"
	may["recommender"] = "recommender policy kube core"
	may["report"] = "report recommender policy kube core"
	may["cli"] = "cli report recommender collector store policy kube core"
	# Outside headers by the files that may include them, as patterns.
	home["pcap.h"] = "^collector/capture(_live)?[.]c$"
	home["pcap/pcap.h"] = "^collector/capture(_live)?[.]c$"
	home["sqlite3.h"] = "^store/"
	home["jansson.h"] = "^(kube|store|report)/"
	home["yaml.h"] = "^kube/"
	home["curl/curl.h"] = "^kube/client_http[.]c$"
	home["microhttpd.h"] = "^collector/metrics_http[.]c$"
	home["cap-ng.h"] = "^collector/privilege[.]c$"
	home["seccomp.h"] = "^collector/privilege[.]c$"
}
function wrong(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}
/^[ \t]*#[ \t]*include/ {
	room = FILENAME
	sub("/.*", "", room)
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*$/, "", name)
	if (name in home && FILENAME !~ home[name])
		wrong(name " is not at home here; it is in " home[name])
	if ($0 !~ /"/)
		next
	if (name == "sql.h") {
		if (room != "store")
			wrong("sql.h belongs to store/ alone")
		next
	}
	to = name
	if (!sub("/.*", "", to)) {
		wrong("\"" name "\" does not start with its room")
		next
	}
	if (index(" " may[room] " ", " " to " ") == 0)
		wrong("no arrow from " room " to " to " (" name ")")
}
/^[^*]*json_load(s|b|f|_file|_callback|fd)[ ]*[(]/ && !/^ [*]/ &&
    FILENAME != "kube/json_text.c" {
	wrong("json_load drops characters when memory is short: json_text_read")
}
/^[^*]*json_dump(s|b)[ ]*[(]/ && !/^ [*]/ &&
    FILENAME != "kube/json_text.c" {
	wrong("json_dumps drops keys when memory is short: json_text_write")
}
END { exit bad }
'
