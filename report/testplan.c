/* SPDX-License-Identifier: Apache-2.0 */
#include "report/testplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/evaluator.h"
#include "report/review_text.h"
#include "report/stranger.h"
#include "report/text.h"

#define SCRATCH_MAX ((size_t)1 << 20)

/* clang-format off */
static const char *const head[] = {
"#!/bin/sh\n"
"# Connectivity checks, written by `ringfence testplan`.\n"
"#\n"
"# Usage: sh testplan.sh before|after\n"
"#   before  nothing is enforced yet: what is allowed must connect. What will\n"
"#           be denied is tried too, but only reported.\n"
"#   after   everything is enforced: what is denied must not connect any more.\n"
"# Run it before the first step, and `after` at the end; in between, `before`\n"
"# is right after each step.\n"
"#\n"
"# Environment: KUBECTL (kubectl), TIMEOUT in seconds (3), MODE: `exec` uses\n"
"# what the pod's own image has (nc, bash, python3 or curl); `debug` adds an\n"
"# ephemeral container with IMAGE (busybox) to the pods, which stays there.\n"
"# Exit status: 0 as it should be, 1 not (or nothing could be tried), 2 usage.\n"
"set -u\n"
"KUBECTL=${KUBECTL:-kubectl} TIMEOUT=${TIMEOUT:-3} MODE=${MODE:-exec}\n"
"IMAGE=${IMAGE:-busybox}\n"
"when=${1:-}\n"
"case $when in before|after) ;; *)\n"
"\techo \"usage: $0 before|after\" >&2; exit 2;; esac\n"
"passed=0 failed=0 skipped=0\n"
"\n",
"# Runs in the pod: address, port, seconds. Says how it went, for kubectl's own\n"
"# failures must not pass for an answer.\n"
"# shellcheck disable=SC2016 # expanded there\n"
"probe='h=$1 p=$2 t=$3\n"
"has() { command -v \"$1\" >/dev/null 2>&1; }\n"
"scans() { case $(nc -h 2>&1 </dev/null) in *-z*) ;; *) return 1;; esac; }\n"
"try() {\n"
"\tif [ \"$p\" = dns ]; then\n"
"\t\tif has nslookup; then nslookup \"$h\"; return; fi\n"
"\t\tif has getent; then getent hosts \"$h\"; return; fi\n"
"\telif has nc && scans; then nc -z -w \"$t\" \"$h\" \"$p\" </dev/null; return\n"
"\telif has bash && has timeout; then\n"
"\t\ttimeout \"$t\" bash -c \"exec 3<>/dev/tcp/\\$0/\\$1\" \"$h\" \"$p\"\n"
"\t\treturn\n"
"\telif has python3; then\n"
"\t\tpython3 -c \"import socket, sys\n"
"socket.create_connection((sys.argv[1], int(sys.argv[2])),\n"
"    float(sys.argv[3]))\" \"$h\" \"$p\" \"$t\"\n"
"\t\treturn\n"
"\telif has curl; then\n"
"\t\tcase $h in *:*) h=[$h];; esac\n"
"\t\tcurl -s --connect-timeout \"$t\" -m $((t + 5)) \"http://$h:$p/\"\n"
"\t\tcase $? in 7|28) return 1;; esac\n"
"\t\treturn 0\n"
"\tfi\n"
"\treturn 99\n"
"}\n"
"try >/dev/null 2>&1\n"
"case $? in 0) echo rf=connected;; 99) echo rf=no-tool;; *) echo rf=no;; esac'\n"
"\n"
"# kubectl's output to a status: 0 connected, 1 not, 99 no tool, 97 neither.\n"
"answer() {\n"
"\tcase $1 in\n"
"\t*rf=connected*) return 0;; *rf=no-tool*) return 99;;\n"
"\t*rf=no*) return 1;; *) return 97;;\n"
"\tesac\n"
"}\n"
"\n",
"# pod NAMESPACE SELECTOR: name and address of one that runs.\n"
"pod() {\n"
"\t\"$KUBECTL\" get pods -n \"$1\" -l \"$2\" \\\n"
"\t\t--field-selector=status.phase=Running -o \\\n"
"\t\tjsonpath='{.items[0].metadata.name} {.items[0].status.podIP}' \\\n"
"\t\t2>/dev/null\n"
"}\n"
"\n"
"# try NAMESPACE SELECTOR ADDRESS PORT: status as answer's, 98 without a pod\n"
"try() {\n"
"\tset -- \"$1\" \"$(pod \"$1\" \"$2\")\" \"$3\" \"$4\"\n"
"\t[ -n \"${2%% *}\" ] || return 98\n"
"\tif [ \"$MODE\" = debug ]; then\n"
"\t\tanswer \"$(\"$KUBECTL\" debug -q -i -n \"$1\" \"${2%% *}\" \\\n"
"\t\t\t--image=\"$IMAGE\" -- sh -c \"$probe\" probe \"$3\" \"$4\" \\\n"
"\t\t\t\"$TIMEOUT\" </dev/null 2>/dev/null)\"\n"
"\telse\n"
"\t\tanswer \"$(\"$KUBECTL\" exec -n \"$1\" \"${2%% *}\" -- \\\n"
"\t\t\tsh -c \"$probe\" probe \"$3\" \"$4\" \"$TIMEOUT\" \\\n"
"\t\t\t</dev/null 2>/dev/null)\"\n"
"\tfi\n"
"}\n"
"\n",
"# judge allow|deny STATUS TITLE\n"
"judge() {\n"
"\tcase $1,$2 in\n"
"\t*,98) skipped=$((skipped + 1)); echo \"skip  $3: no running pod\";;\n"
"\tallow,0) passed=$((passed + 1)); echo \"ok    $3\";;\n"
"\tdeny,0) if [ \"$when\" = before ]; then\n"
"\t\t\tskipped=$((skipped + 1)); echo \"open  $3: still connects\"\n"
"\t\telse\n"
"\t\t\tfailed=$((failed + 1)); echo \"FAIL  $3: connects\"\n"
"\t\tfi;;\n"
"\tdeny,1) passed=$((passed + 1)); echo \"ok    $3\";;\n"
"\tallow,1) failed=$((failed + 1)); echo \"FAIL  $3: does not connect\";;\n"
"\t*,99) skipped=$((skipped + 1))\n"
"\t\techo \"skip  $3: the pod has no tool for it; MODE=debug may do\";;\n"
"\t*) skipped=$((skipped + 1)); echo \"skip  $3: kubectl failed\";;\n"
"\tesac\n"
"}\n"
"\n",
"# to_pod allow|deny TITLE NS SELECTOR PORT NS SELECTOR\n"
"to_pod() {\n"
"\tset -- \"$@\" \"$(pod \"$6\" \"$7\")\"\n"
"\tif [ -z \"${8%% *}\" ]; then judge \"$1\" 98 \"$2\"; return; fi\n"
"\ttry \"$3\" \"$4\" \"${8##* }\" \"$5\"; judge \"$1\" $? \"$2\"\n"
"}\n"
"\n"
"# to_address allow|deny TITLE NS SELECTOR PORT ADDRESS\n"
"to_address() {\n"
"\ttry \"$3\" \"$4\" \"$6\" \"$5\"; judge \"$1\" $? \"$2\"\n"
"}\n"
"\n"
"# A new pod, which no rule names: stranger TITLE NS PORT NS "
"SELECTOR\n"
"stranger() {\n"
"\tset -- \"$@\" \"$(pod \"$4\" \"$5\")\"\n"
"\tif [ -z \"${6%% *}\" ]; then judge deny 98 \"$1\"; return; fi\n"
"\tanswer \"$(\"$KUBECTL\" run \"ringfence-test-$$\" -n \"$2\" --rm -i -q \\\n"
"\t\t--restart=Never --image=\"$IMAGE\" --labels=ringfence-test=yes \\\n"
"\t\t-- sh -c \"$probe\" probe \"${6##* }\" \"$3\" \"$TIMEOUT\" \\\n"
"\t\t</dev/null 2>/dev/null)\"\n"
"\tjudge deny $? \"$1\"\n"
"}\n\n",
};

