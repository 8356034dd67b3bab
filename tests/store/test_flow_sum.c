/* SPDX-License-Identifier: Apache-2.0 */
/* Adding up in runs, against adding up into an array of all keys. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/flow_sum.h"

#define N_SRC  7
#define N_DST  11
#define N_PORT 3
#define N_KEYS ((size_t)N_SRC * N_DST * N_PORT)

static uint64_t seed = 88172645463325252u;

static uint32_t
below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

/* Key k, in the order of the table's key. */
static struct flow
flow_of(uint32_t k)
{
	return (struct flow){ .src = k / (N_DST * N_PORT),
		.dst = k / N_PORT % N_DST,
		.port = (uint16_t)(k % N_PORT),
		.protocol = FLOW_TCP,
		.sides = (uint8_t)(1 + below(2)),
		.connections = 1 + below(9),
		.packets = below(9),
		.bytes = below(1000),
		.first_us = (int64_t)below(1000),
		.last_us = (int64_t)below(1000) };
}

static void
add_naively(struct flow *all, uint32_t k, const struct flow *f)
{
	struct flow *to = &all[k];

	if (to->connections == 0) {
		*to = *f;
		return;
	}
	to->sides |= f->sides;
	to->connections += f->connections;
	to->packets += f->packets;
	to->bytes += f->bytes;
	to->first_us = f->first_us < to->first_us ? f->first_us : to->first_us;
	to->last_us = f->last_us > to->last_us ? f->last_us : to->last_us;
}

static void
check(struct flow_sum *s, const struct flow *all)
{
	size_t at = 0;

	assert_true(flow_sum_finish(s));
	for (size_t k = 0; k < N_KEYS; k++) {
		if (all[k].connections == 0)
			continue;
		assert_true(at < s->n);
		assert_memory_equal(&s->v[at], &all[k], sizeof(all[k]));
		at++;
	}
	assert_int_equal(at, s->n);
	flow_sum_release(s);
}

/* Windows that hold each key with the chance of one in `sparse`. */
static void
test_windows(void **state)
{
	(void)state;
	for (uint32_t sparse = 1; sparse < 300; sparse += 1 + sparse / 3)
		for (int n = 0; n < 40; n++) {
			struct flow all[N_KEYS] = { 0 };
			struct flow_sum s = { 0 };

			for (int w = 0; w < n; w++)
				for (uint32_t k = 0; k < N_KEYS; k++) {
					struct flow f = flow_of(k);

					if (below(sparse) > 0)
						continue;
					assert_true(flow_sum_add(&s, &f));
					add_naively(all, k, &f);
				}
			check(&s, all);
		}
}

/* Nothing but order and speed hangs on rows coming in order. */
static void
test_no_order(void **state)
{
	struct flow all[N_KEYS] = { 0 };
	struct flow_sum s = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint32_t k = below(N_KEYS);
		struct flow f = flow_of(k);

		assert_true(flow_sum_add(&s, &f));
		add_naively(all, k, &f);
		assert_true(s.n_runs < 16);
		assert_true(s.n <= 3 * N_KEYS);
	}
	check(&s, all);
	/* Descending keys: a run each. */
	memset(all, 0, sizeof(all));
	for (uint32_t k = (uint32_t)N_KEYS; k > 0; k--) {
		struct flow f = flow_of(k - 1);

		assert_true(flow_sum_add(&s, &f));
		add_naively(all, k - 1, &f);
	}
	check(&s, all);
}

/* Counters stop at their end. */
static void
test_saturates(void **state)
{
	struct flow f = flow_of(5);
	struct flow_sum s = { 0 };

	(void)state;
	f.bytes = UINT64_MAX - 1;
	for (int i = 0; i < 3; i++)
		assert_true(flow_sum_add(&s, &f));
	assert_true(flow_sum_finish(&s));
	assert_int_equal(s.n, 1);
	assert_true(s.v[0].bytes == UINT64_MAX);
	flow_sum_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_no_order),
		cmocka_unit_test(test_saturates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
