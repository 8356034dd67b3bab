/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: pods of one namespace that agree in every label whose key some
 * selector of the policy set names. A pod's other labels (template hashes,
 * replica names) cannot change a verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "policy/compiled.h"

/* The keys that selectors name, sorted, each once. */
struct key_list {
	const char **v;
	size_t n, cap;
	/* Selectors whose keys are there, as far as there is a place. */
	const struct label_selector **seen;
	size_t n_seen; /* a power of two */
};
#define SEEN_MAX ((size_t)16 * 1024)

struct sort_pod {
	uint32_t ns, index;
	struct label_set labels; /* those that selectors can see */
};

static bool
add_key(struct key_list *keys, struct arena *arena, const char *key)
{
	void *v = keys->v;

	/* Peers mostly name the key that the one before named. */
	if (keys->n > 0 && strcmp(keys->v[keys->n - 1], key) == 0)
		return true;
	if (!arena_grow(arena, &v, keys->n, &keys->cap, sizeof(*keys->v)))
		return false;
	keys->v = v;
	keys->v[keys->n++] = key;
	return true;
}

static bool
add_selector_keys(
    struct key_list *keys, struct arena *arena, const struct label_selector *s)
{
	if (s == NULL)
		return true;
	for (size_t i = 0; i < s->match_labels.n; i++)
		if (!add_key(keys, arena, s->match_labels.v[i].key))
			return false;
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (!add_key(keys, arena, s->match_expressions[i].key))
			return false;
	return true;
}

/* Most peers name a selector that another one named. */
static bool
add_peer_keys(
    struct key_list *keys, struct arena *arena, const struct label_selector *s)
{
	uint64_t h = hash_mix((uintptr_t)s, 0x9e3779b97f4a7c15u);
	const struct label_selector **seen =
	    &keys->seen[h & (keys->n_seen - 1)];

	if (*seen == s)
		return true;
	*seen = s;
	return add_selector_keys(keys, arena, s);
}

static bool
add_policy_keys(
    struct key_list *keys, struct arena *arena, const struct policy *p)
{
	if (!add_selector_keys(keys, arena, &p->pod_selector))
		return false;
	for (unsigned d = 0; d < 2; d++)
		for (size_t i = 0; i < p->n_rules[d]; i++) {
			const struct policy_rule *r = &p->rules[d][i];

			for (size_t k = 0; k < r->n_peers; k++)
				if (!add_peer_keys(
					keys, arena, r->peers[k].pod_selector))
					return false;
		}
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t
compiled_peers(const struct policy_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_policies; i++) {
		const struct policy *p = &set->policies[i];

		for (unsigned d = 0; d < 2; d++)
			for (size_t k = 0; k < p->n_rules[d]; k++)
				n += p->rules[d][k].n_peers;
	}
	return n;
}

static bool
add_all_keys(
    struct key_list *keys, struct arena *arena, const struct policy_set *set)
{
	size_t peers = compiled_peers(set);
	bool ok;

	*keys = (struct key_list){ .n_seen = 1 };
	while (keys->n_seen < peers && keys->n_seen < SEEN_MAX)
		keys->n_seen *= 2;
	keys->seen = calloc(keys->n_seen, sizeof(*keys->seen));
	ok = keys->seen != NULL;
	for (size_t i = 0; ok && i < set->n_policies; i++)
		ok = add_policy_keys(keys, arena, &set->policies[i]);
	free(keys->seen);
	keys->seen = NULL;
	return ok;
}

static bool
collect_keys(
    struct key_list *keys, struct arena *arena, const struct policy_set *set)
{
	size_t kept = 0;

	if (!add_all_keys(keys, arena, set))
		return false;
	if (keys->n == 0)
		return true;
	qsort(keys->v, keys->n, sizeof(*keys->v), compare_keys);
	for (size_t i = 0; i < keys->n; i++)
		if (kept == 0 || strcmp(keys->v[kept - 1], keys->v[i]) != 0)
			keys->v[kept++] = keys->v[i];
	keys->n = kept;
	return true;
}

/* The labels of all whose key is listed; both are sorted by key. */
static bool
visible_labels(struct label_set *out, struct arena *arena,
    const struct label_set *all, const struct key_list *keys)
{
	struct label *v = arena_calloc(arena, all->n, sizeof(*v));

	if (v == NULL)
		return false;
	*out = (struct label_set){ .v = v };
	for (size_t i = 0; i < all->n; i++)
		if (keys->n > 0 &&
		    bsearch(&all->v[i].key, keys->v, keys->n, sizeof(*keys->v),
			compare_keys) != NULL)
			v[out->n++] = all->v[i];
	return true;
}

static int
compare_pods(const void *a, const void *b)
{
	const struct sort_pod *x = a, *y = b;
	int d;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	d = label_set_compare(&x->labels, &y->labels);
	return d != 0 ? d : (x->index > y->index) - (x->index < y->index);
}

/* Number the groups in the order of the sorted pods. */
static void
number_groups(struct evaluator *e, const struct sort_pod *sorted, size_t n)
{
	uint32_t ns = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || sorted[i - 1].ns != sorted[i].ns ||
		    !label_set_equal(
			&sorted[i - 1].labels, &sorted[i].labels)) {
			while (ns <= sorted[i].ns)
				e->ns_start[ns++] = e->n_groups;
			e->group_ns[e->n_groups] = sorted[i].ns;
			e->group_labels[e->n_groups++] = sorted[i].labels;
		}
		e->group_of_pod[sorted[i].index] = e->n_groups - 1;
	}
	while (ns <= e->cluster->n_namespaces)
		e->ns_start[ns++] = e->n_groups;
}

enum rf_status
compiled_make_groups(struct evaluator *e)
{
	const struct cluster *c = e->cluster;
	struct arena *a = &e->arena;
	struct sort_pod *sorted = arena_calloc(a, c->n_pods, sizeof(*sorted));
	struct key_list keys;
	size_t n = 0;

	e->group_of_pod = arena_calloc(a, c->n_pods, sizeof(*e->group_of_pod));
	e->group_labels = arena_calloc(a, c->n_pods, sizeof(*e->group_labels));
	e->group_ns = arena_calloc(a, c->n_pods, sizeof(*e->group_ns));
	e->ns_start =
	    arena_calloc(a, c->n_namespaces + 1, sizeof(*e->ns_start));
	if (sorted == NULL || e->group_of_pod == NULL ||
	    e->group_labels == NULL || e->group_ns == NULL ||
	    e->ns_start == NULL || !collect_keys(&keys, a, e->set))
		return RF_NOMEM;
	for (uint32_t i = 0; i < c->n_pods; i++) {
		e->group_of_pod[i] = FLOW_NONE;
		if (c->pods[i].host_network)
			continue;
		sorted[n].ns = c->pods[i].ns;
		sorted[n].index = i;
		if (!visible_labels(
			&sorted[n++].labels, a, &c->pods[i].labels, &keys))
			return RF_NOMEM;
	}
	qsort(sorted, n, sizeof(*sorted), compare_pods);
	number_groups(e, sorted, n);
	return RF_OK;
}
