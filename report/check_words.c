/* SPDX-License-Identifier: Apache-2.0 */
#include "report/check_words.h"

#include <inttypes.h>

static const struct {
	const char *name, *text;
} flags[] = {
	{ "self", "a pod can always reach itself" },
	{ "node-local",
	    "traffic between a pod and its own node is always allowed" },
	{ "ip-block-on-pod",
	    "by an ipBlock over a pod's address, which some network plugins "
	    "do not match" },
	{ "port-name-ambiguous",
	    "by a port name that the pod gives to several numbers, of which "
	    "some network plugins take the first only" },
	{ "port-name-of-sidecar",
	    "by a port name of a sidecar, which some network plugins do not "
	    "look up" },
};

#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

const char *
check_flag_name(unsigned i)
{
	return i < N_FLAGS ? flags[i].name : NULL;
}

const char *
check_verdict_name(enum evaluator_verdict v)
{
	switch (v) {
	case EVAL_ALLOW:
		return "allow";
	case EVAL_DENY:
		return "deny";
	case EVAL_NOT_ISOLATED:
		return "not-isolated";
	case EVAL_NOT_SUBJECT:
		break;
	}
	return "not-subject";
}

static void
put_pod(struct strbuf *out, const struct cluster *c, uint32_t pod)
{
	strbuf_puts(out, c->pods[pod].namespace);
	strbuf_putc(out, '/');
	strbuf_puts(out, c->pods[pod].name);
}

static void
put_ip(struct strbuf *out, const struct ip_addr *ip)
{
	char text[IP_STRLEN];

	strbuf_puts(out, ip_format(ip, text));
}

void
check_end_text(
    struct strbuf *out, const struct cluster *c, const struct check_end *e)
{
	const struct ip_addr *ip = &e->end.ip;

	switch (e->kind) {
	case CHECK_POD:
	case CHECK_HOST_POD:
	case CHECK_GONE_POD:
		put_pod(out, c, e->index);
		strbuf_puts(out, " (");
		put_ip(out, ip);
		strbuf_putc(out, ')');
		return;
	case CHECK_NODE:
		put_ip(out, ip);
		strbuf_printf(out, " (node %s)", c->nodes[e->index].name);
		return;
	case CHECK_SERVICE:
		put_ip(out, ip);
		strbuf_printf(out, " (Service %s/%s)",
		    c->services[e->index].namespace,
		    c->services[e->index].name);
		return;
	case CHECK_RANGE:
		put_ip(out, ip);
		strbuf_puts(out, " (in the cluster, held by no pod)");
		return;
	case CHECK_OUTSIDE:
		break;
	}
	put_ip(out, ip);
	strbuf_puts(out, " (outside the cluster)");
}

void
check_place_text(struct strbuf *out, const char *file, uint32_t line)
{
	if (file == NULL)
		return;
	strbuf_puts(out, " (");
	strbuf_puts(out, file);
	if (line != 0)
		strbuf_printf(out, ":%" PRIu32, line);
	strbuf_putc(out, ')');
}

/* "ns/name, egress rule 2 (file:line)". */
static void
put_rule(struct strbuf *out, const struct policy_set *set, uint32_t policy,
    enum policy_direction d, uint32_t rule)
{
	const struct policy *p = &set->policies[policy];

	strbuf_puts(out, p->namespace);
	strbuf_putc(out, '/');
	strbuf_puts(out, p->name);
	strbuf_puts(
	    out, d == POLICY_INGRESS ? ", ingress rule " : ", egress rule ");
	strbuf_printf(out, "%" PRIu32, rule + 1);
	check_place_text(out, p->file, p->rules[d][rule].line);
}

/* An end that policies cannot select (5, 6b), whose side therefore allows. */
static void
put_not_subject(
    struct strbuf *out, const struct cluster *c, const struct check_end *e)
{
	switch (e->kind) {
	case CHECK_HOST_POD:
		put_pod(out, c, e->index);
		strbuf_puts(out,
		    " uses hostNetwork: it is its node, and policies cannot "
		    "select it");
		return;
	case CHECK_GONE_POD:
		put_pod(out, c, e->index);
		strbuf_puts(out,
		    " has ended and owns no address: policies do not select "
		    "it");
		return;
	case CHECK_NODE:
	case CHECK_SERVICE:
	case CHECK_RANGE:
	case CHECK_OUTSIDE:
	case CHECK_POD:
		break;
	}
	check_end_text(out, c, e);
	strbuf_puts(out, ": no pod, so no policy selects it");
}

static void
put_denied(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d)
{
	uint32_t pod =
	    d == POLICY_INGRESS ? g->query.dst.pod : g->query.src.pod;
	struct evaluator_miss miss;
	const uint32_t *policies;
	size_t n;

	policies = evaluator_isolating(s->evaluator, pod, d, &n);
	strbuf_puts(out, "isolated by ");
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = &s->set->policies[policies[i]];

		if (i == 4 && n > 5) {
			strbuf_printf(out, " and %zu more", n - i);
			break;
		}
		strbuf_puts(out, i == 0 ? "" : ", ");
		strbuf_puts(out, p->namespace);
		strbuf_putc(out, '/');
		strbuf_puts(out, p->name);
	}
	evaluator_nearest_miss(s->evaluator, &g->query, d, &miss);
	strbuf_puts(out, "; nearest miss: ");
	strbuf_puts(out, miss.text);
}

static void
put_flags(struct strbuf *out, unsigned bits)
{
	for (unsigned i = 0; i < N_FLAGS; i++)
		if ((bits & 1u << i) != 0) {
			strbuf_puts(out, ", ");
			strbuf_puts(out, flags[i].text);
		}
}

void
check_why_text(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d)
{
	const struct check_end *e = d == POLICY_INGRESS ? &g->dst : &g->src;
	const struct evaluator_side *side =
	    d == POLICY_INGRESS ? &g->answer.ingress : &g->answer.egress;

	switch (side->verdict) {
	case EVAL_NOT_SUBJECT:
		put_not_subject(out, s->cluster, e);
		return;
	case EVAL_NOT_ISOLATED:
		strbuf_puts(out, "no policy isolates ");
		put_pod(out, s->cluster, e->end.pod);
		return;
	case EVAL_DENY:
		put_denied(out, s, g, d);
		return;
	case EVAL_ALLOW:
		break;
	}
	if ((side->flags & EVAL_SELF) != 0)
		strbuf_puts(out, flags[0].text);
	else if ((side->flags & EVAL_NODE_LOCAL) != 0)
		strbuf_puts(out, flags[1].text);
	else {
		strbuf_puts(out, "allowed by ");
		put_rule(out, s->set, side->policy, d, side->rule);
		put_flags(out, side->flags);
	}
}
