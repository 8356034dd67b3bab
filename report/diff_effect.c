/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do two versions of a policy have the same effect on the pods there are?
 *
 * Between the edges of the address ranges and of the port ranges that either
 * version names, no rule can tell two addresses or two ports apart: so the
 * edges, all pods, and all ports that pods give a name to are enough.
 */
#include <stdlib.h>

#include "report/check.h"
#include "report/diff.h"

#define QUESTIONS_MAX 4000000 /* for one policy */

/* Others than the subject, and ports: what to ask about. */
struct probe_set {
	struct arena *arena;
	struct evaluator_end *ends;
	size_t n_ends, cap_ends;
	uint16_t *ports;
	size_t n_ports, cap_ports;
	bool failed;
};

static void
add_end(struct probe_set *s, uint32_t pod, const struct ip_addr *ip)
{
	void *v = s->ends;

	if (!arena_grow(
		s->arena, &v, s->n_ends, &s->cap_ends, sizeof(*s->ends))) {
		s->failed = true;
		return;
	}
	s->ends = v;
	s->ends[s->n_ends++] = (struct evaluator_end){ pod, *ip };
}

static void
add_port(struct probe_set *s, uint32_t port)
{
	void *v = s->ports;

	if (port < 1 || port > UINT16_MAX)
		return;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return;
	if (!arena_grow(
		s->arena, &v, s->n_ports, &s->cap_ports, sizeof(*s->ports))) {
		s->failed = true;
		return;
	}
	s->ports = v;
	s->ports[s->n_ports++] = (uint16_t)port;
}

static void
step(struct ip_addr *a, int by)
{
	for (int i = 15; i >= 0; i--) {
		int v = a->b[i] + by;

		a->b[i] = (uint8_t)v;
		if (v >= 0 && v <= 255)
			return;
		by = v < 0 ? -1 : 1;
	}
}

/* The first and the last address of the range, and the two beside it. */
static void
add_range(struct probe_set *s, const struct ip_prefix *p)
{
	struct ip_addr lo = p->addr, hi = p->addr, below = lo, above;

	for (unsigned bit = p->bits; bit < 128; bit++)
		hi.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	above = hi;
	step(&below, -1);
	step(&above, 1);
	add_end(s, FLOW_NONE, &lo);
	add_end(s, FLOW_NONE, &hi);
	add_end(s, FLOW_NONE, &below);
	add_end(s, FLOW_NONE, &above);
}

static void
add_rule(struct probe_set *s, const struct policy_rule *r)
{
	for (size_t i = 0; i < r->n_peers; i++) {
		const struct policy_ip_block *b = r->peers[i].ip_block;

		if (b == NULL)
			continue;
		add_range(s, &b->cidr);
		for (size_t k = 0; k < b->n_except; k++)
			add_range(s, &b->except[k]);
	}
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct policy_port *p = &r->ports[i];
		uint32_t end = p->end_port != 0 ? p->end_port : p->port;

		if (!p->has_port || p->name != NULL)
			continue;
		add_port(s, p->port);
		add_port(s, p->port - 1u);
		add_port(s, end);
		add_port(s, end + 1);
	}
}

static void
add_policy(struct probe_set *s, const struct policy *p)
{
	for (unsigned d = 0; d < 2; d++)
		for (size_t i = 0; i < p->n_rules[d]; i++)
			add_rule(s, &p->rules[d][i]);
}

static void
add_cluster(struct probe_set *s, const struct cluster *c)
{
	static const struct ip_addr outside = { { 0x20, 1, 0x0d, 0xb8 } };
	struct ip_addr v4;

	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (!check_pod_lives(p))
			continue;
		for (size_t k = 0; k < p->n_ips; k++)
			add_end(s, i, &p->ips[k]);
		for (size_t k = 0; k < p->n_ports; k++)
			if (p->ports[k].name[0] != '\0')
				add_port(s, p->ports[k].port);
	}
	if (ip_parse(&v4, DIFF_OUTSIDE))
		add_end(s, FLOW_NONE, &v4);
	add_end(s, FLOW_NONE, &outside);
	add_port(s, 1); /* stands for those that nobody names */
	add_port(s, 65535);
}

