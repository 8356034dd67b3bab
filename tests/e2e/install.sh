#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/install.sh RINGFENCE
# What `make install`, `make uninstall` and `make dist` leave behind, and that
# it works from there: the kubectl plugin and the completions of the shells.
# What takes kubectl, zsh, fish or git is left out, with a word, without them.
set -u
export LC_ALL=C.UTF-8
unset MAKEFLAGS MFLAGS MAKELEVEL RINGFENCE_DB
cd "$(dirname "$0")/../.." || exit 3
build=$(dirname "${1:?usage: install.sh RINGFENCE}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
pass=0
fail=0

verdict() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		pass=$((pass + 1))
		echo "ok $2"
	else
		fail=$((fail + 1))
		echo "not ok $2"
		sed 's/^/  /' "$dir/out" | head -n 20
	fi
}

# is NAME WANTED: what $dir/out holds
is() {
	printf '%s\n' "$2" | diff - "$dir/out" >"$dir/diff"
	local rc=$?
	[ $rc -eq 0 ] || cp "$dir/diff" "$dir/out"
	verdict $rc "$1"
}

# The program is built: -o keeps it from being built anew.
mk() {
	make --no-print-directory -s -o all -o "$build/ringfence" \
	    B="$build" "$@" >"$dir/out" 2>&1
}

usr=$dir/staged/usr
mk install DESTDIR="$dir/staged" PREFIX=/usr
verdict $? 'make install'
(cd "$usr" && find . ! -type d | LC_ALL=C sort) >"$dir/out"
is 'what is installed, and where' './bin/kubectl-ringfence
./bin/kubectl_complete-ringfence
./bin/ringfence
'"$(for m in man/*.1; do
	printf './share/bash-completion/completions/ringfence
./share/fish/vendor_completions.d/ringfence.fish
./share/man/man1/%s\n' "${m##*/}"; done | LC_ALL=C sort -u)"'
./share/zsh/site-functions/_ringfence'
PATH=$usr/bin:$PATH

kubectl-ringfence flow >"$dir/out" 2>&1
is 'the plugin speaks of itself as kubectl does' \
	"ringfence: unknown command 'flow'; did you mean 'flows'?
See 'kubectl ringfence --help' for usage."
kubectl-ringfence flows --help | grep -c '^  kubectl ringfence flows' \
	>"$dir/out"
[ "$(cat "$dir/out")" -gt 1 ]
verdict $? 'examples and usage of the plugin'
ringfence flows --help | grep -c '^  ringfence flows' >"$dir/out"
[ "$(cat "$dir/out")" -gt 1 ]
verdict $? 'and of the program'

if command -v kubectl >/dev/null; then
	kubectl ringfence --version >"$dir/out" 2>&1
	is 'kubectl finds the plugin' "$(ringfence --version)"
	kubectl __complete ringfence audit --fail-on w 2>/dev/null >"$dir/out"
	is 'kubectl completes it' 'would-drop
:4'
else
	echo "skipped: the plugin within kubectl: no kubectl"
fi

# Of a shell's own machinery as little as will do.
cat >"$dir/complete.bash" <<'END'
. "$1/share/bash-completion/completions/ringfence"
compopt() { echo "compopt $*"; }
t() {
	COMP_WORDS=(ringfence "$@")
	COMP_CWORD=$#
	_ringfence
	printf '%s\n' "${COMPREPLY[@]}"
}
t reco
t collect --depth = f
t collect --interface any --db ''
END
bash "$dir/complete.bash" "$usr" >"$dir/out" 2>&1
is 'bash completes' 'recommend
full
compopt -o default
'
if command -v fish >/dev/null; then
	# shellcheck disable=SC2016 # fish's own
	fish -c 'source $argv[1]; complete -C "ringfence reco"
	complete -C "ringfence collect --depth=f"' \
	    "$usr/share/fish/vendor_completions.d/ringfence.fish" |
		cut -f 1 >"$dir/out" 2>&1
	is 'fish completes' 'recommend
--depth=full'
else
	echo "skipped: completion in fish: no fish"
fi
if command -v zsh >/dev/null; then
	zsh -n "$usr/share/zsh/site-functions/_ringfence" >"$dir/out" 2>&1
	verdict $? 'zsh reads the completion'
else
	echo "skipped: completion in zsh: no zsh"
fi

mk uninstall DESTDIR="$dir/staged" PREFIX=/usr
verdict $? 'make uninstall'
find "$dir/staged" ! -type d >"$dir/out"
[ ! -s "$dir/out" ]
verdict $? 'nothing is left'

# scripts/dist.sh is what `make dist` runs; FOLDER is build/dist there.
if ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then
	echo "skipped: make dist: not a clone of the repository"
else
	for n in 1 2; do
		scripts/dist.sh 9.9.9 "$build/ringfence" "$dir/dist$n" \
		    https://releases.example/r/ >"$dir/out" 2>&1
		verdict $? "make dist, run $n"
	done
	diff -r "$dir/dist1" "$dir/dist2" >"$dir/out" 2>&1
	verdict $? 'the same bytes again'
	(cd "$dir/dist1" && sha256sum -c SHA256SUMS) >"$dir/out" 2>&1
	verdict $? 'checksums'
	sum=$(sha256sum <"$(echo "$dir"/dist1/*-linux-*.tar.gz)")
	python3 - "$dir/dist1/ringfence.yaml" "${sum%% *}" >"$dir/out" 2>&1 <<'END'
import sys
import yaml
text = open(sys.argv[1], encoding="utf-8").read()
plugin = yaml.safe_load(text)
[platform] = plugin["spec"]["platforms"]
assert "@" not in text.replace("@@", "")
assert plugin["spec"]["version"] == "v9.9.9"
assert platform["sha256"] == sys.argv[2]
assert platform["uri"].startswith(
    "https://releases.example/r/ringfence-9.9.9-linux-")
END
	verdict $? 'the manifest for krew'
fi
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
