/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of groups and of addresses, in each form that they take, beside a plain
 * table of what was put in. The seed is printed; RINGFENCE_TEST_SEED repeats.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/compiled.h"

#define GROUPS    700
#define BLOCKS    40
#define EXCEPTS   12
#define SCENES    60
#define ADDRESSES 2000

static uint64_t random_state;

static uint32_t
below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717u) >> 33) % n;
}

/* How often each group was told, and the number after the last one. */
struct told {
	unsigned times[GROUPS];
	uint32_t next;
};

static void
tell(void *ctx, uint32_t group)
{
	struct told *t = ctx;

	assert_true(group < GROUPS && group >= t->next);
	t->next = group + 1;
	t->times[group]++;
}

/* n random groups of the span from first on. */
static bool
check_groups(struct group_scratch *s, struct arena *arena, uint32_t n,
    uint32_t first, uint32_t span)
{
	struct told told = { 0 };
	bool want[GROUPS] = { false };
	struct group_set set;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t g = first + below(span);

		want[g] = true;
		group_scratch_add(s, g);
	}
	assert_true(group_scratch_take(s, arena, &set));
	group_set_each(&set, tell, &told);
	for (uint32_t g = 0; g < GROUPS; g++) {
		assert_int_equal(group_set_has(&set, g), want[g]);
		assert_int_equal(told.times[g], want[g]);
	}
	return set.first == FLOW_NONE;
}

static void
test_groups(void **state)
{
	struct group_scratch s;
	unsigned lists = 0, words = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_true(group_scratch_init(&s, &arena, GROUPS));
	for (unsigned i = 0; i < 400; i++) {
		uint32_t span = 1 + below(GROUPS), n = below(2 * span);

		if (i % 2 == 0)
			n %= 16;
		if (check_groups(&s, &arena, n, below(GROUPS - span + 1), span))
			lists++;
		else
			words++;
	}
	assert_true(lists > 50 && words > 50);
	arena_release(&arena);
}

/* Near each other, so that blocks nest, touch and hit. */
static struct ip_addr
random_ip(void)
{
	uint8_t v4[4] = { 10, (uint8_t)below(2), (uint8_t)below(3),
		(uint8_t)below(256) };
	uint8_t v6[16] = { 0xfd };
	static const uint8_t ends[] = { 0, 0xff };

	if (below(40) == 0)
		memset(v4, ends[below(2)], sizeof(v4));
	if (below(3) != 0)
		return ip_from_v4(v4);
	if (below(40) == 0)
		memset(v6, 0xff, sizeof(v6));
	v6[14] = (uint8_t)below(3);
	v6[15] = (uint8_t)below(256);
	return ip_from_v6(v6);
}

static struct ip_prefix
random_prefix(void)
{
	struct ip_addr ip = random_ip();
	uint32_t bits = 128 - below(18);

	if (below(30) == 0)
		bits = ip_is_v4(&ip) ? 96 : 0;
	return ip_prefix_of(&ip, (uint8_t)bits);
}

static bool
blocks_hold(const struct policy_rule *rule, const struct ip_addr *ip)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;
		bool in = !ip_is_none(ip) && ip_prefix_contains(&b->cidr, ip);

		for (size_t k = 0; k < b->n_except; k++)
			in = in && !ip_prefix_contains(&b->except[k], ip);
		if (in)
			return true;
	}
	return false;
}

static void
check_blocks(struct arena *arena, size_t *hits)
{
	struct policy_ip_block blocks[BLOCKS];
	struct ip_prefix except[BLOCKS][EXCEPTS];
	struct policy_peer peers[BLOCKS] = { { 0 } };
	struct policy_rule rule = { .peers = peers, .n_peers = below(BLOCKS) };
	struct range_set set;

	for (size_t i = 0; i < rule.n_peers; i++) {
		blocks[i] = (struct policy_ip_block){ random_prefix(),
			except[i], below(EXCEPTS + 1) };
		for (size_t k = 0; k < blocks[i].n_except; k++)
			except[i][k] = random_prefix();
		peers[i].ip_block = &blocks[i];
	}
	assert_true(range_set_make(&set, arena, &rule));
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct ip_addr ip =
		    i == 0 ? (struct ip_addr){ { 0 } } : random_ip();
		struct compiled_ip c = compiled_ip_of(&ip);
		bool want = blocks_hold(&rule, &ip);

		assert_int_equal(range_set_has(&set, &c), want);
		*hits += want;
	}
}

static void
test_blocks(void **state)
{
	struct arena arena;
	size_t hits = 0;

	(void)state;
	arena_init(&arena, 0);
	for (unsigned i = 0; i < SCENES; i++)
		check_blocks(&arena, &hits);
	assert_true(hits > (size_t)SCENES * ADDRESSES / 20);
	assert_true(hits < (size_t)SCENES * ADDRESSES / 20 * 19);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_blocks),
	};
	const char *seed = getenv("RINGFENCE_TEST_SEED");

	random_state =
	    seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("RINGFENCE_TEST_SEED=%llu\n", (unsigned long long)random_state);
	return cmocka_run_group_tests_name("sets", tests, NULL, NULL);
}
