/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/leg.h"

#include <stdlib.h>
#include <string.h>

#include "collector/alloc_large.h"
#include "core/choose.h"

_Static_assert(sizeof(struct leg_key) == 40, "hashed as whole words");
_Static_assert(sizeof(struct leg) == 128, "two cache lines");

static size_t
legs_bytes(const struct leg_pool *pool)
{
	return (size_t)pool->max * sizeof(struct leg);
}

enum rf_status
leg_pool_init(
    struct leg_pool *pool, uint32_t max, uint64_t seed, struct rf_error *err)
{
	*pool = (struct leg_pool){
		.max = max,
		.free = LEG_NONE,
		.seed = seed,
	};
	if (max < 64 || max > (uint32_t)1 << 26 || (max & (max - 1)) != 0)
		return rf_fail(err, RF_INVAL,
		    "flow table: %u legs is no power of two from 64 on", max);
	pool->legs = alloc_large(legs_bytes(pool));
	pool->watch = calloc(max, sizeof(*pool->watch));
	if (!leg_index_init(&pool->index, max) || pool->legs == NULL ||
	    pool->watch == NULL) {
		leg_pool_release(pool);
		return rf_fail(
		    err, RF_NOMEM, "flow table: no memory for %u legs", max);
	}
	return RF_OK;
}

void
leg_pool_release(struct leg_pool *pool)
{
	free_large(pool->legs, legs_bytes(pool));
	leg_index_release(&pool->index);
	free(pool->watch);
	pool->watch = NULL;
	pool->legs = NULL;
}

void
leg_pool_clear(struct leg_pool *pool)
{
	for (uint32_t i = 0; i < pool->used; i++) {
		pool->legs[i].flags = 0;
		pool->watch[i] = LEG_WATCH_NONE;
	}
	leg_index_clear(&pool->index);
	pool->used = 0;
	pool->live = 0;
	pool->free = LEG_NONE;
}

/* Of two words with their bytes in network order. */
static inline bool
is_less(uint64_t a, uint64_t b)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return __builtin_bswap64(a) < __builtin_bswap64(b);
	return a < b;
}

/* What of a key lies behind its addresses. */
static inline uint64_t
ports_word(uint16_t lo, uint16_t hi, uint8_t protocol)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return lo | (uint64_t)hi << 16 | (uint64_t)protocol << 32;
	return (uint64_t)lo << 48 | (uint64_t)hi << 32 |
	    (uint64_t)protocol << 24;
}

static inline void
put_word(void *to, uint64_t word)
{
	memcpy(to, &word, sizeof(word));
}

/* In whole words, as it is hashed right after: what was written in smaller
 * parts would have to be in memory before it can be read as one. */
bool
leg_key_of(struct leg_key *key, const struct packet *p)
{
	uint64_t src_0 = hash_word(p->src.b), src_1 = hash_word(p->src.b + 8);
	uint64_t dst_0 = hash_word(p->dst.b), dst_1 = hash_word(p->dst.b + 8);
	uint64_t ports = ports_word(p->sport, p->dport, p->protocol);
	uint64_t ports_back = ports_word(p->dport, p->sport, p->protocol);
	bool from_lo;

	if (src_0 != dst_0)
		from_lo = is_less(src_0, dst_0);
	else if (src_1 != dst_1)
		from_lo = is_less(src_1, dst_1);
	else
		from_lo = p->sport <= p->dport;
	put_word(key->lo.b, choose_64(from_lo, src_0, dst_0));
	put_word(key->lo.b + 8, choose_64(from_lo, src_1, dst_1));
	put_word(key->hi.b, choose_64(from_lo, dst_0, src_0));
	put_word(key->hi.b + 8, choose_64(from_lo, dst_1, src_1));
	put_word((uint8_t *)key + offsetof(struct leg_key, port),
	    choose_64(from_lo, ports, ports_back));
	return from_lo;
}

uint32_t
leg_find(const struct leg_pool *pool, const struct leg_key *key, uint32_t hash)
{
	const struct leg_index *x = &pool->index;
	uint8_t tag = leg_index_tag(hash);

	for (uint32_t i = hash;; i++) {
		const struct leg_bucket *b = &x->buckets[i & x->mask];
		unsigned has = leg_bucket_with(b, tag);

		for (; has != 0; has &= has - 1) {
			uint32_t leg = b->leg[__builtin_ctz(has)];

			if (leg_key_equal(&pool->legs[leg].key, key))
				return leg;
		}
		if (b->spilled == 0 || i - hash == x->mask)
			return LEG_NONE;
	}
}

/* A few milliseconds at the largest. */
static void
index_grow(struct leg_pool *pool)
{
	leg_index_grow(&pool->index);
	for (uint32_t i = 0; i < pool->used; i++)
		if (pool->legs[i].flags & LEG_LIVE)
			leg_index_put(&pool->index, pool->legs[i].hash, i);
}

/* In pieces: a whole struct is cleared by an instruction that is slow to
 * begin, which is felt for each connection. */
static inline void
leg_clear(struct leg *leg)
{
	uint8_t *b = (uint8_t *)leg;

	for (size_t i = 0; i < sizeof(*leg); i += 16)
		memset(b + i, 0, 16);
}

/* Bring in the leg that will be added next. */
static inline void
prefetch_free(const struct leg_pool *pool)
{
	uint32_t leg = pool->free != LEG_NONE ? pool->free : pool->used;

	if (leg == pool->max)
		return;
	bring_line(&pool->legs[leg]);
	bring_line(&pool->legs[leg].first_us);
	bring_line(&pool->watch[leg]);
}

uint32_t
leg_add(struct leg_pool *pool, const struct leg_key *key, uint32_t hash)
{
	uint32_t leg = pool->free;

	if (leg == LEG_NONE && pool->used == pool->max)
		return LEG_NONE;
	if (leg_index_is_full(&pool->index, pool->live))
		index_grow(pool);
	if (leg != LEG_NONE)
		pool->free = pool->legs[leg].next;
	else
		leg = pool->used++;
	prefetch_free(pool);
	leg_clear(&pool->legs[leg]);
	pool->legs[leg].key = *key;
	pool->legs[leg].hash = hash;
	pool->legs[leg].next = LEG_NONE;
	pool->legs[leg].flags = LEG_LIVE;
	pool->watch[leg] = LEG_WATCH_NONE;
	leg_index_put(&pool->index, hash, leg);
	pool->live++;
	return leg;
}

void
leg_remove(struct leg_pool *pool, uint32_t leg)
{
	leg_index_remove(&pool->index, pool->legs[leg].hash, leg);
	pool->legs[leg].flags = 0;
	pool->watch[leg] = LEG_WATCH_NONE;
	pool->legs[leg].next = pool->free;
	pool->free = leg;
	pool->live--;
}
