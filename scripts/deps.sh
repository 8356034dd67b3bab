#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the packages that building and testing need, on Debian and Ubuntu.
# Usage: scripts/deps.sh [--build | --dev] [--check]
#   --build  only what building needs, as in the Containerfile
#   --dev    also what linting, fuzzing and CI need
#   --check  only say what is missing; exit 1 if something is
# Does nothing, and asks for no rights, when everything is there.
set -eu

# One package a word; "a|b" is met by either, and a is what gets installed.
BUILD="gcc make pkg-config|pkgconf libpcap-dev libsqlite3-dev libjansson-dev
libcurl4-openssl-dev|libcurl4-gnutls-dev libyaml-dev libcap-ng-dev
libseccomp-dev libmicrohttpd-dev"
BASE="$BUILD libcmocka-dev python3 python3-yaml sqlite3 mandoc iproute2
iptables dnsmasq-base"
DEV="clang libclang-rt-dev|libclang-rt-14-dev clang-tidy clang-format
git valgrind"

say() {
	printf 'deps: %s\n' "$*" >&2
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ]
}

# The packages of the list that are not there, by the name to install.
missing() {
	for alternatives in $1; do
		met=0
		for p in $(printf '%s' "$alternatives" | tr '|' ' '); do
			if installed "$p"; then
				met=1
				break
			fi
		done
		[ $met -eq 1 ] || printf '%s ' "${alternatives%%|*}"
	done
}

want=$BASE
check=0
for arg in "$@"; do
	case $arg in
	--build) want=$BUILD ;;
	--dev) want="$BASE $DEV" ;;
	--check) check=1 ;;
	*)
		say "unknown option '$arg'; usage: deps.sh [--build | --dev] " \
		    "[--check]"
		exit 2
		;;
	esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	say "this is neither Debian nor Ubuntu, so nothing is installed here;"
	say "needed are: gcc or clang, GNU make, pkg-config, libpcap, SQLite" \
	    "3.37 or later, jansson, libcurl, libyaml, libcap-ng, libseccomp," \
	    "libmicrohttpd; for tests cmocka, python3 with yaml, sqlite3," \
	    "mandoc, iproute2, iptables, dnsmasq"
	exit 0
fi

need=$(missing "$want")
[ -n "$need" ] || exit 0
say "missing: $need"
[ $check -eq 0 ] || exit 1

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		say "installing needs root, and there is no sudo; as root run:"
		say "apt-get install --no-install-recommends $need"
		exit 1
	fi
	as_root=sudo
fi

# A question would wait for ever where nobody sits, as in CI.
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o DPkg::Lock::Timeout=120 "$@" </dev/null >&2
}

say "installing them with apt-get"
# shellcheck disable=SC2086 # a list of words
if ! apt install --no-install-recommends $need; then
	say "apt-get's lists may be old; updating them and trying again"
	apt update
	if ! apt install --no-install-recommends $need; then
		say "apt-get could not install: $need"
		exit 1
	fi
fi
