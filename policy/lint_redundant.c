/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could go without a change: RF019 and RF020. One rule covers another
 * only where that is certain from the text alone.
 */
#include <string.h>

#include "core/hash.h"
#include "policy/lint_internal.h"

static bool
has_value(const struct selector_requirement *r, const char *value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i], value) == 0)
			return true;
	return false;
}

static bool
same_requirement(
    const struct selector_requirement *a, const struct selector_requirement *b)
{
	if (a->op != b->op || strcmp(a->key, b->key) != 0 ||
	    a->n_values != b->n_values)
		return false;
	for (size_t i = 0; i < a->n_values; i++)
		if (!has_value(b, a->values[i]))
			return false;
	return true;
}

bool
lint_selector_covers(
    const struct label_selector *outer, const struct label_selector *inner)
{
	for (size_t i = 0; i < outer->match_labels.n; i++) {
		const struct label *want = &outer->match_labels.v[i];
		const char *have = label_get(&inner->match_labels, want->key);

		if (have == NULL || strcmp(have, want->value) != 0)
			return false;
	}
	for (size_t i = 0; i < outer->n_match_expressions; i++) {
		bool found = false;

		for (size_t k = 0; k < inner->n_match_expressions; k++)
			found |= same_requirement(&outer->match_expressions[i],
			    &inner->match_expressions[k]);
		if (!found)
			return false;
	}
	return true;
}

static bool
block_covers(
    const struct policy_ip_block *outer, const struct policy_ip_block *inner)
{
	if (!ip_prefix_covers(&outer->cidr, &inner->cidr) ||
	    ip_prefix_is_v4(&outer->cidr) != ip_prefix_is_v4(&inner->cidr))
		return false;
	/* What outer leaves out inner must leave out, or not hold. */
	for (size_t i = 0; i < outer->n_except; i++) {
		bool out = !ip_prefix_covers(&outer->except[i], &inner->cidr) &&
		    !ip_prefix_covers(&inner->cidr, &outer->except[i]);

		for (size_t k = 0; k < inner->n_except && !out; k++)
			out = ip_prefix_covers(
			    &inner->except[k], &outer->except[i]);
		if (!out)
			return false;
	}
	return true;
}

static bool
peer_covers(const struct policy_peer *outer, const struct policy_peer *inner)
{
	static const struct label_selector all = { 0 };

	if (outer->ip_block != NULL || inner->ip_block != NULL)
		return outer->ip_block != NULL && inner->ip_block != NULL &&
		    block_covers(outer->ip_block, inner->ip_block);
	if (outer->namespace_selector == NULL) {
		if (inner->namespace_selector != NULL)
			return false;
	} else if (inner->namespace_selector == NULL) {
		if (!selector_is_empty(outer->namespace_selector))
			return false;
	} else if (!lint_selector_covers(
		       outer->namespace_selector, inner->namespace_selector))
		return false;
	return lint_selector_covers(
	    outer->pod_selector == NULL ? &all : outer->pod_selector,
	    inner->pod_selector == NULL ? &all : inner->pod_selector);
}

static bool
port_covers(const struct policy_port *outer, const struct policy_port *inner)
{
	unsigned last;

	if (outer->protocol != inner->protocol)
		return false;
	if (!outer->has_port)
		return true;
	if (!inner->has_port)
		return false;
	if (outer->name != NULL || inner->name != NULL)
		return outer->name != NULL && inner->name != NULL &&
		    strcmp(outer->name, inner->name) == 0;
	last = inner->end_port == 0 ? inner->port : inner->end_port;
	return inner->port >= outer->port &&
	    last <= (outer->end_port == 0 ? outer->port : outer->end_port);
}

static bool
any_peer_covers(const struct policy_rule *outer, const struct policy_peer *p)
{
	for (size_t i = 0; i < outer->n_peers; i++)
		if (peer_covers(&outer->peers[i], p))
			return true;
	return outer->n_peers == 0;
}