static bool
same_answers(const struct evaluator *a, const struct evaluator *b,
    const struct evaluator_query *q)
{
	struct evaluator_answer x, y;

	evaluator_ask(a, q, &x);
	evaluator_ask(b, q, &y);
	return (x.egress.verdict == EVAL_DENY) ==
	    (y.egress.verdict == EVAL_DENY) &&
	    (x.ingress.verdict == EVAL_DENY) ==
	    (y.ingress.verdict == EVAL_DENY);
}

static bool
same_for_pair(const struct evaluator *a, const struct evaluator *b,
    const struct evaluator_end *pod, const struct evaluator_end *other,
    const struct probe_set *s)
{
	static const uint8_t protocols[] = { FLOW_TCP, FLOW_UDP, FLOW_SCTP };

	for (size_t i = 0; i < 3 * s->n_ports; i++) {
		struct evaluator_query q = { .src = *pod,
			.dst = *other,
			.seen_src = *pod,
			.port = s->ports[i / 3],
			.protocol = protocols[i % 3] };

		if (!same_answers(a, b, &q))
			return false;
		q.src = q.seen_src = *other;
		q.dst = *pod;
		if (!same_answers(a, b, &q))
			return false;
	}
	return true;
}

/* Is the pod isolated the same way, and is it isolated at all? */
static bool
same_isolation(const struct evaluator *a, const struct evaluator *b,
    uint32_t pod, bool *isolated)
{
	*isolated = false;
	for (unsigned d = 0; d < 2; d++) {
		size_t x, y;

		(void)evaluator_isolating(a, pod, (enum policy_direction)d, &x);
		(void)evaluator_isolating(b, pod, (enum policy_direction)d, &y);
		if (x != y)
			return false;
		*isolated |= x > 0;
	}
	return true;
}

static enum diff_effect
compare_evaluators(const struct evaluator *a, const struct evaluator *b,
    const struct cluster *c, const struct probe_set *s)
{
	size_t subjects = 0;
	bool isolated;

	for (uint32_t i = 0; i < c->n_pods; i++) {
		if (!check_pod_lives(&c->pods[i]))
			continue;
		if (!same_isolation(a, b, i, &isolated))
			return DIFF_EFFECT_DIFFERS;
		subjects += isolated ? c->pods[i].n_ips : 0;
	}
	if (subjects * s->n_ends > QUESTIONS_MAX / 6 / s->n_ports)
		return DIFF_EFFECT_UNKNOWN;
	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (!check_pod_lives(p) ||
		    !same_isolation(a, b, i, &isolated) || !isolated)
			continue;
		for (size_t k = 0; k < p->n_ips * s->n_ends; k++) {
			struct evaluator_end me = { i, p->ips[k % p->n_ips] };

			if (!same_for_pair(
				a, b, &me, &s->ends[k / p->n_ips], s))
				return DIFF_EFFECT_DIFFERS;
		}
	}
	return DIFF_EFFECT_SAME;
}

static enum rf_status
find_effect(struct diff_policy *d, const struct cluster *c, struct arena *arena,
    struct rf_error *err)
{
	struct policy_set set_a = { d->a, 1 }, set_b = { d->b, 1 };
	struct evaluator *a = NULL, *b = NULL;
	struct probe_set s = { .arena = arena };
	enum rf_status st;

	add_policy(&s, d->a);
	add_policy(&s, d->b);
	add_cluster(&s, c);
	st = evaluator_new(&a, &set_a, c, err);
	if (st == RF_OK)
		st = evaluator_new(&b, &set_b, c, err);
	if (st == RF_OK && s.failed)
		st = rf_fail(err, RF_NOMEM, "diff: out of memory");
	if (st == RF_OK)
		d->effect = compare_evaluators(a, b, c, &s);
	evaluator_free(a);
	evaluator_free(b);
	return st;
}

enum rf_status
diff_find_effects(struct diff *d, const struct cluster *c, struct arena *arena,
    struct rf_error *err)
{
	struct diff_policy *v =
	    arena_calloc(arena, d->n_policies + 1, sizeof(*v));
	enum rf_status st = RF_OK;

	if (v == NULL)
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	for (size_t i = 0; st == RF_OK && i < d->n_policies; i++) {
		v[i] = d->policies[i];
		if (v[i].kind == DIFF_CHANGED)
			st = find_effect(&v[i], c, arena, err);
	}
	d->policies = v;
	return st;
}
