#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/test_report.sh RINGFENCE
# The page that report writes, read as a browser would; what people are told
# when it cannot be written. Ends with "N passed, N failed".
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
page() { # DATABASE PAGE [ARG...]: as audit of the same policies counts
	python3 -B "$root/tests/e2e/report_page.py" "$@"
}

"$ringfence" collect -q -r "$shop"/capture-node-*.pcap \
	--snapshot "$shop/snapshot.json" --db shop.db || exit 3
broken=$shop/policies-broken.yaml

recommended() {
	run 0 report --db shop.db -n shop -o page.html && [ ! -s out ] &&
		[ ! -e page.html.tmp ] && has page.html 'Namespace shop' \
		'would be dropped' 'a week is wanted' 'Captures' &&
		page page.html
}
check 'recommended policies: a page that a browser takes' recommended

everything() {
	run 0 report --db shop.db && cp out all.html && [ ! -s err ] &&
		has all.html 'all namespaces' 'Namespace monitoring' &&
		page all.html &&
		run 0 report --db shop.db -A && cmp out all.html
}
check 'everything, to standard output, the same bytes twice' everything

judged() {
	run 1 audit --db shop.db -f "$broken" -o json && mv out audit.json &&
		run 0 report --db shop.db -f "$broken" -o bad.html &&
		page bad.html audit.json
}
check 'given policies: each verdict of audit, once a section' judged

unused() {
	run 1 audit --db shop.db -n shop -f "$broken" >text
	grep -A 99 'nothing used' out | grep -o 'shop/[a-z-]*: .* rule.*' >want
	run 0 report --db shop.db -n shop -f "$broken" -o bad.html || return 1
	[ -s want ] && while read -r policy rest; do
		rest=${rest%% (*}
		has bad.html "<b>${policy%:}</b>: $rest" || return 1
	done <want
}
check 'rules that nothing used, as audit lists them' unused

# Seven Jobs that no label tells apart share a row; each is called by its name.
runs() {
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' \
		>none.pcap
	{
		echo '{"apiVersion": "v1", "kind": "List", "items": ['
		for i in 1 2 3 4 5 6 7; do
			echo '{"apiVersion": "batch/v1", "kind": "Job",' \
				'"metadata": {"namespace": "pipe",' \
				'"name": "run-'$i'", "uid": "u'$i'"}, "spec":' \
				'{"template": {"metadata": {"labels":' \
				'{"app": "run"}}}}},'
		done
		echo '{"apiVersion": "v1", "kind": "Namespace", "metadata":' \
			'{"name": "pipe"}}]}'
	} >jobs.json
	run 0 collect -r none.pcap -s jobs.json --db jobs.db &&
		run 0 report --db jobs.db -o jobs.html &&
		has jobs.html '<title>run-4</title>' '<title>run-7</title>' \
			'Job run-4 and 3 more</th>' &&
		! grep -q 'more</title>' jobs.html && page jobs.html
}
check 'workloads that share a row: a box for each, by its own name' runs

usage() {
	run 2 report -o x.html && has err 'which database' &&
		run 2 report --db shop.db -n shop -A && has err 'not both' &&
		run 2 report --db shop.db -n shpo && has err "'shop'" &&
		run 2 report --db shop.db -f "$broken" --cluster &&
		run 2 report --db shop.db --kubeconfig x &&
		run 3 report --db none.db && has err 'No such file' &&
		[ ! -e x.html ]
}
check 'usage' usage

refused() {
	printf 'kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n%s\n' \
		'metadata: {name: A_B, namespace: shop}' >wrong.yaml
	echo old >kept.html
	run 3 report --db shop.db -f wrong.yaml -o kept.html &&
		[ "$(cat kept.html)" = old ] &&
		run 3 report --db shop.db -o none/x.html && has err none/x.html
}
check 'what is refused leaves the old page' refused

linked() { # as /dev/stdout is; never tried on that, which a defect would harm
	: >target && ln -s target link && mkfifo pipe || return 1
	run 0 report --db shop.db -n shop -o link && [ -L link ] &&
		cmp target page.html || return 1
	cat pipe >piped &
	run 0 report --db shop.db -n shop -o pipe && wait $! && [ -p pipe ] &&
		cmp piped page.html
}
check 'a link or a pipe is written to, not replaced' linked

empty() {
	"$ringfence" collect -q -r "$shop/capture-node-1.pcap" --db bare.db &&
		run 0 report --db bare.db -o bare.html && page bare.html
}
check 'no objects at all' empty

large() { # 200 workloads, 10,000 edges; the bound is for a slow, busy machine
	mkdir large && python3 -B "$root/tests/e2e/report_world.py" large \
		10 20 10000 && "$ringfence" collect -q -r large/flows.pcap \
		-s large/objects.json --db large.db &&
		(ulimit -t 10 && run 0 report --db large.db -o large.html) &&
		has large.html 'each namespace is one box' &&
		page large.html
}
check 'ten thousand edges: a box a namespace, in seconds' large

# Names as long as they may be, at the widths of a phone, a tablet, a desk.
layout() {
	tail=whose-name-is-as-long-as-a-name-of-sixty-three-bytes
	sed "s/\"\(frontend\|shop\)\"/\"\1-$tail\"/g" \
		"$shop/snapshot.json" >long.json &&
		"$ringfence" collect -q -r "$shop/capture-node-1.pcap" \
			--snapshot long.json --db long.db &&
		run 0 report --db long.db -o long.html || return 1
	python3 -B "$root/tests/e2e/page_layout.py" bad.html long.html \
		>out 2>err
}
if command -v chromium >/dev/null; then
	check 'nothing stands out of the page, whatever its width' layout
else
	echo 'skipped: the layout of the page: no chromium'
fi

finish
