/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/listeners.h"

#include <stdlib.h>

#include "core/hash.h"

struct listener {
	struct ip_addr ip;
	uint16_t port;
	uint8_t protocol; /* 0: empty */
	uint8_t zero[5];
};

_Static_assert(sizeof(struct listener) == 24, "hashed as whole words");

/* What is learnt goes to one half; when that is full the other is emptied for
 * what comes next. */
struct listeners {
	uint64_t seed;
	uint32_t mask, used; /* of the half in use */
	unsigned half;
	struct listener v[];
};

struct listeners *
listeners_new(uint32_t max, uint64_t seed)
{
	struct listeners *l;

	l = calloc(1, sizeof(*l) + max * sizeof(struct listener));
	if (l != NULL) {
		l->seed = seed;
		l->mask = max / 2 - 1;
	}
	return l;
}

void
listeners_free(struct listeners *l)
{
	free(l);
}

/* The slot that holds the key, or the empty one of that half where it
 * belongs. */
static uint32_t
slot_of(const struct listeners *l, unsigned half, const struct listener *key)
{
	uint32_t i = (uint32_t)hash_words(l->seed, key, sizeof(*key)) & l->mask;
	uint32_t first = half * (l->mask + 1);

	while (l->v[first + i].protocol != 0 &&
	    memcmp(&l->v[first + i], key, sizeof(*key)) != 0)
		i = (i + 1) & l->mask;
	return first + i;
}

void
listeners_learn(struct listeners *l, const struct ip_addr *ip, uint16_t port,
    uint8_t protocol)
{
	struct listener key = { .ip = *ip, .port = port, .protocol = protocol };
	uint32_t i = slot_of(l, l->half, &key);

	if (l->v[i].protocol != 0)
		return;
	if (l->used >= l->mask - l->mask / 4) {
		size_t size = (size_t)l->mask + 1;

		l->half = !l->half;
		l->used = 0;
		memset(&l->v[l->half * size], 0, size * sizeof(l->v[0]));
		i = slot_of(l, l->half, &key);
	}
	l->v[i] = key;
	l->used++;
}

bool
listeners_has(const struct listeners *l, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol)
{
	struct listener key = { .ip = *ip, .port = port, .protocol = protocol };

	return l->v[slot_of(l, 0, &key)].protocol != 0 ||
	    l->v[slot_of(l, 1, &key)].protocol != 0;
}
