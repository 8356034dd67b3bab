#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_recommend.sh RINGFENCE
# What recommend and testplan leave behind on the bundled example, read as a
# reviewer would; names that try to break out. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

make_db() {
	"$ringfence" collect -q -r "$shop"/capture-node-*.pcap \
		--snapshot "$shop/snapshot.json" --db shop.db
}
check 'collect' make_db

# ------------------------------------------------------------------- review
files() {
	"$ringfence" recommend --db shop.db -n shop -o dir >story 2>err &&
		[ -f dir/REVIEW.md ] && [ -f dir/kustomization.yaml ] &&
		[ -f dir/shop/kustomization.yaml ]
}
check 'REVIEW.md and kustomizations are written' files
listed() {
	for f in dir/shop/[0-9]*.yaml; do echo "- ${f##*/}"; done | sort >want
	grep '^- ' dir/shop/kustomization.yaml | sort >have
	cmp want have && [ "$(grep -c '^- ' dir/kustomization.yaml)" -eq 1 ] &&
		[ "$(grep '^- ' dir/shop/kustomization.yaml | tail -n 1)" = \
			'- 90-default-deny.yaml' ]
}
check 'a kustomization lists each file, default-deny last' listed
review() {
	has dir/REVIEW.md '## Proof' 'none is redundant' \
		'**0 beyond that**' '## Readiness' 'Namespace shop: **wait**' \
		'a week is wanted' '## Left out' '## What NetworkPolicy' \
		'### shop/10-backend.yaml' 'api.payments.example' &&
		has story '0 beyond that' 'Readiness: 0 of'
}
check 'REVIEW.md holds proof, readiness, evidence' review
single() {
	"$ringfence" recommend --db shop.db -n monitoring -o alone >story 2>err &&
		has alone/REVIEW.md '0 of 1 workload is ready.' &&
		! grep -q 'All must wait' alone/REVIEW.md &&
		grep -q '^| monitoring | .*| wait |.* a week is wanted' \
			alone/REVIEW.md
}
check 'the reasons of a single workload are its own' single
rows() { # every rule of every file has its row
	want=$(cat dir/shop/[0-9]*.yaml | grep -cE '^  - (from|to):')
	have=$(grep -cE '^\| (ingress|egress) [0-9]+ \|' dir/REVIEW.md)
	echo "$want rules, $have rows"
	[ "$want" -gt 5 ] && [ "$want" -eq "$have" ]
}
check 'each rule has a row of evidence' rows
other() {
	"$ringfence" recommend --db shop.db -n monitoring -o dir >/dev/null &&
		[ "$(grep '^- ' dir/kustomization.yaml | tr -d '\n')" = \
			'- monitoring- shop' ]
}
check 'a second run keeps the first in the kustomization' other
mine() {
	mkdir mine && echo hello >mine/REVIEW.md && echo x >mine/notes.txt
	"$ringfence" recommend --db shop.db -n shop -o mine 2>err
	[ $? -eq 3 ] && has err REVIEW.md && [ "$(cat mine/REVIEW.md)" = hello ] &&
		[ ! -e mine/shop ]
}
check 'a REVIEW.md of somebody else is left alone' mine
skipped() {
	"$ringfence" validate -R -f dir >have 2>&1 && has have 'no mistakes' &&
		! grep -i kustom have
}
check 'validate passes over kustomizations in silence' skipped
same() {
	"$ringfence" recommend --db shop.db -n shop -o one >/dev/null &&
		"$ringfence" recommend --db shop.db -n shop -o two >/dev/null &&
		diff -r one two
}
check 'the same bytes twice, REVIEW.md too' same

golden() {
	diff -r -x .ringfence "$golden" one
}
golden=$(dirname "$shop")/recommender/shop
check 'as fixtures/recommender/shop says' golden

# ----------------------------------------------------------------- existing
incremental() {
	cp -r one/shop kept && rm kept/90-default-deny.yaml &&
		sed -i 's/^  name: /&old-/' kept/10-*.yaml &&
		"$ringfence" recommend --db shop.db -n shop -o inc \
			--existing kept --incremental >story &&
		has story 'rules 0 besides DNS' &&
		has inc/REVIEW.md '## What changes' \
			'shop/old-backend: stays until somebody deletes it' \
			'shop/allow-dns: replaced' 'they must stay' &&
		! grep -q 'kubectl delete' inc/REVIEW.md
}
check '--incremental leaves out what stays' incremental
changes() {
	"$ringfence" recommend --db shop.db -n shop -o full \
		--existing "$shop/policies-broken.yaml" >story &&
		has full/REVIEW.md '## What changes' ': replaced' \
			'of the observed edges and drop' &&
		cmp full/shop/10-backend.yaml one/shop/10-backend.yaml
}
check '--existing says what changes, and changes nothing' changes
away() {
	"$ringfence" recommend --db shop.db -n shop -o all \
		--existing kept >story &&
		sed -n '/^kubectl delete/,/^```/p' all/REVIEW.md >have &&
		has have 'networkpolicy -n shop' ' old-backend' &&
		! grep allow-dns have
}
check '--existing says how to be rid of the others' away
wrong() {
	echo 'kind: NetworkPolicy' >wrong.yaml
	"$ringfence" recommend --db shop.db -n shop --existing wrong.yaml \
		>have 2>err
	[ $? -eq 3 ] && [ ! -s have ] && has err apiVersion
}
check 'existing policies with mistakes are refused' wrong

