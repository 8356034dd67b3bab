/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/label_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

static uint64_t
hash_of(const struct label_index *ix, const struct label *l)
{
	return hash_string(hash_string(ix->seed, l->key), l->value);
}

/* The slot of a label: its own, or the free one where it belongs. */
static uint32_t *
find_slot(const struct label_index *ix, const struct label *l, uint64_t hash)
{
	size_t mask = ix->n_slots - 1, i = (size_t)hash & mask;

	for (; ix->slots[i] != 0; i = (i + 1) & mask) {
		const struct label_entry *e = &ix->entries[ix->slots[i] - 1];

		if (e->hash == hash && strcmp(e->key, l->key) == 0 &&
		    strcmp(e->value, l->value) == 0)
			break;
	}
	return &ix->slots[i];
}

static struct label_entry *
find_or_add(struct label_index *ix, const struct label *l)
{
	uint64_t hash = hash_of(ix, l);
	uint32_t *slot = find_slot(ix, l, hash);

	if (*slot == 0) {
		ix->entries[ix->n_entries] = (struct label_entry){
			.key = l->key, .value = l->value, .hash = hash
		};
		*slot = ++ix->n_entries;
	}
	return &ix->entries[*slot - 1];
}

bool
label_index_make(struct label_index *ix, struct arena *arena,
    const struct label_set *sets, uint32_t n, uint64_t seed)
{
	size_t n_labels = 0;
	uint32_t at = 0;

	*ix = (struct label_index){ .seed = seed, .n_slots = 2 };
	for (uint32_t i = 0; i < n; i++)
		n_labels += sets[i].n;
	while (ix->n_slots < 2 * n_labels)
		ix->n_slots *= 2;
	ix->slots = arena_calloc(arena, ix->n_slots, sizeof(*ix->slots));
	ix->entries = arena_calloc(arena, n_labels, sizeof(*ix->entries));
	ix->members = arena_calloc(arena, n_labels, sizeof(*ix->members));
	ix->gathered = arena_calloc(arena, n, sizeof(*ix->gathered));
	if (ix->slots == NULL || ix->entries == NULL || ix->members == NULL ||
	    ix->gathered == NULL || n_labels >= UINT32_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		for (size_t k = 0; k < sets[i].n; k++)
			find_or_add(ix, &sets[i].v[k])->n++;
	for (uint32_t i = 0; i < ix->n_entries; i++) {
		ix->entries[i].start = at;
		at += ix->entries[i].n;
		ix->entries[i].n = 0;
	}
	for (uint32_t i = 0; i < n; i++)
		for (size_t k = 0; k < sets[i].n; k++) {
			struct label_entry *e = find_or_add(ix, &sets[i].v[k]);

			ix->members[e->start + e->n++] = i;
		}
	return true;
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The sets that carry one of the values. A set has one value of a key and a
 * value counts once, so there is room for all. */
static uint32_t
gather(struct label_index *ix, const struct selector_requirement *in)
{
	uint32_t n = 0;

	ix->round++;
	for (size_t i = 0; i < in->n_values; i++) {
		struct label l = { in->key, in->values[i] };
		uint32_t slot = *find_slot(ix, &l, hash_of(ix, &l));
		struct label_entry *e;

		if (slot == 0)
			continue;
		e = &ix->entries[slot - 1];
		if (e->round == ix->round)
			continue;
		e->round = ix->round;
		memcpy(&ix->gathered[n], &ix->members[e->start],
		    e->n * sizeof(*ix->gathered));
		n += e->n;
	}
	if (n > 1)
		qsort(ix->gathered, n, sizeof(*ix->gathered), compare_numbers);
	return n;
}

/* The first requirement that wants one of several values; NULL: none. */
static const struct selector_requirement *
find_in(const struct label_selector *s)
{
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (s->match_expressions[i].op == SELECTOR_IN)
			return &s->match_expressions[i];
	return NULL;
}

static struct label_candidates
by_values(struct label_index *ix, const struct label_selector *s)
{
	const struct selector_requirement *in = find_in(s);
	struct label_candidates c = { .label = UINT32_MAX };

	if (in == NULL)
		return c;
	c.n = gather(ix, in);
	c.v = ix->gathered;
	c.exact = s->n_match_expressions == 1;
	return c;
}

struct label_candidates
label_index_candidates(struct label_index *ix, const struct label_selector *s)
{
	struct label_candidates best = { .label = UINT32_MAX };

	if (s->match_labels.n == 0)
		return by_values(ix, s);
	best.exact = best.one_label =
	    s->match_labels.n == 1 && s->n_match_expressions == 0;
	for (size_t i = 0; i < s->match_labels.n; i++) {
		const struct label *l = &s->match_labels.v[i];
		uint32_t slot = *find_slot(ix, l, hash_of(ix, l));
		const struct label_entry *e;

		if (slot == 0) { /* nobody carries it */
			best.v = ix->members;
			best.n = 0;
			best.label = UINT32_MAX;
			return best;
		}
		e = &ix->entries[slot - 1];
		if (best.v == NULL || e->n < best.n) {
			best.v = ix->members + e->start;
			best.n = e->n;
			best.label = slot - 1;
		}
	}
	return best;
}

uint32_t
label_index_number(const struct label_index *ix, const struct label *l)
{
	return *find_slot(ix, l, hash_of(ix, l)) - 1;
}
