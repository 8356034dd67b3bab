#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/deploy.sh RINGFENCE
# deploy/ against itself and the program (deploy_check.py), what goes into the
# image, the unit by systemd-analyze(1). What takes kubectl or systemd-analyze is
# left out, with a word, where those are missing.
set -u
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/../.." || exit 3
rf=$(realpath "${1:?usage: deploy.sh RINGFENCE}")

# labels: in kustomization.yaml came with kustomize 4.1, kubectl 1.22.
kubectl=$(command -v kubectl) || kubectl=
if [ -z "$kubectl" ]; then
	echo "skipped: overlays of kustomize: no kubectl"
elif ! kubectl kustomize deploy/base >/dev/null 2>&1 &&
    ! kubectl version --client 2>/dev/null | grep -qi kustomize; then
	echo "skipped: overlays of kustomize: this kubectl is too old"
	kubectl=
fi
tally=$(mktemp)
trap 'rm -f "$tally"' EXIT
# shellcheck disable=SC2086 # nothing, or one path
python3 tests/e2e/deploy_check.py "$rf" $kubectl >"$tally" || :
grep -v ' passed, ' "$tally"
total=$(tail -n 1 "$tally")
pass=${total%% *}
fail=${total#*, }
fail=${fail%% *}

verdict() { # STATUS NAME
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
		pass=$((pass + 1))
	else
		echo "not ok $2"
		fail=$((fail + 1))
	fi
}

# .dockerignore is the one name that all three builders look for. What was built
# on this machine must not be taken for what the image's own libraries made.
[ ! -e .containerignore ] && grep -qx build .dockerignore &&
    grep -qx .git .dockerignore
verdict $? "no builder is given build/"

dir=$(mktemp -d)
scripts/rootfs.sh "$rf" "$dir/image"
verdict $? "the image's root file system"
# shellcheck disable=SC2046 # names of packages
dpkg -L $(ls "$dir/image/usr/share/doc") | sed 's|.*/||' | sort -u >"$dir/known"
find "$dir/image/usr/lib" "$dir/image/usr/lib64" -type f | sed 's|.*/||' |
    sort -u | comm -23 - "$dir/known" >"$dir/unknown"
[ -s "$dir/known" ] && [ ! -s "$dir/unknown" ]
verdict $? "holds the licence of each library"
sed 's/^/  /' "$dir/unknown"
rm -rf "$dir"

if command -v systemd-analyze >/dev/null; then
	# The program need not be installed where the unit looks for it.
	dir=$(mktemp -d)
	sed "s|/usr/local/bin/ringfence|$rf|" \
	    deploy/systemd/ringfence-collect.service \
	    >"$dir/ringfence-collect.service"
	said=$(systemd-analyze verify --man=no \
	    "$dir/ringfence-collect.service" 2>&1) && [ -z "$said" ]
	verdict $? "the unit, says systemd-analyze"
	[ -z "$said" ] || printf '  %s\n' "$said"
	rm -rf "$dir"
else
	echo "skipped: the unit: no systemd-analyze"
fi
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
