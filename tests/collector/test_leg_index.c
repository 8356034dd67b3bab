/* SPDX-License-Identifier: Apache-2.0 */
/* The index of legs beside a plain list: each leg is found by its hash for as
 * long as it is there, also where one bucket is asked for more than it holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/leg.h"

#define LEGS  16384u /* the index grows once */
#define STEPS 200000u

struct world {
	struct leg_pool pool;
	uint64_t drawn;
	struct leg_key key[LEGS]; /* of those that there are */
	uint32_t hash[LEGS], leg[LEGS];
	uint32_t n;
};

static uint32_t
draw(struct world *w, uint32_t below)
{
	w->drawn = w->drawn * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->drawn >> 33) % below;
}

static void
open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(leg_pool_init(&w->pool, LEGS, 1, NULL), RF_OK);
}

/* Of so many buckets and tags. */
static uint32_t
draw_hash(struct world *w, uint32_t buckets, uint32_t tags)
{
	return draw(w, tags) << 24 | draw(w, buckets);
}

static void
add(struct world *w, uint32_t hash)
{
	struct leg_key *key = &w->key[w->n];

	memset(key, 0, sizeof(*key));
	key->lo.b[0] = (uint8_t)draw(w, 256);
	key->lo.b[1] = (uint8_t)(w->drawn >> 40);
	memcpy(key->hi.b, &w->drawn, sizeof(w->drawn)); /* no two are alike */
	w->hash[w->n] = hash;
	w->leg[w->n] = leg_add(&w->pool, key, hash);
	assert_int_not_equal(w->leg[w->n], LEG_NONE);
	w->n++;
}

static void
drop(struct world *w, uint32_t i)
{
	leg_remove(&w->pool, w->leg[i]);
	assert_int_equal(leg_find(&w->pool, &w->key[i], w->hash[i]), LEG_NONE);
	w->n--;
	w->key[i] = w->key[w->n];
	w->hash[i] = w->hash[w->n];
	w->leg[i] = w->leg[w->n];
}

static void
check_all(const struct world *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		assert_int_equal(
		    leg_find(&w->pool, &w->key[i], w->hash[i]), w->leg[i]);
		assert_int_not_equal(
		    leg_prefetch(&w->pool, w->hash[i], true), LEG_NONE);
	}
	assert_int_equal(w->pool.live, w->n);
}

/* When all are gone none was passed by anything. */
static void
check_empty(const struct world *w)
{
	const struct leg_index *x = &w->pool.index;

	for (uint32_t i = 0; i <= x->mask; i++) {
		assert_int_equal(x->buckets[i].spilled, 0);
		assert_int_equal(leg_bucket_with(&x->buckets[i], 0),
		    (1u << LEG_INDEX_WAYS) - 1);
	}
}

static void
run(uint32_t most, uint32_t buckets, uint32_t tags)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	open_world(w);
	for (uint32_t i = 0; i < STEPS; i++) {
		if (w->n < most && (w->n == 0 || draw(w, 8) < 5))
			add(w, draw_hash(w, buckets, tags));
		else
			drop(w, draw(w, w->n));
		if (i % (STEPS / 8) == 0)
			check_all(w);
	}
	while (w->n > 0)
		drop(w, draw(w, w->n));
	check_empty(w);
	leg_pool_release(&w->pool);
	free(w);
}

static void
test_any_hash(void **state)
{
	(void)state;
	run(LEGS, 1 << 24, 256);
}

static void
test_one_bucket(void **state)
{
	(void)state;
	run(200, 1, 256);
	run(200, 1, 2); /* tags 0 and 1 are one */
}

static void
test_last_bucket(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(w);
	open_world(w);
	for (uint32_t i = 0; i < 40; i++) /* goes on in the first one */
		add(w, UINT32_MAX);
	check_all(w);
	while (w->n > 0)
		drop(w, 0);
	check_empty(w);
	leg_pool_release(&w->pool);
	free(w);
}

static void
test_full(void **state)
{
	struct world *w = malloc(sizeof(*w));
	const struct leg_key key = { .protocol = 6 };

	(void)state;
	assert_non_null(w);
	open_world(w);
	while (w->n < LEGS)
		add(w, draw_hash(w, 1 << 24, 256));
	assert_int_equal(leg_add(&w->pool, &key, 5), LEG_NONE);
	check_all(w);
	leg_pool_clear(&w->pool);
	check_empty(w);
	leg_pool_release(&w->pool);
	free(w);
}

/* A leg of which all buckets were passed at some time, each while it was full:
 * who looks for what is not there has seen all of them. */
static void
test_all_passed(void **state)
{
	struct world *w = malloc(sizeof(*w));
	const struct leg_key key = { .protocol = 6 };
	uint32_t buckets;

	(void)state;
	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	assert_int_equal(leg_pool_init(&w->pool, 64, 1, NULL), RF_OK);
	buckets = w->pool.index.mask + 1;
	for (uint32_t b = 0; b < buckets; b++) {
		while (leg_bucket_with(&w->pool.index.buckets[b], 0) != 0)
			add(w, 7u << 24 | b);
		add(w, 9u << 24 | b); /* which lies behind it */
		for (uint32_t i = w->n; i-- > 0;)
			if (w->hash[i] >> 24 == 7)
				drop(w, i);
	}
	for (uint32_t b = 0; b < buckets; b++) {
		assert_int_not_equal(w->pool.index.buckets[b].spilled, 0);
		assert_int_equal(
		    leg_find(&w->pool, &key, 5u << 24 | b), LEG_NONE);
		assert_int_equal(
		    leg_prefetch(&w->pool, 5u << 24 | b, true), LEG_NONE);
	}
	check_all(w);
	while (w->n > 0)
		drop(w, 0);
	check_empty(w);
	leg_pool_release(&w->pool);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_hash),
		cmocka_unit_test(test_one_bucket),
		cmocka_unit_test(test_last_bucket),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_all_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