static const char tail[] =
"\necho \"$passed as they should be, $failed not, $skipped not tried\"\n"
"[ \"$failed\" -eq 0 ] && [ \"$passed\" -gt 0 ]\n";
/* clang-format on */

/* Lines of the script, sorted and each once before they are written. */
struct line_list {
	const char **v;
	size_t n, cap;
};

struct planning {
	struct strbuf *out; /* the line that is being made */
	struct strbuf line;
	struct line_list lines;
	bool failed;
	struct strbuf text; /* scratch */
	const struct recommendation *r;
	const struct cluster *c;
	struct evaluator *e;
	struct arena arena;
	uint32_t *pod_of; /* by workload: one that lives, or FLOW_NONE */
	struct testplan_stats *stats;
};

/* One word for the shell, whatever it holds. What cannot be seen, and is in
 * no name of Kubernetes, is written out. */
static void
put_word(struct strbuf *out, const char *text)
{
	struct strbuf seen;

	strbuf_init(&seen, SCRATCH_MAX);
	text_escape(&seen, text);
	out->failed |= strbuf_failed(&seen);
	strbuf_puts(out, " '");
	for (const char *c = strbuf_str(&seen); *c != '\0'; c++) {
		if (*c == '\'')
			strbuf_puts(out, "'\\''");
		else
			strbuf_putc(out, *c);
	}
	strbuf_putc(out, '\'');
	strbuf_release(&seen);
}