static bool
any_port_covers(const struct policy_rule *outer, const struct policy_port *p)
{
	for (size_t i = 0; i < outer->n_ports; i++)
		if (port_covers(&outer->ports[i], p))
			return true;
	return outer->n_ports == 0;
}

static bool
rule_covers(const struct policy_rule *outer, const struct policy_rule *inner)
{
	if ((inner->n_peers == 0 && outer->n_peers > 0) ||
	    (inner->n_ports == 0 && outer->n_ports > 0))
		return false;
	for (size_t i = 0; i < inner->n_peers; i++)
		if (!any_peer_covers(outer, &inner->peers[i]))
			return false;
	for (size_t i = 0; i < inner->n_ports; i++)
		if (!any_port_covers(outer, &inner->ports[i]))
			return false;
	return true;
}

/*
 * Labels as bits, so that of the pairs of a long list nearly all are told
 * apart at a glance: a selector covers another only if it asks for no label
 * that the other does not ask for.
 */
struct bits {
	uint64_t needed; /* by all peers of the rule */
	uint64_t first;  /* by its first peer */
};

static uint64_t
label_bits(uint64_t seed, const struct label_selector *sel)
{
	uint64_t bits = 0;

	for (size_t i = 0; sel != NULL && i < sel->match_labels.n; i++) {
		const struct label *l = &sel->match_labels.v[i];
		uint64_t h = hash_string(hash_string(seed, l->key), l->value);

		bits |= (uint64_t)1 << (h & 63);
		bits |= (uint64_t)1 << (h >> 6 & 63);
		bits |= (uint64_t)1 << (h >> 12 & 63);
	}
	return bits;
}

static struct bits
rule_bits(const struct policy_rule *rule)
{
	struct bits b = { .needed = rule->n_peers == 0 ? 0 : UINT64_MAX };

	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_peer *p = &rule->peers[i];
		uint64_t bits = label_bits(1, p->pod_selector) |
		    label_bits(2, p->namespace_selector);

		b.needed &= bits;
		if (i == 0)
			b.first = bits;
	}
	return b;
}

/* Of the list that s is in, in the arena; NULL: out of memory. */
static const struct bits *
list_bits(struct lint *l, const struct lint_spot *s)
{
	size_t n = s->policy->n_rules[s->direction];
	struct bits *v = arena_calloc(l->arena, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = rule_bits(&s->policy->rules[s->direction][i]);
	l->failed |= v == NULL;
	return v;
}

/* The rule of the same list that makes s->rule superfluous, or its own
 * index. Of two that cover each other the later one is. */
static size_t
covered_by(const struct lint_spot *s, const struct bits *bits)
{
	const struct policy_rule *rules = s->policy->rules[s->direction];
	size_t n = s->policy->n_rules[s->direction];

	for (size_t i = 0; i < n; i++)
		if ((bits[i].needed & ~bits[s->index].first) == 0 &&
		    i != s->index && rule_covers(&rules[i], s->rule) &&
		    (i < s->index || !rule_covers(s->rule, &rules[i])))
			return i;
	return s->index;
}

/* RF019, RF020 */
void
lint_check_redundant(struct lint *l)
{
	const struct bits *bits = NULL;
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s)) {
		const struct policy_rule *rules = s.policy->rules[s.direction];
		const char *name = policy_direction_name(s.direction);
		struct lint_at at;
		size_t by;

		if (s.index == 0)
			bits = list_bits(l, &s);
		if (bits == NULL)
			return;
		by = covered_by(&s, bits);
		if (by == s.index)
			continue;
		at = lint_at_rule(l, &s, "");
		if (lint_rule_is_open(&rules[by]) && !lint_rule_is_open(s.rule))
			lint_add(l, 0, LINT_WARNING, &at,
			    lint_text(l,
				"%s[%zu] is empty and allows everything, so "
				"this rule restricts nothing",
				name, by),
			    "Remove the empty rule to allow only what the "
			    "others name.");
		else
			lint_add(l, 1, LINT_NOTE, &at,
			    lint_text(l,
				"%s[%zu] already allows all that this rule "
				"does",
				name, by),
			    "Remove this rule.");
	}
}
