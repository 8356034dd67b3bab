#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: scripts/image.sh NAME:TAG [OPTION...]
# Build the image of the Containerfile with buildah, else podman, else docker.
# Options go to the builder: --build-arg BASE=..., --pull=never, ...
set -eu
image=$1
shift

for tool in buildah podman docker; do
	command -v $tool >/dev/null || continue
	case $tool in
	buildah) set -- buildah build "$@" ;;
	*) set -- $tool build "$@" ;;
	esac
	"$@" --build-arg VERSION="${image##*:}" -f Containerfile -t "$image" .
	echo "image: $image is built; push it where the nodes find it:"
	echo "  $tool push $image REGISTRY/$image"
	exit
done
echo "image: needs buildah, podman or docker (Debian: apt-get install" \
    "buildah)" >&2
exit 1
