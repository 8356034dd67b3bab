/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	int64_t until_us;
	struct connection c;
};

struct waiting {
	uint32_t mask, first, n;
	struct entry v[];
};

struct waiting *
waiting_new(uint32_t max)
{
	struct waiting *w = malloc(sizeof(*w) + max * sizeof(w->v[0]));

	assert(max != 0 && (max & (max - 1)) == 0);
	if (w == NULL)
		return NULL;
	w->mask = max - 1;
	w->first = w->n = 0;
	return w;
}

void
waiting_free(struct waiting *w)
{
	free(w);
}

uint32_t
waiting_count(const struct waiting *w)
{
	return w->n;
}

bool
waiting_is_full(const struct waiting *w)
{
	return w->n > w->mask;
}

static void
set(struct entry *e, const struct connection *c, int64_t until_us)
{
	e->until_us = until_us;
	memcpy(&e->c, c, connection_bytes(c));
}

void
waiting_put(struct waiting *w, const struct connection *c, int64_t until_us)
{
	assert(!waiting_is_full(w));
	set(&w->v[(w->first + w->n++) & w->mask], c, until_us);
}

const struct connection *
waiting_at(const struct waiting *w, uint32_t i, int64_t *until_us)
{
	const struct entry *e = &w->v[(w->first + i) & w->mask];

	assert(i < w->n);
	*until_us = e->until_us;
	return &e->c;
}

void
waiting_redate(struct waiting *w, int64_t by_us)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct entry *e = &w->v[(w->first + i) & w->mask];

		e->until_us += by_us;
		e->c.first_us += by_us;
		e->c.last_us += by_us;
		for (size_t k = 0; k < e->c.n_legs; k++)
			e->c.legs[k].first_us += by_us;
	}
}

void
waiting_move(struct waiting *w, uint32_t k, uint32_t i)
{
	const struct entry *from = &w->v[(w->first + i) & w->mask];

	assert(k <= i && i < w->n);
	if (k != i)
		set(&w->v[(w->first + k) & w->mask], &from->c, from->until_us);
}

void
waiting_cut(struct waiting *w, uint32_t n)
{
	assert(n <= w->n);
	w->n = n;
}

void
waiting_shift(struct waiting *w)
{
	assert(w->n > 0);
	w->first = (w->first + 1) & w->mask;
	w->n--;
}
