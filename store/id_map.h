/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id_map: where the row of an id stands, in memory that grows with the rows and
 * not with the ids: those only ever grow, and a damaged one is any number.
 *
 * Private to store/. Ids that follow each other lie beside each other.
 */
#ifndef STORE_ID_MAP_H
#define STORE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "core/hash.h"

struct id_place {
	uint32_t id; /* 0: none here */
	uint32_t at;
};

/* Zero is an empty one. */
struct id_map {
	struct id_place *v; /* open addressing, a power of two */
	size_t n, cap;
};

/* id is below FLOW_NONE and above 0, and new. false: it is not, or out of
 * memory (then *is_bad is false). */
bool id_map_add(struct id_map *m, int64_t id, uint32_t at, bool *is_bad);
void id_map_release(struct id_map *m);

/* Where it is, or would be. */
static inline struct id_place *
id_map_place(const struct id_map *m, uint32_t id)
{
	/* Whose table it is cannot be known by who chooses the ids. */
	uint64_t line =
	    hash_mix((uint64_t)(uintptr_t)m->v ^ id >> 3, 0x9e3779b97f4a7c15u);
	size_t i = (size_t)(line << 3 | (id & 7)) & (m->cap - 1);

	while (m->v[i].id != 0 && m->v[i].id != id)
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

/* FLOW_NONE: there is no such id. */
static inline uint32_t
id_map_find(const struct id_map *m, int64_t id)
{
	const struct id_place *p;

	if (id <= 0 || id >= FLOW_NONE || m->n == 0)
		return FLOW_NONE;
	p = id_map_place(m, (uint32_t)id);
	return p->id == 0 ? FLOW_NONE : p->at;
}

#endif
