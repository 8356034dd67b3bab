/* SPDX-License-Identifier: Apache-2.0 */
/* Making an evaluator: the sets of selectors, rules, isolation lists. */
#include "policy/compiled.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "policy/label_index.h"

/* So few groups that a peer matches are remembered. */
#define MEMO_GROUPS 3
#define MEMO_MAX    ((size_t)64 * 1024)

/* What a peer of these very selectors was found to be. */
struct memo {
	const struct label_selector *pods, *namespaces;
	uint32_t policy_ns; /* FLOW_NONE: it makes no difference */
	uint32_t groups[MEMO_GROUPS];
	struct compiled_peer peer;
	uint8_t n;
	bool is_set;
};

/* Scratch of one compilation. */
struct compilation {
	struct evaluator *e;
	struct arena arena;
	struct label_index groups, namespaces;
	/* What the selectors at hand match, and all peers of the rule. */
	struct group_scratch found, together;
	/* Many rules name few selectors, of which who reads or makes policies
	 * keeps each once. A peer takes the place of another. */
	struct memo *memos;
	size_t n_memos; /* a power of two */
};

/* Whom a pod selector can match at all. */
struct candidates {
	const struct label_selector *selector; /* NULL: every pod */
	struct label_candidates groups;
};

/* The first of n ascending numbers that is not below least. */
static uint32_t
lower_bound(const uint32_t *v, uint32_t n, uint32_t least)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t mid = low + (n - low) / 2;

		if (v[mid] < least)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

static struct candidates
find_candidates(struct compilation *c, const struct label_selector *s)
{
	struct candidates k = { 0 };

	if (s == NULL || selector_is_empty(s))
		return k;
	k.selector = s;
	k.groups = label_index_candidates(&c->groups, s);
	return k;
}

static void
add_if_matches(
    struct compilation *c, const struct candidates *k, uint32_t group)
{
	if (k->selector == NULL || k->groups.exact ||
	    selector_matches(k->selector, &c->e->group_labels[group]))
		group_scratch_add(&c->found, group);
}

/* Find those of namespace ns. */
static void
add_namespace(struct compilation *c, uint32_t ns, const struct candidates *k)
{
	uint32_t first = c->e->ns_start[ns], end = c->e->ns_start[ns + 1];
	const uint32_t *v = k->groups.v;
	uint32_t n = k->groups.n;

	if (v == NULL) {
		for (uint32_t g = first; g < end; g++)
			add_if_matches(c, k, g);
		return;
	}
	for (uint32_t i = lower_bound(v, n, first); i < n && v[i] < end; i++)
		add_if_matches(c, k, v[i]);
}

/* Find those candidates whose namespace s matches. */
static void
add_by_group(struct compilation *c, const struct label_selector *s,
    const struct candidates *k)
{
	const struct kube_namespace *ns = c->e->cluster->namespaces;

	for (uint32_t i = 0; i < k->groups.n; i++) {
		uint32_t g = k->groups.v[i];

		if (selector_matches(s, &ns[c->e->group_ns[g]].labels))
			add_if_matches(c, k, g);
	}
}

/* Find those of all namespaces that s matches. Returns the one namespace that
 * it can match, or FLOW_NONE. */
static uint32_t
add_namespaces(struct compilation *c, const struct label_selector *s,
    const struct candidates *k)
{
	const struct kube_namespace *namespaces = c->e->cluster->namespaces;
	struct label_candidates in = label_index_candidates(&c->namespaces, s);

	if (in.v == NULL)
		in.n = (uint32_t)c->e->cluster->n_namespaces;
	if (k->groups.v != NULL && k->groups.n < in.n)
		add_by_group(c, s, k);
	else
		for (uint32_t i = 0; i < in.n; i++) {
			uint32_t ns = in.v == NULL ? i : in.v[i];

			if (in.exact ||
			    selector_matches(s, &namespaces[ns].labels))
				add_namespace(c, ns, k);
		}
	if (in.n != 1)
		return FLOW_NONE;
	return in.v == NULL ? 0 : in.v[0];
}

/* 31 to 34; policy_ns FLOW_NONE: the policy's namespace is not there. */
static struct compiled_peer
find_peer(
    struct compilation *c, const struct policy_peer *p, uint32_t policy_ns)
{
	struct compiled_peer out = { .ns = policy_ns, .label = FLOW_NONE };
	struct candidates k = find_candidates(c, p->pod_selector);

	if (k.groups.one_label)
		out.label = k.groups.label == UINT32_MAX ? LABEL_OF_NOBODY
							 : k.groups.label;
	if (p->namespace_selector != NULL) {
		out.selects_ns = true;
		out.ns = add_namespaces(c, p->namespace_selector, &k);
	} else if (p->pod_selector != NULL && policy_ns != FLOW_NONE) {
		add_namespace(c, policy_ns, &k);
	}
	return out;
}

static struct memo *
memo_of(const struct compilation *c, const struct policy_peer *p)
{
	uint64_t h = hash_mix((uintptr_t)p->pod_selector ^ 0x9e3779b97f4a7c15u,
	    (uintptr_t)p->namespace_selector ^ 0xa0761d6478bd642fu);

	return &c->memos[h & (c->n_memos - 1)];
}

