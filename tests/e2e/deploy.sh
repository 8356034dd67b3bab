#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/deploy.sh RINGFENCE
# deploy/ against itself and the program (deploy_check.py), the unit by
# systemd-analyze(1). What takes kubectl or systemd-analyze is left out, with
# a word, where those are missing.
set -u
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")/../.." || exit 3
rf=$(realpath "${1:?usage: deploy.sh RINGFENCE}")

# labels: in kustomization.yaml came with kustomize 4.1, kubectl 1.21.
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

if command -v systemd-analyze >/dev/null; then
	# The program need not be installed where the unit looks for it.
	dir=$(mktemp -d)
	sed "s|/usr/local/bin/ringfence|$rf|" \
	    deploy/systemd/ringfence-collect.service \
	    >"$dir/ringfence-collect.service"
	if said=$(systemd-analyze verify --man=no \
	    "$dir/ringfence-collect.service" 2>&1) && [ -z "$said" ]; then
		echo "ok the unit, says systemd-analyze"
		pass=$((pass + 1))
	else
		echo "not ok the unit, says systemd-analyze"
		printf '  %s\n' "$said"
		fail=$((fail + 1))
	fi
	rm -rf "$dir"
else
	echo "skipped: the unit: no systemd-analyze"
fi
echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
