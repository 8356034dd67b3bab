#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: scripts/dist.sh VERSION PROGRAM FOLDER [URL]
# What a release consists of, in FOLDER: the sources of the last commit, the
# program with its licence for this machine's kind, their SHA256SUMS and, if
# the URL below which they will be found is given, the manifest for krew. The
# same commit and program give the same bytes.
set -eu
version=$1
program=$2
out=$3
url=${4:-}

if ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then
	echo "dist: needs git(1) and a clone: it packs the last commit" >&2
	exit 1
fi
[ -z "$(git status --porcelain)" ] ||
	echo "dist: note: what is not committed is left out" >&2
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
mkdir -p "$out"
sources=ringfence-$version
binary=ringfence-$version-linux-$arch
rm -f "$out"/ringfence-*.tar.gz "$out/ringfence.yaml" "$out/SHA256SUMS"

git archive --format=tar --prefix="$sources/" HEAD |
	gzip -9n >"$out/$sources.tar.gz"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/$binary"
install -m 0755 "$program" "$stage/$binary/ringfence"
strip "$stage/$binary/ringfence"
install -m 0644 LICENSE "$stage/$binary/LICENSE"
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$(git log -1 --format=%ct)" -cf - "$binary" |
	gzip -9n >"$out/$binary.tar.gz"
(cd "$out" && sha256sum "$sources.tar.gz" "$binary.tar.gz" >SHA256SUMS)
cat "$out/SHA256SUMS"

if [ -z "$url" ]; then
	echo "dist: no DIST_URL, so no manifest for krew" >&2
	exit 0
fi
sha256=$(sha256sum <"$out/$binary.tar.gz")
sed -e "1d; s|@VERSION@|$version|; s|@URL@|${url%/}|; s|@ARCH@|$arch|" \
    -e "s|@ARCHIVE@|$binary.tar.gz|; s|@SHA256@|${sha256%% *}|" \
    deploy/krew/ringfence.yaml.in >"$out/ringfence.yaml"
echo "$out/ringfence.yaml"
