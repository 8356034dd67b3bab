/* SPDX-License-Identifier: Apache-2.0 */
/* Making an evaluator: the sets of selectors, rules, isolation lists. */
#include "policy/compiled.h"

#include <stdlib.h>
#include <string.h>

#include "policy/label_index.h"

/* Scratch of one compilation. */
struct compilation {
	struct evaluator *e;
	struct arena arena;
	struct label_index groups, namespaces;
	uint64_t *bits; /* one set over all groups */
	uint32_t n_words;
};

static void
add_group(struct compilation *c, uint32_t group)
{
	c->bits[group / 64] |= (uint64_t)1 << group % 64;
}

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

/* Add to the scratch set the groups of namespace ns that s matches; NULL:
 * all of them. */
static void
add_namespace(
    struct compilation *c, uint32_t ns, const struct label_selector *s)
{
	const struct evaluator *e = c->e;
	uint32_t first = e->ns_start[ns], end = e->ns_start[ns + 1], n = 0;
	const uint32_t *v = NULL;
	bool exact = true;

	if (s != NULL)
		v = label_index_candidates(&c->groups, s, &n, &exact);
	if (v == NULL) {
		for (uint32_t g = first; g < end; g++)
			if (s == NULL ||
			    selector_matches(s, &e->group_labels[g]))
				add_group(c, g);
		return;
	}
	for (uint32_t i = lower_bound(v, n, first); i < n && v[i] < end; i++)
		if (exact || selector_matches(s, &e->group_labels[v[i]]))
			add_group(c, v[i]);
}

/* 31 to 34; policy_ns FLOW_NONE: the policy's namespace is not there. Returns
 * the only namespace that p can match, or FLOW_NONE. */
static uint32_t
add_peer(struct compilation *c, const struct policy_peer *p, uint32_t policy_ns)
{
	const struct cluster *k = c->e->cluster;
	const uint32_t *v;
	bool exact;
	uint32_t n;

	if (p->ip_block != NULL)
		return FLOW_NONE;
	if (p->namespace_selector == NULL) {
		if (p->pod_selector != NULL && policy_ns != FLOW_NONE)
			add_namespace(c, policy_ns, p->pod_selector);
		return policy_ns;
	}
	v = label_index_candidates(
	    &c->namespaces, p->namespace_selector, &n, &exact);
	if (v == NULL)
		n = (uint32_t)k->n_namespaces;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t ns = v == NULL ? i : v[i];

		if ((v != NULL && exact) ||
		    selector_matches(
			p->namespace_selector, &k->namespaces[ns].labels))
			add_namespace(c, ns, p->pod_selector);
	}
	return n == 1 ? (v == NULL ? 0 : v[0]) : FLOW_NONE;
}

/* Move the scratch set into out, without its empty ends. */
static bool
take_set(struct compilation *c, struct group_set *out)
{
	uint32_t first = 0, end = c->n_words;
	uint64_t *words;

	while (first < end && c->bits[first] == 0)
		first++;
	while (end > first && c->bits[end - 1] == 0)
		end--;
	*out = (struct group_set){ .first = first, .n = end - first };
	if (out->n == 0)
		return true;
	words = arena_calloc(&c->e->arena, out->n, sizeof(*words));
	if (words == NULL)
		return false;
	memcpy(words, c->bits + first, out->n * sizeof(*words));
	memset(c->bits + first, 0, out->n * sizeof(*words));
	out->words = words;
	return true;
}

static uint64_t
read_be64(const uint8_t *b)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

struct compiled_ip
compiled_ip_of(const struct ip_addr *a)
{
	return (struct compiled_ip){ .hi = read_be64(a->b),
		.lo = read_be64(a->b + 8),
		.is_v4 = ip_is_v4(a),
		.is_none = ip_is_none(a) };
}

static struct compiled_prefix
compile_prefix(const struct ip_prefix *p)
{
	struct compiled_ip ip = compiled_ip_of(&p->addr);
	unsigned hi = p->bits < 64 ? p->bits : 64, lo = p->bits - hi;

	return (struct compiled_prefix){ .hi = ip.hi,
		.lo = ip.lo,
		.mask_hi = hi == 0 ? 0 : UINT64_MAX << (64 - hi),
		.mask_lo = lo == 0 ? 0 : UINT64_MAX << (64 - lo),
		.is_v4 = ip_prefix_is_v4(p) };
}

static bool
compile_block(struct evaluator *e, const struct policy_ip_block *b,
    struct compiled_block *out)
{
	struct compiled_prefix *except =
	    arena_calloc(&e->arena, b->n_except, sizeof(*except));

	if (except == NULL)
		return false;
	out->cidr = compile_prefix(&b->cidr);
	for (size_t i = 0; i < b->n_except; i++)
		except[i] = compile_prefix(&b->except[i]);
	out->except = except;
	out->n_except = (uint32_t)b->n_except;
	return true;
}

static bool
compile_blocks(struct evaluator *e, const struct policy_rule *rule,
    struct compiled_rule *out)
{
	struct compiled_block *blocks;
	uint32_t n = 0;