static void
remember(struct compilation *c, struct memo *m, const struct policy_peer *p,
    uint32_t policy_ns, struct compiled_peer out)
{
	if (c->found.n > MEMO_GROUPS)
		return;
	*m = (struct memo){ .pods = p->pod_selector,
		.namespaces = p->namespace_selector,
		.policy_ns = policy_ns,
		.n = (uint8_t)c->found.n,
		.peer = out,
		.is_set = true };
	memcpy(m->groups, c->found.groups, m->n * sizeof(*m->groups));
}

static struct compiled_peer
add_peer(struct compilation *c, const struct policy_peer *p, uint32_t policy_ns)
{
	uint32_t ns = p->namespace_selector != NULL ? FLOW_NONE : policy_ns;
	struct memo *m = memo_of(c, p);
	struct compiled_peer out;

	if (p->ip_block != NULL)
		return (struct compiled_peer){ .ns = PEER_IS_BLOCK,
			.label = FLOW_NONE };
	if (m->is_set && m->pods == p->pod_selector &&
	    m->namespaces == p->namespace_selector && m->policy_ns == ns) {
		for (uint32_t i = 0; i < m->n; i++)
			group_scratch_add(&c->together, m->groups[i]);
		return m->peer;
	}
	out = find_peer(c, p, policy_ns);
	remember(c, m, p, ns, out);
	group_scratch_move(&c->found, &c->together);
	return out;
}

static void
compile_ports(const struct policy_rule *rule, struct compiled_ports *out)
{
	const struct policy_port *p = rule->ports;

	if (rule->n_ports != 1 || p->name != NULL)
		return;
	out->protocol = p->protocol;
	out->first = p->has_port ? p->port : 0;
	out->last = !p->has_port ? UINT16_MAX
	    : p->end_port != 0   ? p->end_port
				 : p->port;
}

static bool
compile_rule(struct compilation *c, const struct policy_rule *rule,
    uint32_t policy_ns, struct compiled_rule *out)
{
	struct arena *arena = &c->e->arena;
	struct compiled_peer *peers =
	    arena_calloc(arena, rule->n_peers, sizeof(*peers));

	if (peers == NULL)
		return false;
	out->source = rule;
	out->peers = peers;
	out->any_peer = rule->n_peers == 0;
	for (size_t i = 0; i < rule->n_peers; i++)
		peers[i] = add_peer(c, &rule->peers[i], policy_ns);
	return group_scratch_take(&c->together, arena, &out->pods) &&
	    range_set_make(&out->blocks, arena, rule);
}

static bool
compile_rules(struct compilation *c, const struct policy *p,
    enum policy_direction d, uint32_t ns, struct compiled_policy *out)
{
	size_t n = p->n_rules[d];
	struct compiled_rule *rules =
	    arena_calloc(&c->e->arena, n, sizeof(*rules));
	struct compiled_ports *ports =
	    arena_calloc(&c->e->arena, n, sizeof(*ports));

	if (rules == NULL || ports == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		compile_ports(&p->rules[d][i], &ports[i]);
		if (!compile_rule(c, &p->rules[d][i], ns, &rules[i]))
			return false;
	}
	out->rules[d] = rules;
	out->ports[d] = ports;
	out->n_rules[d] = (uint32_t)n;
	return true;
}

static bool
compile_policy(
    struct compilation *c, const struct policy *p, struct compiled_policy *out)
{
	uint32_t ns = cluster_find_namespace(c->e->cluster, p->namespace);
	struct candidates k = find_candidates(c, &p->pod_selector);

	if (ns != FLOW_NONE)
		add_namespace(c, ns, &k);
	if (!group_scratch_take(&c->found, &c->e->arena, &out->subjects))
		return false;
	/* A policy that selects nothing is never asked. */
	for (unsigned d = 0; d < 2; d++)
		if (p->types[d] && out->subjects.n > 0 &&
		    !compile_rules(c, p, (enum policy_direction)d, ns, out))
			return false;
	return true;
}

/* The policy whose groups are gone through. */
struct isolating {
	struct compiled_isolation *to;
	uint32_t policy;
};

static void
count_group(void *ctx, uint32_t group)
{
	const struct isolating *i = ctx;

	i->to->start[group]++;
}

static void
put_group(void *ctx, uint32_t group)
{
	const struct isolating *i = ctx;

	i->to->policies[i->to->start[group]++] = i->policy;
}

/* Call each for every group that a policy isolates in d, policy by policy. */
static void
each_subject(const struct evaluator *e, enum policy_direction d,
    void (*each)(void *, uint32_t), struct compiled_isolation *to)
{
	for (uint32_t p = 0; p < e->set->n_policies; p++)
		if (e->set->policies[p].types[d])
			group_set_each(&e->policies[p].subjects, each,
			    &(struct isolating){ to, p });
}

/* Count, turn the counts into starts, and fill, which moves each start to
 * its end: the start of the next. */
