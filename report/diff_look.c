/* SPDX-License-Identifier: Apache-2.0 */
#include "report/diff_look.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define ODD 0x9e3779b97f4a7c15u

/* All that may tell one address of a pod from another's. It is hashed, so that
 * no byte of it may be left to chance. */
struct look {
	uint64_t marks[2]; /* by version: of what matches the pod */
	uint32_t ports;
	uint32_t cell;  /* between which edges, and of which family */
	uint32_t own;   /* a hostNetwork pod is its node, and like no other */
	uint32_t apart; /* as the caller says */
};

struct diff_looker {
	struct look look;
	uint32_t pod[2]; /* FLOW_NONE: free */
};

/* A pod, for sorting by ports. */
struct ported {
	const struct kube_pod *pod;
	uint32_t index;
};

static int
compare_ports(const struct kube_pod *a, const struct kube_pod *b)
{
	int d = (a->n_ports > b->n_ports) - (a->n_ports < b->n_ports);

	for (size_t i = 0; i < a->n_ports && d == 0; i++) {
		const struct kube_port *p = &a->ports[i], *q = &b->ports[i];

		d = strcmp(p->name, q->name);
		if (d == 0)
			d = p->port - q->port;
		if (d == 0)
			d = p->protocol - q->protocol;
		if (d == 0)
			d = p->init - q->init;
	}
	return d;
}

static int
compare_ported(const void *x, const void *y)
{
	const struct ported *a = x, *b = y;

	return compare_ports(a->pod, b->pod);
}

bool
diff_likeness_make(
    struct diff_likeness *out, const struct cluster *c, struct arena *arena)
{
	size_t n = c->n_pods;
	struct ported *v = arena_calloc(arena, n + 1, sizeof(*v));
	uint32_t number = 0;

	*out = (struct diff_likeness){ .c = c };
	out->ports = arena_calloc(arena, n + 1, sizeof(*out->ports));
	if (v == NULL || out->ports == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct ported){ &c->pods[i], i };
	qsort(v, n, sizeof(*v), compare_ported);
	for (size_t i = 0; i < n; i++) {
		number += i > 0 && compare_ports(v[i - 1].pod, v[i].pod) != 0;
		out->ports[v[i].index] = number;
	}
	return true;
}

void
diff_looks_init(struct diff_looks *l, const struct diff_likeness *like,
    const struct evaluator *const versions[2], struct arena *arena)
{
	*l = (struct diff_looks){ .like = like,
		.versions = { versions[0], versions[1] },
		.arena = arena };
}

bool
diff_looks_add_edge(struct diff_looks *l, const struct ip_addr *ip)
{
	void *v = l->edges;

	if (!arena_grow(l->arena, &v, l->n_edges, &l->cap_edges, sizeof(*ip)))
		return false;
	l->edges = v;
	l->edges[l->n_edges++] = *ip;
	return true;
}

/* Classes of one version while they are marked. */
struct marking {
	uint64_t *marks;
	uint64_t by; /* which selector */
};

static void
mark_class(void *ctx, uint32_t class)
{
	const struct marking *m = ctx;

	m->marks[class] = hash_mix(m->marks[class] + m->by, m->by);
}

static bool *
find_isolated(struct diff_looks *l, const struct evaluator *e)
{
	bool *v = arena_calloc(l->arena, evaluator_classes(e) + 1u, sizeof(*v));

	for (uint32_t i = 0; v != NULL && i < l->like->c->n_pods; i++) {
		uint32_t class = evaluator_class(e, i);
		size_t in, out;

		if (class == FLOW_NONE)
			continue;
		(void)evaluator_isolating(e, i, POLICY_INGRESS, &in);
		(void)evaluator_isolating(e, i, POLICY_EGRESS, &out);
		v[class] = in + out > 0;
	}
	return v;
}

/* Classes are as fine as the labels that selectors name; what tells pods apart
 * is which rules match them, and whether the policy isolates them. */
static bool
mark_classes(struct diff_looks *l, int version, const struct policy *p)
{
	const struct evaluator *e = l->versions[version];
	uint32_t n = evaluator_classes(e);
	struct marking m = { .by = ODD };
	const bool *isolated = find_isolated(l, e);

	m.marks = arena_calloc(l->arena, n + 1u, sizeof(*m.marks));
	if (m.marks == NULL || isolated == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (isolated[i])
			mark_class(&m, i);
	for (int d = 0; d < 2; d++)
		for (uint32_t i = 0; i < p->n_rules[d]; i++) {
			m.by += ODD;
			evaluator_rule_classes(
			    e, 0, (enum policy_direction)d, i, mark_class, &m);
		}
	l->marks[version] = m.marks;
	return true;
}

static int
compare_edges(const void *x, const void *y)
{
	return ip_compare(x, y);
}

bool
diff_looks_make(struct diff_looks *l, const struct policy *const p[2])
{
	const struct cluster *c = l->like->c;
	size_t n = 0;

	for (size_t i = 0; i < c->n_pods; i++)
		n += c->pods[i].n_ips;
	for (l->n_slots = 2; l->n_slots < 2 * n;)
		l->n_slots *= 2;
	l->lookers = arena_calloc(l->arena, l->n_slots, sizeof(*l->lookers));
	if (l->lookers == NULL || !mark_classes(l, 0, p[0]) ||
	    !mark_classes(l, 1, p[1]))
		return false;
	diff_looks_forget(l);
	if (l->n_edges > 0)
		qsort(l->edges, l->n_edges, sizeof(*l->edges), compare_edges);
	return true;
}

void
diff_looks_forget(struct diff_looks *l)
{
	for (size_t i = 0; i < l->n_slots; i++)
		l->lookers[i].pod[0] = l->lookers[i].pod[1] = FLOW_NONE;
}

/* How many edges lie at or before the address. */
static uint32_t
cell_of(const struct diff_looks *l, const struct ip_addr *ip)
{
	size_t lo = 0, hi = l->n_edges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&l->edges[mid], ip) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo * 2 + ip_is_v4(ip);
}

static uint64_t
marks_of(const struct diff_looks *l, int version, uint32_t pod)
{
	uint32_t class = evaluator_class(l->versions[version], pod);

	return class == FLOW_NONE ? 0 : l->marks[version][class];
}

static struct diff_looker *
find_looker(const struct diff_looks *l, const struct look *look)
{
	size_t mask = l->n_slots - 1;
	size_t at = hash_bytes(1, look, sizeof(*look)) & mask;

	while (l->lookers[at].pod[0] != FLOW_NONE &&
	    memcmp(&l->lookers[at].look, look, sizeof(*look)) != 0)
		at = (at + 1) & mask;
	return &l->lookers[at];
}

bool
diff_looks_first(struct diff_looks *l, uint32_t pod, const struct ip_addr *ip,
    uint32_t apart, unsigned max)
{
	const struct look look = {
		.marks = { marks_of(l, 0, pod), marks_of(l, 1, pod) },
		.ports = l->like->ports[pod],
		.cell = cell_of(l, ip),
		.own = l->like->c->pods[pod].host_network ? pod : FLOW_NONE,
		.apart = apart,
	};
	struct diff_looker *at = find_looker(l, &look);

	for (unsigned i = 0; i < max; i++) {
		if (at->pod[i] == pod)
			return false;
		if (at->pod[i] != FLOW_NONE)
			continue;
		at->look = look;
		at->pod[i] = pod;
		return true;
	}
	return false;
}
