/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg_index: finds legs by the hash of their key. Private to the leg pool.
 *
 * A bucket is one line of the cache. Of each leg in it there is a tag of eight
 * bits of its hash, and all tags are compared at once: where a leg is, or that
 * there is none, takes no branch that goes now one way and now the other. What
 * a full bucket has no place for lies in those behind it, which is counted in
 * each that was passed: where that is 0 the search is over, or once round.
 */
#ifndef COLLECTOR_LEG_INDEX_H
#define COLLECTOR_LEG_INDEX_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/bring.h"

#define LEG_INDEX_WAYS 12

struct leg_bucket {
	alignas(64) uint8_t tag[LEG_INDEX_WAYS]; /* 0: empty */
	uint32_t spilled; /* legs that passed it, as it was full */
	uint32_t leg[LEG_INDEX_WAYS];
};

struct leg_index {
	struct leg_bucket *buckets; /* of n_max only the first are in use */
	uint32_t mask, n_max;
};

/* For up to legs_max, a power of two from 64 on. false: out of memory. */
bool leg_index_init(struct leg_index *x, uint32_t legs_max);
void leg_index_release(struct leg_index *x);

/* Forget all of them. */
void leg_index_clear(struct leg_index *x);

/* Is it time to grow, before a leg is added to so many? */
static inline bool
leg_index_is_full(const struct leg_index *x, uint32_t legs)
{
	return x->mask + 1 < x->n_max &&
	    legs >= (x->mask + 1) * (LEG_INDEX_WAYS / 4 * 3);
}

/* Have twice the buckets, in memory that was set aside for them; all legs are
 * forgotten and have to be put again. */
void leg_index_grow(struct leg_index *x);

void leg_index_put(struct leg_index *x, uint32_t hash, uint32_t leg);

/* Take out a leg that is there. */
void leg_index_remove(struct leg_index *x, uint32_t hash, uint32_t leg);

static inline uint8_t
leg_index_tag(uint32_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 24);

	return (uint8_t)(tag + (tag == 0));
}

/* Which places of the bucket have the tag, a bit for each. */
static inline unsigned
leg_bucket_with(const struct leg_bucket *b, uint8_t tag)
{
	unsigned has = 0;

#ifdef __SSE2__
	__m128i all = _mm_load_si128((const __m128i *)(const void *)b);

	has = (unsigned)_mm_movemask_epi8(
	    _mm_cmpeq_epi8(all, _mm_set1_epi8((char)tag)));
	has &= (1u << LEG_INDEX_WAYS) - 1;
#else
	for (unsigned i = 0; i < LEG_INDEX_WAYS; i++)
		has |= (unsigned)(b->tag[i] == tag) << i;
#endif
	return has;
}

/* Bring in where a leg with that hash is, or would be. */
static inline void
leg_index_bring(const struct leg_index *x, uint32_t hash)
{
	bring_line(&x->buckets[hash & x->mask]);
}

#endif