static bool
make_isolation(struct evaluator *e, enum policy_direction d)
{
	struct compiled_isolation *to = &e->isolation[d];
	size_t total = 0;

	to->start = arena_calloc(
	    &e->arena, (size_t)e->n_groups + 1, sizeof(*to->start));
	if (to->start == NULL)
		return false;
	each_subject(e, d, count_group, to);
	for (uint32_t g = 0; g <= e->n_groups; g++) {
		uint32_t n = to->start[g];

		to->start[g] = (uint32_t)total;
		total += n;
		if (total > UINT32_MAX)
			return false;
	}
	to->policies = arena_calloc(&e->arena, total, sizeof(*to->policies));
	if (to->policies == NULL)
		return false;
	each_subject(e, d, put_group, to);
	memmove(to->start + 1, to->start, e->n_groups * sizeof(*to->start));
	to->start[0] = 0;
	return true;
}

/* The address of the evaluator is nothing that who labels pods can know. */
static bool
make_indices(struct compilation *c)
{
	const struct evaluator *e = c->e;
	const struct cluster *k = e->cluster;
	struct label_set *labels =
	    arena_calloc(&c->arena, k->n_namespaces, sizeof(*labels));
	uint64_t seed = (uint64_t)(uintptr_t)e;

	if (labels == NULL)
		return false;
	for (size_t i = 0; i < k->n_namespaces; i++)
		labels[i] = k->namespaces[i].labels;
	return label_index_make(&c->namespaces, &c->arena, labels,
		   (uint32_t)k->n_namespaces, seed) &&
	    label_index_make(
		&c->groups, &c->arena, e->group_labels, e->n_groups, seed);
}

/* Number the labels of groups, for the nearest miss. */
static bool
number_labels(struct compilation *c)
{
	struct evaluator *e = c->e;
	uint32_t *start, *ids;
	size_t n = 0;

	for (uint32_t g = 0; g < e->n_groups; g++)
		n += e->group_labels[g].n;
	start =
	    arena_calloc(&e->arena, (size_t)e->n_groups + 1, sizeof(*start));
	ids = arena_calloc(&e->arena, n, sizeof(*ids));
	if (start == NULL || ids == NULL)
		return false;
	n = 0;
	for (uint32_t g = 0; g < e->n_groups; g++) {
		const struct label_set *l = &e->group_labels[g];

		for (size_t i = 0; i < l->n; i++)
			ids[n++] = label_index_number(&c->groups, &l->v[i]);
		start[g + 1] = (uint32_t)n;
	}
	e->label_start = start;
	e->label_ids = ids;
	return true;
}

/* Room for all peers, but not for more than memory caches hold. */
static bool
make_memos(struct compilation *c)
{
	size_t peers = compiled_peers(c->e->set);

	c->n_memos = 1;
	while (c->n_memos < peers && c->n_memos < MEMO_MAX)
		c->n_memos *= 2;
	c->memos = arena_calloc(&c->arena, c->n_memos, sizeof(*c->memos));
	return c->memos != NULL;
}

static bool
compile_policies(struct compilation *c)
{
	struct evaluator *e = c->e;
	size_t n = e->set->n_policies;

	e->policies = arena_calloc(&e->arena, n, sizeof(*e->policies));
	if (e->policies == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!compile_policy(c, &e->set->policies[i], &e->policies[i]))
			return false;
	return true;
}

static enum rf_status
compile(struct evaluator *e)
{
	struct compilation c = { .e = e };
	enum rf_status st = compiled_make_groups(e);
	bool ok;

	if (st != RF_OK)
		return st;
	arena_init(&c.arena, 0);
	ok = make_indices(&c) && number_labels(&c) &&
	    group_scratch_init(&c.found, &c.arena, e->n_groups) &&
	    group_scratch_init(&c.together, &c.arena, e->n_groups) &&
	    make_memos(&c) && compile_policies(&c);
	arena_release(&c.arena);
	return ok && make_isolation(e, POLICY_INGRESS) &&
		make_isolation(e, POLICY_EGRESS)
	    ? RF_OK
	    : RF_NOMEM;
}

enum rf_status
evaluator_new(struct evaluator **out, const struct policy_set *set,
    const struct cluster *c, struct rf_error *err)
{
	struct evaluator *e;
	enum rf_status st;

	*out = NULL;
	if (set->n_policies >= FLOW_NONE || c->n_pods >= FLOW_NONE)
		return rf_fail(err, RF_LIMIT,
		    "evaluator: %zu policies, %zu pods are too many",
		    set->n_policies, c->n_pods);
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return rf_fail(err, RF_NOMEM, "evaluator: out of memory");
	arena_init(&e->arena, 0);
	e->set = set;
	e->cluster = c;
	st = compile(e);
	if (st != RF_OK) {
		evaluator_free(e);
		return rf_fail(err, st, "evaluator: out of memory");
	}
	*out = e;
	return RF_OK;
}

void
evaluator_free(struct evaluator *e)
{
	if (e == NULL)
		return;
	arena_release(&e->arena);
	free(e);
}
