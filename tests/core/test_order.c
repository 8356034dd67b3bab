/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/order.h"

static uint64_t seed = 88172645463325252u;

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct order_row *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Keys below 2^bits, in one of eight places: other bytes differ each time. */
static void
check(size_t n, int bits, int shift)
{
	struct order_row *rows = calloc(n + 1, sizeof(*rows));
	struct order_row *want = calloc(n + 1, sizeof(*want));

	assert_non_null(rows);
	assert_non_null(want);
	for (size_t i = 0; i < n; i++)
		rows[i] =
		    (struct order_row){ (next_random() >> (64 - bits)) << shift,
			    (uint32_t)i };
	memcpy(want, rows, n * sizeof(*rows));
	qsort(want, n, sizeof(*want), compare_rows);
	assert_true(order_by_key(rows, n));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].key, want[i].key);
		assert_int_equal(rows[i].at, want[i].at);
	}
	free(rows);
	free(want);
}

/* As qsort with the place as the last word: order, and stability. */
static void
test_as_qsort(void **state)
{
	(void)state;
	for (size_t n = 0; n < 40; n++)
		check(n, 3, 5);
	for (int shift = 0; shift <= 48; shift += 8) {
		check(1000, 4, shift);
		check(1000, 16, shift);
	}
	check(5000, 64, 0);
}

static void
test_sorted_already(void **state)
{
	struct order_row rows[] = { { 1, 7 }, { 1, 3 }, { 9, 5 } };

	(void)state;
	assert_true(order_by_key(rows, 3));
	assert_int_equal(rows[0].at, 7);
	assert_int_equal(rows[1].at, 3);
	assert_int_equal(rows[2].at, 5);
	assert_true(order_by_key(NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_qsort),
		cmocka_unit_test(test_sorted_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