# ------------------------------------------------------------------ plugins
aws() {
	"$ringfence" recommend --db shop.db -n shop --cni aws-vpc >have 2>err &&
		has have '# Service addresses' && has err 'aws-vpc'
}
check '--cni aws-vpc adds Service addresses' aws
unknown() {
	"$ringfence" recommend --db shop.db -n shop --cni weave 2>err
	[ $? -eq 2 ] && has err cilium
}
check 'an unknown plugin is a usage error' unknown

# ----------------------------------------------------------------- testplan
plan() {
	"$ringfence" testplan --db shop.db -n shop -o plan.sh 2>err &&
		sh -n plan.sh && has err 'allowed connections to check' &&
		has plan.sh "to_pod allow 'shop/frontend to shop/backend" \
			"to_address allow" "to_pod deny" "stranger '"
}
check 'testplan: a script that a shell can read' plan
# A kubectl that answers as the cluster would: everything connects, or the
# pod says no, or it fails.
cat >kubectl <<'END'
#!/bin/sh
case $1 in
get) echo "pod-1 10.0.0.1" ;;
*) [ -n "$ANSWER" ] && echo "rf=$ANSWER" ;;
esac
END
chmod +x kubectl
play() { # ANSWER WHEN STATUS TEXT
	ANSWER=$1 KUBECTL=./kubectl sh plan.sh "$2" >have 2>&1
	[ $? -eq "$3" ] && has have "$4"
}
check 'testplan before: open is fine' play connected before 0 'still connects'
check 'testplan after: open is not' play connected after 1 'FAIL'
check 'testplan: closed is not' play no before 1 'does not connect'
check 'testplan: a failing kubectl is no answer' play '' after 1 \
	'kubectl failed'
clean() {
	command -v shellcheck >/dev/null || return 0
	shellcheck plan.sh
}
check 'testplan: shellcheck has nothing to say' clean
# In the pod there is only an nc that cannot scan: its error is no answer.
mkdir bin
printf '#!/bin/sh\necho "nc: invalid option" >&2\nexit 1\n' >bin/nc
cat >pod <<'END'
#!/bin/sh
case $1 in
get) echo "pod-1 10.0.0.1" ;;
exec) shift 6 && PATH=$TOOLS exec /bin/sh "$@" ;;
esac
END
chmod +x bin/nc pod
tools() {
	TOOLS=$work/bin KUBECTL=./pod sh plan.sh after >have 2>&1
	[ $? -eq 1 ] && has have 'the pod has no tool for it' &&
		! grep -qE '^(ok|FAIL)' have
}
check 'testplan: an nc that cannot tell is no tool' tools
usage() {
	sh plan.sh >have 2>&1
	[ $? -eq 2 ] && has have 'before|after'
}
check 'testplan: usage' usage

# ------------------------------------------------------------ hostile names
# Names from objects and from the wire: neither shell nor Markdown may take
# them for more than names.
hostile() {
	python3 - "$shop/snapshot.json" bad.json <<'END'
import re, sys
text = open(sys.argv[1]).read()
bad = "front'$(touch pwned)`touch pwned`|<b>[x](http://e.vil)"
# Names alone: labels like this end the run, for no server takes them.
text, n = re.subn(r'("name": ?)"frontend"', lambda m: m[1] + '"%s"' % bad,
                  text)
assert n > 0
open(sys.argv[2], "w").write(text)
END
	"$ringfence" collect -q -r "$shop"/capture-node-*.pcap \
		--snapshot bad.json --db bad.db || return 1
	"$ringfence" testplan --db bad.db -n shop -o bad.sh || return 1
	sh -n bad.sh && ANSWER=no KUBECTL=./kubectl sh bad.sh before >have
	[ ! -e pwned ] && has have 'touch pwned'
}
check 'testplan: a name cannot end its quotes' hostile
markdown() {
	"$ringfence" recommend --db bad.db -n shop -o bad >story 2>err
	cat err
	has bad/REVIEW.md 'touch pwned' &&
		! grep -E '<b>|[^\\]\[x[^\\]|http:/' bad/REVIEW.md
}
check 'REVIEW.md: a name is no markup' markdown

finish
