/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a compiled evaluator. Numbers are those of SEMANTICS. */
#include "policy/evaluator.h"

#include <string.h>

#include "policy/compiled.h"

static uint32_t
group_of(const struct evaluator *e, const struct evaluator_end *end)
{
	return end->pod == FLOW_NONE ? FLOW_NONE : e->group_of_pod[end->pod];
}

/* The pod when policies see it as one: not without an index (5), not with
 * hostNetwork (6b). */
static uint32_t
subject_of(const struct evaluator *e, const struct evaluator_end *end)
{
	return group_of(e, end) == FLOW_NONE ? FLOW_NONE : end->pod;
}

void
compiled_side_of(const struct evaluator *e, const struct evaluator_query *q,
    enum policy_direction d, struct compiled_side *out)
{
	const struct evaluator_end *self, *other;
	uint32_t dst = subject_of(e, &q->dst);

	self = d == POLICY_INGRESS ? &q->dst : &q->src;
	other = d == POLICY_INGRESS ? &q->seen_src : &q->dst;
	out->direction = d;
	out->subject = subject_of(e, self);
	out->other.end = other;
	out->other.group = group_of(e, other);
	out->other.ip = compiled_ip_of(&other->ip);
	out->dst = dst == FLOW_NONE ? NULL : &e->cluster->pods[dst];
	out->port = q->port;
	out->protocol = q->protocol;
}

/* 43 to 46: does the destination pod give the name to this port? */
static bool
name_matches(const struct policy_port *p, const struct compiled_side *side,
    unsigned *flags)
{
	bool found = false, in_sidecar_only = true, other_number = false;

	if (side->dst == NULL)
		return false;
	for (size_t i = 0; i < side->dst->n_ports; i++) {
		const struct kube_port *k = &side->dst->ports[i];

		if ((k->init && !k->sidecar) || k->protocol != p->protocol ||
		    strcmp(k->name, p->name) != 0)
			continue;
		if (k->port != side->port) {
			other_number = true;
			continue;
		}
		found = true;
		in_sidecar_only &= k->sidecar;
	}
	if (found && other_number)
		*flags |= EVAL_NAME_AMBIGUOUS;
	if (found && in_sidecar_only)
		*flags |= EVAL_NAME_SIDECAR;
	return found;
}

bool
compiled_port_matches(const struct policy_port *p,
    const struct compiled_side *side, unsigned *flags)
{
	*flags = 0;
	if (p->protocol != side->protocol)
		return false;
	if (!p->has_port)
		return true;
	if (p->name != NULL)
		return name_matches(p, side, flags);
	if (p->end_port == 0)
		return side->port == p->port;
	return side->port >= p->port && side->port <= p->end_port;
}

/* A match that hangs on nothing is preferred; else the first one. */
static bool
ports_match(const struct policy_rule *r, const struct compiled_side *side,
    unsigned *flags)
{
	bool found = false;
	unsigned f;

	*flags = 0;
	if (r->n_ports == 0)
		return true;
	for (size_t i = 0; i < r->n_ports; i++) {
		if (!compiled_port_matches(&r->ports[i], side, &f))
			continue;
		if (f == 0) {
			*flags = 0;
			return true;
		}
		if (!found)
			*flags = f;
		found = true;
	}
	return found;
}

bool
compiled_peers_match(const struct compiled_rule *r,
    const struct compiled_end *other, unsigned *flags)
{
	*flags = 0;
	if (r->any_peer)
		return true;
	if (other->group != FLOW_NONE && group_set_has(&r->pods, other->group))
		return true;
	if (r->blocks.n == 0 || !range_set_has(&r->blocks, &other->ip))
		return false;
	if (other->group != FLOW_NONE)
		*flags = EVAL_BLOCK_ON_POD;
	return true;
}

static bool
rule_matches(const struct compiled_policy *p, uint32_t rule,
    const struct compiled_side *side, unsigned *flags)
{
	const struct compiled_ports *ports = &p->ports[side->direction][rule];
	const struct compiled_rule *r = &p->rules[side->direction][rule];
	unsigned by_port;

	if (ports->protocol != 0)
		return ports->protocol == side->protocol &&
		    side->port >= ports->first && side->port <= ports->last &&
		    compiled_peers_match(r, &side->other, flags);
	if (!compiled_peers_match(r, &side->other, flags) ||
	    !ports_match(r->source, side, &by_port))
		return false;
	*flags |= by_port;
	return true;
}

/*
 * The first rule that allows answers; its flags are dropped when a later one
 * allows without any, for then the verdict does not hang on them. hits, unless
 * NULL, receives each that allows.
 */
static void
ask_rules(const struct evaluator *e, const struct compiled_side *side,
    struct evaluator_side *out, struct evaluator_hits *hits)
{
	unsigned flags;
	size_t n;
	const uint32_t *policies =
	    evaluator_isolating(e, side->subject, side->direction, &n);

