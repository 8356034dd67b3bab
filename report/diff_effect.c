/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do two versions of a policy have the same effect on the pods there are?
 *
 * Between the edges of the address ranges and of the port ranges that either
 * version names, no rule can tell two addresses or two ports apart: so the
 * edges, pods, and all ports that pods give a name to are enough. Of pods that
 * neither version can tell apart two are enough, as one may be the subject.
 */
#include <stdlib.h>

#include "report/check.h"
#include "report/diff.h"
#include "report/diff_look.h"

#define QUESTIONS_MAX 4000000 /* for one policy */

/* Others than the subject, and ports: what to ask about. */
struct probe_set {
	struct arena *arena;
	const struct cluster *c;
	const struct evaluator *versions[2];
	struct diff_looks looks;
	struct evaluator_end *ends, *subjects;
	size_t n_ends, cap_ends, n_subjects, cap_subjects;
	uint16_t *ports;
	size_t n_ports, cap_ports;
	bool failed;
};

static void
add_to(struct probe_set *s, struct evaluator_end **list, size_t *n, size_t *cap,
    struct evaluator_end end)
{
	void *v = *list;

	if (!arena_grow(s->arena, &v, *n, cap, sizeof(end))) {
		s->failed = true;
		return;
	}
	*list = v;
	(*list)[(*n)++] = end;
}

static void
add_end(struct probe_set *s, uint32_t pod, const struct ip_addr *ip)
{
	add_to(s, &s->ends, &s->n_ends, &s->cap_ends,
	    (struct evaluator_end){ pod, *ip });
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
	s->failed |= !diff_looks_add_edge(&s->looks, &lo) ||
	    !diff_looks_add_edge(&s->looks, &above);
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

static int
compare_ends(const void *x, const void *y)
{
	const struct evaluator_end *a = x, *b = y;

	return ip_compare(&a->ip, &b->ip);
}

/* Both versions mostly name the same ranges. */
static void
drop_repeated(struct probe_set *s)
{
	size_t n = 0;

	if (s->n_ends > 0)
		qsort(s->ends, s->n_ends, sizeof(*s->ends), compare_ends);
	for (size_t i = 0; i < s->n_ends; i++)
		if (n == 0 || compare_ends(&s->ends[n - 1], &s->ends[i]) != 0)
			s->ends[n++] = s->ends[i];
	s->n_ends = n;
}

/* Two of those that look alike, for each look. */
static void
add_pods(struct probe_set *s)
{
	const struct cluster *c = s->c;

	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (!check_pod_lives(p))
			continue;
		for (size_t k = 0; k < p->n_ips; k++)
			if (diff_looks_first(
				&s->looks, i, &p->ips[k], FLOW_NONE, 2))
				add_end(s, i, &p->ips[k]);
		for (size_t k = 0; k < p->n_ports; k++)
			if (p->ports[k].name[0] != '\0')
				add_port(s, p->ports[k].port);
	}
}

/* Is any end an address of the pod's own node? */
static bool
meets_own_node(const struct probe_set *s, const struct kube_pod *p)
{
	for (size_t i = 0; i < s->n_ends; i++)
		if (s->ends[i].pod == FLOW_NONE &&
		    cluster_is_own_node(s->c, p, &s->ends[i].ip))
			return true;
	return false;
}

/* Whoever is isolated; of those that look alike one, and one on each node that
 * is asked for, as the own node is always let in. */
static void
add_subject(struct probe_set *s, uint32_t pod)
{
	const struct kube_pod *p = &s->c->pods[pod];
	uint32_t apart = meets_own_node(s, p) ? p->node : FLOW_NONE;

	for (size_t k = 0; k < p->n_ips; k++)
		if (diff_looks_first(&s->looks, pod, &p->ips[k], apart, 1))
			add_to(s, &s->subjects, &s->n_subjects,
			    &s->cap_subjects,
			    (struct evaluator_end){ pod, p->ips[k] });
}

static void
add_cluster(struct probe_set *s)
{
	static const struct ip_addr outside = { { 0x20, 1, 0x0d, 0xb8 } };
	struct ip_addr v4;

	add_pods(s);
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

/* Find the subjects; false: some pod is isolated by one version alone. */
static bool
find_subjects(struct probe_set *s)
{
	const struct cluster *c = s->c;
	bool isolated;

	diff_looks_forget(&s->looks);
	for (uint32_t i = 0; i < c->n_pods; i++) {
		if (!check_pod_lives(&c->pods[i]))
			continue;
		if (!same_isolation(
			s->versions[0], s->versions[1], i, &isolated))
			return false;
		if (isolated)
			add_subject(s, i);
	}
	return true;
}

static enum diff_effect
compare_versions(struct probe_set *s)
{
	if (!find_subjects(s))
		return DIFF_EFFECT_DIFFERS;
	if (s->n_subjects * s->n_ends > QUESTIONS_MAX / 6 / s->n_ports)
		return DIFF_EFFECT_UNKNOWN;
	for (size_t i = 0; i < s->n_subjects; i++)
		for (size_t k = 0; k < s->n_ends; k++)
			if (!same_for_pair(s->versions[0], s->versions[1],
				&s->subjects[i], &s->ends[k], s))
				return DIFF_EFFECT_DIFFERS;
	return DIFF_EFFECT_SAME;
}

static enum rf_status
ask_versions(struct diff_policy *d, struct probe_set *s, struct rf_error *err)
{
	const struct policy *const versions[2] = { d->a, d->b };

	diff_looks_init(&s->looks, s->looks.like, s->versions, s->arena);
	add_policy(s, d->a);
	add_policy(s, d->b);
	drop_repeated(s);
	if (s->failed || !diff_looks_make(&s->looks, versions))
		s->failed = true;
	else
		add_cluster(s);
	if (!s->failed)
		d->effect = compare_versions(s);
	return s->failed ? rf_fail(err, RF_NOMEM, "diff: out of memory")
			 : RF_OK;
}

static enum rf_status
find_effect(struct diff_policy *d, const struct diff_likeness *like,
    struct rf_error *err)
{
	struct policy_set set_a = { d->a, 1 }, set_b = { d->b, 1 };
	struct evaluator *a = NULL, *b = NULL;
	struct probe_set s = { .c = like->c, .looks = { .like = like } };
	struct arena arena;
	enum rf_status st;

	arena_init(&arena, 0);
	s.arena = &arena;
	st = evaluator_new(&a, &set_a, like->c, err);
	if (st == RF_OK)
		st = evaluator_new(&b, &set_b, like->c, err);
	if (st == RF_OK) {
		s.versions[0] = a;
		s.versions[1] = b;
		st = ask_versions(d, &s, err);
	}
	evaluator_free(a);
	evaluator_free(b);
	arena_release(&arena);
	return st;
}

enum rf_status
diff_find_effects(struct diff *d, const struct cluster *c, struct arena *arena,
    struct rf_error *err)
{
	struct diff_policy *v =
	    arena_calloc(arena, d->n_policies + 1, sizeof(*v));
	struct diff_likeness like;
	enum rf_status st = RF_OK;

	if (v == NULL || !diff_likeness_make(&like, c, arena))
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	for (size_t i = 0; st == RF_OK && i < d->n_policies; i++) {
		v[i] = d->policies[i];
		if (v[i].kind == DIFF_CHANGED)
			st = find_effect(&v[i], &like, err);
	}
	d->policies = v;
	return st;
}