	for (size_t i = 0; i < rule->n_peers; i++)
		n += rule->peers[i].ip_block != NULL;
	blocks = arena_calloc(&e->arena, n, sizeof(*blocks));
	if (blocks == NULL)
		return false;
	out->blocks = blocks;
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;

		if (b != NULL && !compile_block(e, b, &blocks[out->n_blocks++]))
			return false;
	}
	return true;
}

static void
compile_port(const struct policy_rule *rule, struct compiled_rule *out)
{
	const struct policy_port *p = rule->ports;

	if (rule->n_ports != 1 || p->name != NULL)
		return;
	out->port_protocol = p->protocol;
	out->first_port = p->has_port ? p->port : 0;
	out->last_port = !p->has_port ? UINT16_MAX
	    : p->end_port != 0        ? p->end_port
				      : p->port;
}

static bool
compile_rule(struct compilation *c, const struct policy_rule *rule,
    uint32_t policy_ns, struct compiled_rule *out)
{
	uint32_t *peer_ns =
	    arena_calloc(&c->e->arena, rule->n_peers, sizeof(*peer_ns));

	if (peer_ns == NULL)
		return false;
	out->source = rule;
	out->peer_ns = peer_ns;
	for (size_t i = 0; i < rule->n_peers; i++)
		peer_ns[i] = add_peer(c, &rule->peers[i], policy_ns);
	compile_port(rule, out);
	return take_set(c, &out->pods) && compile_blocks(c->e, rule, out);
}

static bool
compile_policy(
    struct compilation *c, const struct policy *p, struct compiled_policy *out)
{
	uint32_t ns = cluster_find_namespace(c->e->cluster, p->namespace);

	if (ns != FLOW_NONE)
		add_namespace(c, ns, &p->pod_selector);
	if (!take_set(c, &out->subjects))
		return false;
	for (unsigned d = 0; d < 2; d++) {
		struct compiled_rule *rules;

		/* A policy that selects nothing is never asked. */
		if (!p->types[d] || out->subjects.n == 0)
			continue;
		rules =
		    arena_calloc(&c->e->arena, p->n_rules[d], sizeof(*rules));
		if (rules == NULL)
			return false;
		for (size_t i = 0; i < p->n_rules[d]; i++)
			if (!compile_rule(c, &p->rules[d][i], ns, &rules[i]))
				return false;
		out->rules[d] = rules;
	}
	return true;
}

/* Call add(ctx, group) once for each group that policy p isolates in d. */
static void
each_subject(const struct evaluator *e, uint32_t p, enum policy_direction d,
    void (*add)(struct compiled_isolation *, uint32_t, uint32_t),
    struct compiled_isolation *to)
{
	const struct group_set *s = &e->policies[p].subjects;

	if (!e->set->policies[p].types[d])
		return;
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t w = s->words[i];

		for (; w != 0; w &= w - 1)
			add(to,
			    (s->first + i) * 64 + (uint32_t)__builtin_ctzll(w),
			    p);
	}
}

static void
count_policy(struct compiled_isolation *to, uint32_t group, uint32_t policy)
{
	(void)policy;
	to->start[group]++;
}

static void
put_policy(struct compiled_isolation *to, uint32_t group, uint32_t policy)
{
	to->policies[to->start[group]++] = policy;
}

/* Count, turn the counts into starts, and fill, which moves each start to
 * its end: the start of the next. */
static bool
make_isolation(struct evaluator *e, enum policy_direction d)
{
	struct compiled_isolation *to = &e->isolation[d];
	uint32_t n_policies = (uint32_t)e->set->n_policies;
	size_t total = 0;

	to->start = arena_calloc(
	    &e->arena, (size_t)e->n_groups + 1, sizeof(*to->start));
	if (to->start == NULL)
		return false;
	for (uint32_t p = 0; p < n_policies; p++)
		each_subject(e, p, d, count_policy, to);
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
	for (uint32_t p = 0; p < n_policies; p++)
		each_subject(e, p, d, put_policy, to);
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

static enum rf_status
compile(struct evaluator *e)
{
	struct compilation c = { .e = e };
	enum rf_status st = compiled_make_groups(e);

	if (st != RF_OK)
		return st;
	arena_init(&c.arena, 0);
	if (!make_indices(&c))
		st = RF_NOMEM;
	c.n_words = (e->n_groups + 63) / 64;
	c.bits = calloc((size_t)c.n_words + 1, sizeof(*c.bits));
	e->policies =
	    arena_calloc(&e->arena, e->set->n_policies, sizeof(*e->policies));
	if (c.bits == NULL || e->policies == NULL)
		st = RF_NOMEM;
	for (size_t i = 0; st == RF_OK && i < e->set->n_policies; i++)
		if (!compile_policy(&c, &e->set->policies[i], &e->policies[i]))
			st = RF_NOMEM;
	free(c.bits);
	arena_release(&c.arena);
	if (st == RF_OK &&
	    (!make_isolation(e, POLICY_INGRESS) ||
		!make_isolation(e, POLICY_EGRESS)))
		st = RF_NOMEM;
	return st;
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
