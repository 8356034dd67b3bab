/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies of one namespace that say the same: RF021. There may be a hundred
 * thousand that differ in one peer: each is compared only with those that have
 * the same mark.
 */
#include <stdlib.h>

#include "core/hash.h"
#include "policy/lint_internal.h"
#include "policy/write.h"

/* Those that are the same have the same one. */
struct marked {
	uint64_t mark;
	size_t index;
};

static uint64_t
mark_number(uint64_t mark, uint64_t value)
{
	return hash_mix(mark ^ value, 0x9e3779b97f4a7c15u);
}

static uint64_t
mark_selector(uint64_t mark, const struct label_selector *s)
{
	if (s == NULL)
		return mark_number(mark, UINT64_MAX);
	mark = mark_number(mark, s->match_labels.n);
	for (size_t i = 0; i < s->match_labels.n; i++) {
		mark = hash_string(mark, s->match_labels.v[i].key);
		mark = hash_string(mark, s->match_labels.v[i].value);
	}
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];

		mark = hash_string(mark_number(mark, r->op), r->key);
		for (size_t k = 0; k < r->n_values; k++)
			mark = hash_string(mark, r->values[k]);
	}
	return mark;
}

static uint64_t
mark_rule(uint64_t mark, const struct policy_rule *rule)
{
	mark = mark_number(mark_number(mark, rule->n_peers), rule->n_ports);
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_peer *p = &rule->peers[i];

		mark = mark_selector(mark, p->pod_selector);
		mark = mark_selector(mark, p->namespace_selector);
		if (p->ip_block == NULL)
			continue;
		mark = hash_bytes(mark, p->ip_block->cidr.addr.b,
		    sizeof(p->ip_block->cidr.addr.b));
		mark = mark_number(mark, p->ip_block->cidr.bits);
	}
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct policy_port *p = &rule->ports[i];

		mark = mark_number(mark, p->protocol);
		mark = p->name != NULL ? hash_string(mark, p->name)
				       : mark_number(mark, p->port);
	}
	return mark;
}

static uint64_t
mark_policy(const struct policy *p)
{
	uint64_t mark = mark_selector(3, &p->pod_selector);

	for (int d = 0; d < 2; d++) {
		mark = mark_number(mark, p->n_rules[d]);
		for (size_t i = 0; i < p->n_rules[d]; i++)
			mark = mark_rule(mark, &p->rules[d][i]);
	}
	return hash_string(mark, p->namespace);
}

static int
by_mark(const void *x, const void *y)
{
	const struct marked *a = x, *b = y;

	if (a->mark != b->mark)
		return a->mark < b->mark ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Whatever they are called. */
static bool
is_same(const struct policy *a, const struct policy *b)
{
	struct policy other = *a;

	other.name = b->name;
	other.labels = b->labels;
	other.annotations = b->annotations;
	return policy_equal(&other, b);
}

/* RF021 */
void
lint_check_duplicates(struct lint *l)
{
	const struct policy *v = l->set->policies;
	size_t n = l->set->n_policies, first = 0;
	struct marked *all = arena_calloc(l->arena, n, sizeof(*all));

	if (all == NULL) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		all[i] = (struct marked){ mark_policy(&v[i]), i };
	if (n > 0)
		qsort(all, n, sizeof(*all), by_mark);
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = &v[all[i].index];
		struct lint_at at;
		size_t k;

		if (all[i].mark != all[first].mark)
			first = i;
		for (k = first; k < i && !is_same(&v[all[k].index], p); k++)
			;
		if (k == i)
			continue;
		at = lint_at_policy(p, 0, "spec");
		lint_add(l, 0, LINT_NOTE, &at,
		    lint_text(l, "policy %s/%s says the same",
			v[all[k].index].namespace, v[all[k].index].name),
		    "Remove one of the two.");
	}
}
