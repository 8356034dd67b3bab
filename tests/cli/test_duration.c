/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/duration.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = { { "0", 0 }, { "5s", 5 }, { "0s", 0 }, { "10m", 600 },
		{ "6h", 21600 }, { "30d", 2592000 }, { "36525d", 3155760000 },
		{ "36526d", -1 }, { "99999999999999999999s", -1 }, { "", -1 },
		{ "5", -1 }, { "s", -1 }, { "5x", -1 }, { "5ss", -1 },
		{ "-5s", -1 }, { " 5s", -1 }, { "5 s", -1 }, { "1.5h", -1 },
		{ "5S", -1 } };

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		int64_t us = -1;
		bool ok = duration_parse(cases[i].text, &us);

		assert_int_equal(ok, cases[i].seconds >= 0);
		if (ok)
			assert_int_equal(us, cases[i].seconds * 1000000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_durations) };

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
