/* SPDX-License-Identifier: Apache-2.0 */
#include "store/id_map.h"

#include <stdlib.h>

static bool
grow(struct id_map *m)
{
	struct id_map bigger = { .cap = m->cap == 0 ? 64 : m->cap * 2,
		.n = m->n };

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (bigger.v == NULL)
		return false;
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].id != 0)
			*id_map_place(&bigger, m->v[i].id) = m->v[i];
	free(m->v);
	*m = bigger;
	return true;
}

bool
id_map_add(struct id_map *m, int64_t id, uint32_t at, bool *is_bad)
{
	struct id_place *p;

	*is_bad = id <= 0 || id >= FLOW_NONE;
	if (*is_bad || (m->n * 2 >= m->cap && !grow(m)))
		return false;
	p = id_map_place(m, (uint32_t)id);
	*is_bad = p->id != 0;
	if (*is_bad)
		return false;
	*p = (struct id_place){ (uint32_t)id, at };
	m->n++;
	return true;
}

void
id_map_release(struct id_map *m)
{
	free(m->v);
	*m = (struct id_map){ 0 };
}
