# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh: what the end-to-end scripts share. A script sources it first, with
# the program as $1, and ends with finish:
#
#	. "$(dirname "$0")/../support/lib.sh"
#
# Sets ringfence (its path), root, fixtures and shop (of the repository), and
# work, an empty folder that is the current one from then on.
set -u
export LC_ALL=C
unset RINGFENCE_DB NO_COLOR KUBECONFIG KUBERNETES_SERVICE_HOST
case $1 in
/*) ringfence=$1 ;;
*) ringfence=$(pwd)/$1 ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 3
fixtures=$root/fixtures
# shellcheck disable=SC2034 # of those who source this
shop=$fixtures/shop
work=$(mktemp -d) || exit 3
server= # a process to end with the script
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cd "$work" || exit 3
: >in
: >out
: >err
pass=0
fail=0

# verdict NAME STATUS: one line, and the last command's output when it is bad.
verdict() {
	if [ "$2" -eq 0 ]; then
		pass=$((pass + 1))
		printf 'ok %s\n' "$1"
	else
		fail=$((fail + 1))
		printf 'not ok %s\n' "$1"
		sed 's/^/  out: /' out | cut -c 1-200 | head -n 20
		sed 's/^/  err: /' err | head -n 20
	fi
}

# check NAME COMMAND [ARG...]: the command's status is the verdict; what it
# prints is only shown when it is bad.
check() {
	name=$1
	shift
	"$@" >said 2>&1
	set -- "$name" $?
	[ "$2" -eq 0 ] || sed 's/^/  /' said | head -n 20
	verdict "$@"
}

# run STATUS ARG...: run ringfence into out and err, with in as its input; 1
# when the exit status is another one or a sanitizer spoke.
run() {
	want=$1
	shift
	"$ringfence" "$@" >out 2>err <in
	status=$?
	[ $status -eq "$want" ] || {
		printf '  exit status %d, not %d: %s\n' $status "$want" "$*"
		return 1
	}
	! grep -q Sanitizer err
}

# has FILE TEXT...: does it hold every one of these?
has() {
	file=$1
	shift
	for text; do
		grep -qF -e "$text" "$file" || {
			printf '  %s lacks: %s\n' "$file" "$text"
			return 1
		}
	done
}

# serve: recorded lists of an API server, on the port that the file port says.
serve() {
	python3 "$root/tests/support/serve_lists.py" "$fixtures" >port &
	server=$!
	for _ in $(seq 100); do
		[ -s port ] && break
		sleep 0.2
	done
}

finish() {
	printf '%d passed, %d failed\n' $pass $fail
	[ $fail -eq 0 ] && [ $pass -gt 0 ]
}
