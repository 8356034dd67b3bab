#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apps.sh RINGFENCE [APP...] - whole runs on applications with a known truth.
#
# An APP is a folder with flows.pcap, snapshot.json, expected-edges.json and,
# where there are, manifests/policies.yaml with expected-audit.json; beside it
# score.py. Without APP: all of ../shared/apps, and clusters that its
# make_app.py invents from fixtures/worlds; none where it is not there.
bin=$1
snapshots=
shift
here=$(cd "$(dirname "$0")" && pwd)
shared=$here/../../../shared/apps
# Whose policies and edges are right is asked of the released program: it does
# not depend on the build, and takes most of the time.
case $bin in
*asan*) judged=false ;;
*) judged=true ;;
esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/log"
if [ $# -eq 0 ]; then
	set -- "$shared"/*/
	mkdir "$tmp/worlds"
	[ -f "$shared/make_app.py" ] && cp "$shared/score.py" "$tmp/worlds"
	for world in "$here"/../../fixtures/worlds/*.json; do
		[ -f "$shared/make_app.py" ] || break
		out=$tmp/worlds/$(basename "$world" .json)
		python3 "$shared/make_app.py" --edges "$world" --out "$out" \
			>"$tmp/made" 2>&1 || cat "$tmp/made"
		set -- "$@" "$out"
	done
fi

say() { # OK NAME [WHY]
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2${3:+: $3}"
	fi | tee -a "$tmp/log"
}

# score.py on one folder of policies: complete, survives a rollout, no excess
# but DNS (policies allow it over UDP and TCP whatever was seen).
score() { # APP POLICIES NAME
	$judged || return 0
	python3 "$here/score_policies.py" "$1" "$2" 2>&1 |
		sed "s,^ok ,ok $3: ,;s,^not ok ,not ok $3: ,;s,^# ,# $3: ," |
		tee -a "$tmp/log"
}

recommend() { # APP DB NAME
	names=$(python3 -c "import json, sys
print(' '.join('-n ' + n for n in json.load(open(sys.argv[1]))[
    'scopeNamespaces']))" "$1/expected-edges.json")
	rm -rf "$tmp/out"
	# shellcheck disable=SC2086
	"$bin" recommend --db "$2" $names -o "$tmp/out" >"$tmp/story" 2>&1
	rc=$?
	if grep -q 169.254.169.254 "$1/expected-edges.json"; then
		[ $rc -eq 1 ]
		say $? "$3: the metadata address is asked for" "exit $rc"
		rm -rf "$tmp/out"
		# shellcheck disable=SC2086
		"$bin" recommend --db "$2" $names -o "$tmp/out" \
			--allow-metadata >"$tmp/story" 2>&1
		rc=$?
	fi
	say $rc "$3: recommend" "exit $rc: $(tail -1 "$tmp/story")"
	[ -d "$tmp/out" ] || return
	score "$1" "$tmp/out" "$3"
	"$bin" lint -R -f "$tmp/out" --snapshot "$1/snapshot.json" \
		>"$tmp/lint" 2>&1
	grep -q '^0 errors, 0 warnings, 0 notes' "$tmp/lint"
	say $? "$3: lint finds nothing" "$(sed -n 2p "$tmp/lint")"
}

compare() { # WHAT FILE: with what the app, by its name, should have
	$judged || return 0
	python3 "$here/compare_$1.py" "$app" "$2" 2>&1 |
		sed "s,^ok ,ok $name: ,;s,^not ok ,not ok $name: ," |
		tee -a "$tmp/log"
}

run() { # APP NAME CAPTURE...
	app=$1 name=$2
	shift 2
	db=$tmp/flows.db
	rm -f "$db"*
	# shellcheck disable=SC2086
	"$bin" collect -r "$@" --db "$db" \
		--snapshot ${snapshots:-"$app/snapshot.json"} \
		>"$tmp/collect.out" 2>&1
	rc=$?
	say $rc "$name: collect" "exit $rc: $(tail -1 "$tmp/collect.out")"
	"$bin" flows --db "$db" -o json >"$tmp/flows.json" 2>"$tmp/err"
	say $? "$name: flows" "$(tail -1 "$tmp/err")"
	compare edges "$tmp/flows.json"
	recommend "$app" "$db" "$name"
	[ -f "$app/manifests/policies.yaml" ] || return
	ns=$(python3 -c "import json, sys
print(json.load(open(sys.argv[1]))['scopeNamespaces'][0])" \
		"$app/expected-edges.json")
	"$bin" audit --db "$db" -f "$app/manifests/policies.yaml" \
		--default-namespace "$ns" -o json >"$tmp/audit.json" \
		2>"$tmp/err"
	[ $? -le 1 ]
	say $? "$name: audit" "$(tail -1 "$tmp/err")"
	compare audit "$tmp/audit.json"
}

# The same with every pod replaced on the way, and addresses handed on.
rolled() { # APP NAME
	python3 "$here/replace_pods.py" "$1" "$tmp/new" >"$tmp/made" 2>&1
	say $? "$2: made" "$(tail -1 "$tmp/made")"
	snapshots="$tmp/new/events.json $tmp/new/last.json"
	run "$1" "$2" "$tmp/new/flows.pcap"
	snapshots=
}

for app in "$@"; do
	app=${app%/}
	if [ ! -f "$app/flows.pcap" ]; then
		[ -d "$shared" ] && say 1 "$(basename "$app")" 'no flows.pcap'
		continue
	fi
	case $app in
	"$tmp"/*) ;; # by node is enough
	*) run "$app" "$(basename "$app")" "$app/flows.pcap" ;;
	esac
	[ -d "$app/pcaps" ] &&
		run "$app" "$(basename "$app") by node" "$app"/pcaps/*.pcap
	case $(basename "$app") in
	online-boutique | sock-shop | dual-stack | dynamic-ports)
		rolled "$app" "$(basename "$app") rolled out"
		;;
	esac
done
passed=$(grep -c '^ok ' "$tmp/log")
failed=$(grep -c '^not ok ' "$tmp/log")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