/* The line is whole. */
static void
end_line(struct planning *p)
{
	void *v = p->lines.v;
	char *text = arena_strdup(&p->arena, strbuf_str(p->out));

	if (text == NULL || strbuf_failed(p->out) ||
	    !arena_grow(&p->arena, &v, p->lines.n, &p->lines.cap,
		sizeof(*p->lines.v))) {
		p->failed = true;
		return;
	}
	p->lines.v = v;
	p->lines.v[p->lines.n++] = text;
	strbuf_clear(p->out);
}

static int
compare_lines(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

/* Write the lines in order, and forget them. Comments come first. */
static void
put_lines(struct planning *p, struct strbuf *script)
{
	if (p->lines.n > 0)
		qsort(
		    p->lines.v, p->lines.n, sizeof(*p->lines.v), compare_lines);
	for (size_t i = 0; i < p->lines.n; i++) {
		const char *text = p->lines.v[i];

		if (i > 0 && strcmp(text, p->lines.v[i - 1]) == 0)
			continue;
		strbuf_printf(script, "%s\n", text);
		p->stats->left_out += strncmp(text, "# ", 2) == 0;
		p->stats->allowed += strstr(text, " allow '") != NULL;
		p->stats->denied += strncmp(text, "stranger", 8) == 0 ||
		    strncmp(text, "to_pod deny", 11) == 0;
	}
	p->lines.n = 0;
}

static const struct policy *
policy_of(const struct planning *p, uint32_t pod)
{
	size_t n;
	const uint32_t *v = evaluator_isolating(p->e, pod, POLICY_INGRESS, &n);

	return n == 0 ? NULL : &p->r->set.policies[v[0]];
}

/* NAMESPACE and SELECTOR of the workload that the pod is of. */
static void
put_pods(struct planning *p, uint32_t pod)
{
	const struct kube_pod *k = &p->c->pods[pod];
	const struct kube_workload *w = &p->c->workloads[k->workload];
	const struct policy *own = policy_of(p, pod);
	struct label_selector labels = { .match_labels = w->labels };
	const struct label_selector *s = &labels;

	if (own != NULL && !selector_is_empty(&own->pod_selector))
		s = &own->pod_selector;
	else if (w->has_selector && !selector_is_empty(&w->selector))
		s = &w->selector;
	strbuf_clear(&p->text);
	if (!selector_is_empty(s))
		review_selector(&p->text, s);
	put_word(p->out, k->namespace);
	put_word(p->out, strbuf_str(&p->text));
}

static const char *
workload_name(struct planning *p, uint32_t workload, struct strbuf *out)
{
	const struct kube_workload *w = &p->c->workloads[workload];

	strbuf_printf(out, "%s/%s", w->namespace, w->name);
	return strbuf_str(out);
}

/* The pod is reached by its first address, as the script does; from the other
 * one of the same family. */
static struct evaluator_end
end_of_pod(const struct planning *p, uint32_t pod, const struct ip_addr *peer)
{
	struct evaluator_end end = { .pod = pod };
	const struct kube_pod *k = &p->c->pods[pod];
	const struct ip_addr *own =
	    peer == NULL ? NULL : kube_pod_address(k, ip_is_v4(peer));

	if (own == NULL && k->n_ips > 0)
		own = &k->ips[0];
	if (own != NULL)
		end.ip = *own;
	return end;
}

static bool
may_connect(
    const struct planning *p, const struct edge *e, uint32_t src, uint32_t dst)
{
	struct evaluator_query q = { .dst = { .pod = FLOW_NONE,
					 .ip = e->dst->ip },
		.port = e->port,
		.protocol = e->protocol };
	struct evaluator_answer a;

	if (dst != FLOW_NONE)
		q.dst = end_of_pod(p, dst, NULL);
	q.src = end_of_pod(p, src, &q.dst.ip);
	q.seen_src = q.src;
	evaluator_ask(p->e, &q, &a);
	return a.allowed;
}

static uint32_t
pod_of(const struct planning *p, const struct endpoint *e)
{
	if (e->type != ENDPOINT_WORKLOAD || e->workload == FLOW_NONE)
		return FLOW_NONE;
	return p->pod_of[e->workload];
}

/* Why an edge that is allowed cannot be tried; NULL: it can. */
static const char *
why_not(const struct planning *p, const struct edge *e)
{
	if (e->protocol != FLOW_TCP &&
	    (e->protocol != FLOW_UDP || (e->port != 53 && e->port != 5353)))
		return "not TCP, so nothing tells whether it arrived";
	if (pod_of(p, e->src) == FLOW_NONE)
		return "no pod to try it from";
	if (e->dst->type == ENDPOINT_WORKLOAD && pod_of(p, e->dst) == FLOW_NONE)
		return "no pod to reach";
	if (e->dst->type != ENDPOINT_WORKLOAD && ip_is_none(&e->dst->ip))
		return "no address to reach";
	return NULL;
}

static void
put_title(struct planning *p, const struct edge *e)
{
	struct strbuf title;
	char ip[IP_STRLEN];

	strbuf_init(&title, SCRATCH_MAX);
	(void)workload_name(p, e->src->workload, &title);
	strbuf_puts(&title, " to ");
	if (e->dst->type == ENDPOINT_WORKLOAD)
		(void)workload_name(p, e->dst->workload, &title);
	else
		strbuf_puts(&title, ip_format(&e->dst->ip, ip));
	strbuf_printf(&title, " %s %u", flow_protocol_name(e->protocol),
	    (unsigned)e->port);
	put_word(p->out, strbuf_str(&title));
	p->failed |= strbuf_failed(&title);
	strbuf_release(&title);
}

static void
put_allowed(struct planning *p, const struct edge *e)
{
	uint32_t dst = pod_of(p, e->dst);
	char ip[IP_STRLEN], port[8];

	(void)snprintf(port, sizeof(port), "%u", (unsigned)e->port);
	strbuf_puts(p->out,
	    dst != FLOW_NONE && e->protocol == FLOW_TCP ? "to_pod allow"
							: "to_address allow");
	put_title(p, e);
	put_pods(p, pod_of(p, e->src));
	if (e->protocol == FLOW_UDP) {
		strbuf_puts(p->out, " dns kubernetes.default");
		end_line(p);
		return;
	}
	put_word(p->out, port);
	if (dst != FLOW_NONE)
		put_pods(p, dst);
	else
		put_word(p->out, ip_format(&e->dst->ip, ip));
	end_line(p);
}

static void
put_all_allowed(struct planning *p, struct strbuf *script)
{
	strbuf_puts(script, "# Allowed, because seen\n");
	for (size_t i = 0; i < p->r->edges.n_edges; i++) {
		const struct edge *e = &p->r->edges.edges[i];
		const char *why;

		if (!outcome_is_traffic(e->outcome) ||
		    e->certainty == CERTAINTY_GUESSED ||
		    e->src->type != ENDPOINT_WORKLOAD ||
		    e->src->workload == FLOW_NONE ||
		    e->dst->type == ENDPOINT_UNKNOWN)
			continue;
		why = why_not(p, e);
		if (why == NULL &&
		    may_connect(p, e, pod_of(p, e->src), pod_of(p, e->dst))) {
			put_allowed(p, e);
			continue;
		}
		strbuf_puts(p->out, "# not tried:");
		put_title(p, e);
		strbuf_printf(
		    p->out, ": %s", why == NULL ? "not allowed" : why);
		end_line(p);
	}
	put_lines(p, script);
}

static bool
admits_strangers(const struct planning *p, uint32_t pod)
{
	size_t n;
	const uint32_t *v = evaluator_isolating(p->e, pod, POLICY_INGRESS, &n);

	for (size_t i = 0; i < n; i++)
		if (stranger_is_admitted(&p->r->set.policies[v[i]], p->c))
			return true;
	return false;
}

static void
put_denied(struct planning *p, const struct edge *e, uint32_t src, uint32_t dst)
{
	struct edge shown = *e;
	struct endpoint from = *e->src;
	char port[8];

	(void)snprintf(port, sizeof(port), "%u", (unsigned)e->port);
	from.type = ENDPOINT_WORKLOAD;
	from.workload = p->c->pods[src].workload;
	shown.src = &from;
	strbuf_puts(p->out, "to_pod deny");
	put_title(p, &shown);
	put_pods(p, src);
	put_word(p->out, port);
	put_pods(p, dst);
	end_line(p);
}

static void
put_stranger(struct planning *p, const struct edge *e, uint32_t dst)
{
	struct strbuf title;
	char port[8];

	(void)snprintf(port, sizeof(port), "%u", (unsigned)e->port);
	strbuf_init(&title, SCRATCH_MAX);
	strbuf_puts(&title, "a new pod to ");
	(void)workload_name(p, e->dst->workload, &title);
	strbuf_printf(&title, " TCP %u", (unsigned)e->port);
	strbuf_puts(p->out, "stranger");
	put_word(p->out, strbuf_str(&title));
	put_word(p->out, p->c->pods[dst].namespace);
	put_word(p->out, port);
	put_pods(p, dst);
	end_line(p);
	p->failed |= strbuf_failed(&title);
	strbuf_release(&title);
}

/* A workload of the same set that may not reach this edge's destination. */
static uint32_t
find_denied(const struct planning *p, const struct edge *e, uint32_t dst)
{
	for (size_t i = 0; i < p->c->n_workloads; i++) {
		uint32_t src = p->pod_of[i];

		if (src == FLOW_NONE || src == dst ||
		    i == p->c->pods[dst].workload ||
		    strcmp(p->c->pods[src].namespace,
			p->c->pods[dst].namespace) != 0)
			continue;
		if (!may_connect(p, e, src, dst))
			return src;
	}
	return FLOW_NONE;
}

static bool
is_done(const uint32_t *done, size_t n, uint32_t pod)
{
	for (size_t i = 0; i < n; i++)
		if (done[i] == pod)
			return true;
	return false;
}

/* A few for a namespace: one destination each. */
static void
put_denied_of(struct planning *p, const char *namespace, size_t max)
{
	uint32_t *done = arena_calloc(&p->arena, max, sizeof(*done));
	size_t n = 0;

	if (done == NULL)
		p->failed = true;

	for (size_t i = 0; i < p->r->edges.n_edges && n < max && done != NULL;
	     i++) {
		const struct edge *e = &p->r->edges.edges[i];
		uint32_t dst = pod_of(p, e->dst), src;
		const struct policy *own;

		if (dst == FLOW_NONE || is_done(done, n, dst) ||
		    e->protocol != FLOW_TCP || e->port == 53 ||
		    e->port == 5353 || !outcome_is_traffic(e->outcome) ||
		    strcmp(p->c->pods[dst].namespace, namespace) != 0)
			continue;
		own = policy_of(p, dst);
		if (own == NULL)
			continue;
		if (n == 0 && !admits_strangers(p, dst))
			put_stranger(p, e, dst);
		done[n++] = dst;
		src = find_denied(p, e, dst);
		if (src != FLOW_NONE)
			put_denied(p, e, src, dst);
	}
}

static void
put_all_denied(struct planning *p, struct strbuf *script, size_t max)
{
	const char *last = "";

	strbuf_puts(script, "\n# Denied, because never seen\n");
	for (size_t i = 0; i < p->r->n_files; i++) {
		if (strcmp(last, p->r->files[i].namespace) == 0)
			continue;
		last = p->r->files[i].namespace;
		put_denied_of(p, last, max);
	}
	put_lines(p, script);
}

/* The first by name that lives, of each workload. */
static enum rf_status
find_pods(struct planning *p, struct rf_error *err)
{
	const struct cluster *c = p->c;

	p->pod_of = arena_calloc(&p->arena, c->n_workloads, sizeof(*p->pod_of));
	if (p->pod_of == NULL)
		return rf_fail(err, RF_NOMEM, "test plan: out of memory");
	for (size_t i = 0; i < c->n_workloads; i++)
		p->pod_of[i] = FLOW_NONE;
	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *k = &c->pods[i];
		uint32_t *best = &p->pod_of[k->workload];

		if (k->host_network || k->deleted || k->n_ips == 0 ||
		    k->phase == POD_SUCCEEDED || k->phase == POD_FAILED)
			continue;
		if (*best == FLOW_NONE ||
		    strcmp(k->name, c->pods[*best].name) < 0)
			*best = i;
	}
	return RF_OK;
}

enum rf_status
testplan_write(struct strbuf *out, const struct recommendation *r,
    const struct cluster *c, size_t max_denied, struct testplan_stats *stats,
    struct rf_error *err)
{
	struct planning p = { .r = r, .c = c, .stats = stats };
	enum rf_status st;

	*stats = (struct testplan_stats){ 0 };
	arena_init(&p.arena, 0);
	strbuf_init(&p.text, SCRATCH_MAX);
	strbuf_init(&p.line, SCRATCH_MAX);
	p.out = &p.line;
	if ((st = find_pods(&p, err)) != RF_OK ||
	    (st = evaluator_new(&p.e, &r->set, c, err)) != RF_OK)
		goto out;
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		strbuf_puts(out, head[i]);
	put_all_allowed(&p, out);
	put_all_denied(&p, out, max_denied);
	strbuf_puts(out, tail);
	if (strbuf_failed(out) || strbuf_failed(&p.text) || p.failed)
		st = rf_fail(err, RF_NOMEM, "test plan: out of memory");
out:
	evaluator_free(p.e);
	strbuf_release(&p.text);
	strbuf_release(&p.line);
	arena_release(&p.arena);
	return st;
}
