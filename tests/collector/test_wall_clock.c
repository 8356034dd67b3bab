/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that is set, and times that cannot be. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/wall_clock.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOW    ((int64_t)1767225600 * SECOND)

static void
test_look(void **state)
{
	struct wall_clock c = { 0 };

	(void)state;
	assert_int_equal(wall_clock_look(&c, NOW, 7 * SECOND), 0);
	/* A night asleep is no setting. */
	assert_int_equal(
	    wall_clock_look(&c, NOW + 9 * HOUR, 9 * HOUR + 7 * SECOND), 0);
	/* Nor is a correction by little. */
	assert_int_equal(wall_clock_look(&c, NOW + 9 * HOUR + 4 * SECOND,
			     9 * HOUR + 7 * SECOND),
	    0);
	assert_int_equal(
	    wall_clock_look(&c, NOW + 4 * SECOND, 9 * HOUR + 8 * SECOND),
	    -9 * HOUR - SECOND);
	assert_false(wall_clock_is_doubtful(&c));
	assert_int_equal(wall_clock_look(&c, NOW + 365 * DAY, 10 * HOUR),
	    365 * DAY - HOUR + 4 * SECOND);
	assert_true(wall_clock_is_doubtful(&c));
	/* It stays so for a day, by the clock that nobody sets. */
	(void)wall_clock_look(&c, NOW, 33 * HOUR);
	assert_true(wall_clock_is_doubtful(&c));
	(void)wall_clock_look(&c, NOW, 34 * HOUR);
	assert_false(wall_clock_is_doubtful(&c));
}

static void
test_credible(void **state)
{
	struct wall_clock c = { 0 };

	(void)state;
	/* Nobody has looked yet. */
	assert_int_equal(wall_clock_credible(&c, NOW), NOW);
	(void)wall_clock_look(&c, NOW, SECOND);
	assert_int_equal(wall_clock_credible(&c, NOW), NOW);
	assert_int_equal(wall_clock_credible(&c, NOW + SECOND), NOW + SECOND);
	assert_int_equal(wall_clock_credible(&c, NOW - HOUR), NOW - HOUR);
	assert_int_equal(wall_clock_credible(&c, NOW + 11 * SECOND), NOW);
	assert_int_equal(wall_clock_credible(&c, NOW - HOUR - 1), NOW);
	assert_int_equal(wall_clock_credible(&c, INT64_MAX), NOW);
	assert_int_equal(wall_clock_credible(&c, 0), NOW);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_credible),
	};

	return cmocka_run_group_tests_name("wall_clock", tests, NULL, NULL);
}