	for (size_t i = 0; i < n; i++) {
		const struct compiled_policy *p = &e->policies[policies[i]];

		for (uint32_t j = 0; j < p->n_rules[side->direction]; j++) {
			if (!rule_matches(p, j, side, &flags))
				continue;
			if (out->verdict == EVAL_DENY) {
				out->verdict = EVAL_ALLOW;
				out->policy = policies[i];
				out->rule = j;
				out->flags = flags;
			}
			if (flags == 0)
				out->flags = 0;
			if (hits != NULL)
				hits->v[hits->n++] =
				    (struct evaluator_rule){ policies[i], j };
			else if (flags == 0)
				return;
		}
	}
}

/*
 * 50, 51: is the other end the subject's own node? An address that belongs
 * to an ordinary pod is that pod's, whatever the node's ranges say.
 */
static bool
is_node_local(const struct evaluator *e, const struct compiled_side *side)
{
	const struct kube_pod *pod = &e->cluster->pods[side->subject];
	const struct evaluator_end *other = side->other.end;

	if (side->other.group != FLOW_NONE)
		return false;
	if (!side->other.ip.is_none)
		return cluster_is_own_node(e->cluster, pod, &other->ip);
	return other->pod != FLOW_NONE && pod->node != FLOW_NONE &&
	    e->cluster->pods[other->pod].node == pod->node;
}

static void
ask_side(const struct evaluator *e, const struct evaluator_query *q,
    enum policy_direction d, struct evaluator_side *out,
    struct evaluator_hits *hits)
{
	struct evaluator_side unasked = { .verdict = EVAL_DENY };
	struct compiled_side side;
	size_t n;

	*out = (struct evaluator_side){ .policy = FLOW_NONE,
		.rule = FLOW_NONE,
		.verdict = EVAL_NOT_SUBJECT };
	compiled_side_of(e, q, d, &side);
	if (side.subject == FLOW_NONE)
		return;
	(void)evaluator_isolating(e, side.subject, d, &n);
	if (n == 0) {
		out->verdict = EVAL_NOT_ISOLATED;
		return;
	}
	out->verdict = EVAL_ALLOW;
	if (q->src.pod == q->dst.pod)
		out->flags = EVAL_SELF;
	else if (is_node_local(e, &side))
		out->flags = EVAL_NODE_LOCAL;
	else
		out->verdict = EVAL_DENY;
	if (out->verdict == EVAL_DENY)
		ask_rules(e, &side, out, hits);
	else if (hits != NULL)
		ask_rules(e, &side, &unasked, hits);
}

static bool
is_allowed(const struct evaluator_answer *a)
{
	return a->egress.verdict != EVAL_DENY &&
	    a->ingress.verdict != EVAL_DENY;
}

void
evaluator_ask(const struct evaluator *e, const struct evaluator_query *q,
    struct evaluator_answer *answer)
{
	ask_side(e, q, POLICY_EGRESS, &answer->egress, NULL);
	ask_side(e, q, POLICY_INGRESS, &answer->ingress, NULL);
	answer->allowed = is_allowed(answer);
}

bool
evaluator_allows(const struct evaluator *e, const struct evaluator_query *q)
{
	return !compiled_denies(e, q, POLICY_INGRESS) &&
	    !compiled_denies(e, q, POLICY_EGRESS);
}

void
evaluator_ask_side(const struct evaluator *e, const struct evaluator_query *q,
    enum policy_direction d, struct evaluator_side *side,
    struct evaluator_hits *hits)
{
	if (hits != NULL)
		hits->n = 0;
	ask_side(e, q, d, side, hits);
}

bool
compiled_denies(const struct evaluator *e, const struct evaluator_query *q,
    enum policy_direction d)
{
	struct evaluator_side side;

	ask_side(e, q, d, &side, NULL);
	return side.verdict == EVAL_DENY;
}

const uint32_t *
evaluator_isolating(
    const struct evaluator *e, uint32_t pod, enum policy_direction d, size_t *n)
{
	const struct compiled_isolation *in = &e->isolation[d];
	uint32_t group = pod == FLOW_NONE ? FLOW_NONE : e->group_of_pod[pod];

	*n = 0;
	if (group == FLOW_NONE)
		return NULL;
	*n = in->start[group + 1] - in->start[group];
	return in->policies + in->start[group];
}

bool
evaluator_rule_allows(const struct evaluator *e, uint32_t policy,
    enum policy_direction d, uint32_t rule, const struct evaluator_query *q)
{
	const struct compiled_policy *p;
	struct compiled_side side;
	unsigned flags;

	if (policy >= e->set->n_policies ||
	    rule >= e->policies[policy].n_rules[d])
		return false;
	p = &e->policies[policy];
	compiled_side_of(e, q, d, &side);
	return side.subject != FLOW_NONE &&
	    group_set_has(&p->subjects, e->group_of_pod[side.subject]) &&
	    rule_matches(p, rule, &side, &flags);
}

uint32_t
evaluator_classes(const struct evaluator *e)
{
	return e->n_groups;
}

uint32_t
evaluator_class(const struct evaluator *e, uint32_t pod)
{
	return e->group_of_pod[pod];
}

void
evaluator_rule_classes(const struct evaluator *e, uint32_t policy,
    enum policy_direction d, uint32_t rule,
    void (*each)(void *ctx, uint32_t number), void *ctx)
{
	const struct compiled_policy *p = &e->policies[policy];

	if (rule < p->n_rules[d])
		group_set_each(&p->rules[d][rule].pods, each, ctx);
}
