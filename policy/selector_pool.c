/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_pool.h"

#include <stdlib.h>

#include "core/hash.h"

#define SLOTS_MIN ((size_t)64)

void
selector_pool_release(struct selector_pool *p)
{
	free(p->slots);
	*p = (struct selector_pool){ .seed = p->seed };
}

static uint64_t
hash_of(const struct selector_pool *p, const struct label_set *labels)
{
	uint64_t h = p->seed;

	for (size_t i = 0; i < labels->n; i++)
		h = hash_string(
		    hash_string(h, labels->v[i].key), labels->v[i].value);
	return h;
}

/* The slot of these labels: their own, or the free one where they belong. */
static const struct label_selector **
find_slot(const struct selector_pool *p, const struct label_set *labels)
{
	size_t mask = p->n_slots - 1, i = hash_of(p, labels) & mask;

	while (p->slots[i] != NULL &&
	    !label_set_equal(&p->slots[i]->match_labels, labels))
		i = (i + 1) & mask;
	return &p->slots[i];
}

/* At most half of the slots are taken. */
static bool
make_room(struct selector_pool *p)
{
	struct selector_pool more = { .n = p->n,
		.n_slots = p->n_slots == 0 ? SLOTS_MIN : 2 * p->n_slots,
		.seed = p->seed };

	if (2 * p->n < p->n_slots)
		return true;
	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (more.slots == NULL)
		return false;
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i] != NULL)
			*find_slot(&more, &p->slots[i]->match_labels) =
			    p->slots[i];
	free(p->slots);
	*p = more;
	return true;
}

static const struct label_selector *
copy(struct arena *arena, const struct label_selector *s)
{
	struct label_selector *out = arena_alloc(arena, sizeof(*out));

	if (out != NULL)
		*out = *s;
	return out;
}

const struct label_selector *
selector_pool_keep(struct selector_pool *p, struct arena *arena,
    const struct label_selector *s)
{
	const struct label_selector **slot;

	if (s->n_match_expressions > 0)
		return copy(arena, s);
	if (!make_room(p))
		return NULL;
	slot = find_slot(p, &s->match_labels);
	if (*slot == NULL) {
		*slot = copy(arena, s);
		p->n += *slot != NULL;
	}
	return *slot;
}
