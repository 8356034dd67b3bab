#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: scripts/rootfs.sh PROGRAM FOLDER
# Lay out in FOLDER a root file system in which the program runs: itself, the
# shared libraries that it needs with their licences, users, and the
# certificate authorities of the world outside. Run by the Containerfile.
set -eu
program=$1
root=$2

mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/etc/ssl/certs" \
    "$root/var/lib/ringfence" "$root/tmp"
chmod 1777 "$root/tmp"
# As Debian has it, so that every path to a library stays true.
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
mkdir "$root/usr/lib64"
install -s -m 0755 "$program" "$root/usr/bin/ringfence"

# libgcc_s is what a thread that is cancelled loads.
libs=$({
	ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
	gcc -print-file-name=libgcc_s.so.1
} | sort -u)
for lib in $libs; do
	case $lib in
	/usr/*) to=$root$lib ;;
	*) to=$root/usr$lib ;;
	esac
	mkdir -p "${to%/*}"
	cp -L "$lib" "$to"
done

# Whose they are. What is in /usr/lib Debian 12 may know as of /lib, which is
# the same there.
owners=$(for lib in $libs; do
	realpath "$lib" | sed 'p; s|^/usr||'
done | xargs dpkg -S 2>/dev/null || :)
for lib in $libs; do
	path=$(realpath "$lib")
	package=$(printf '%s\n' "$owners" |
	    awk -v path="${path#/usr}" -F '[:,]? ' \
		'{ sub("^/usr", "", $NF) } $NF == path { print $1; exit }')
	package=${package%%:*}
	if [ -z "$package" ]; then
		echo "rootfs.sh: $lib: of no package, so under no licence" >&2
		exit 1
	fi
	mkdir -p "$root/usr/share/doc/$package"
	cp -L "/usr/share/doc/$package/copyright" \
	    "$root/usr/share/doc/$package/copyright"
done

printf 'root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\n' \
    >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' \
    >"$root/etc/nsswitch.conf"
[ ! -f /etc/ssl/certs/ca-certificates.crt ] ||
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
