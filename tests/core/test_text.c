/* SPDX-License-Identifier: Apache-2.0 */
/* Times, growing text, errors, the arena. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "core/strbuf.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct time_case {
	const char *text;
	int64_t us; /* -1: refused */
	const char *back;
} time_cases[] = {
	{ "1970-01-01T00:00:00Z",        0, "1970-01-01T00:00:00Z" },
	{ "2026-03-02T09:00:00Z",        1772442000000000, "2026-03-02T09:00:00Z" },
	{ "2026-03-02T09:00:00.5Z",      1772442000500000, "2026-03-02T09:00:00.500000Z" },
	{ "2026-03-02T09:00:00.123456789Z", 1772442000123456, "2026-03-02T09:00:00.123456Z" },
	{ "2026-03-02T10:30:00+01:30",   1772442000000000, "2026-03-02T09:00:00Z" },
	{ "2026-03-02T09:00:00",         -1, NULL },
	{ "2026-13-02T09:00:00Z",        -1, NULL },
	{ "2026-03-02T24:00:00Z",        -1, NULL },
	{ "2026-02-29T09:00:00Z",        -1, NULL },
	{ "2024-02-29T09:00:00Z",        1709197200000000, "2024-02-29T09:00:00Z" },
	{ "2100-02-29T09:00:00Z",        -1, NULL },
	{ "2026-04-31T09:00:00Z",        -1, NULL },
	{ "2026-00-02T09:00:00Z",        -1, NULL },
	{ "2026-03-00T09:00:00Z",        -1, NULL },
	{ "2026-03-02T09:00:00.Z",       -1, NULL },
	{ "2026-03-02T09:00:00Zx",       -1, NULL },
	{ "now",                         -1, NULL },
	{ "",                            -1, NULL },
};
/* clang-format on */

static void
test_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(time_cases); i++) {
		const struct time_case *c = &time_cases[i];
		char buf[RFC3339_STRLEN];
		int64_t us = -1;

		if (rfc3339_parse(&us, c->text) != (c->us >= 0))
			fail_msg("%s", c->text);
		assert_int_equal(us, c->us);
		if (c->back != NULL)
			assert_string_equal(rfc3339_format(us, buf), c->back);
	}
}

static void
test_time_beyond(void **state)
{
	char buf[RFC3339_STRLEN];

	(void)state;
	/* Any value prints as something of the right length. */
	assert_int_equal(strlen(rfc3339_format(-1, buf)), 27);
	assert_true(strlen(rfc3339_format(INT64_MAX, buf)) >= 20);
	assert_true(strlen(rfc3339_format(INT64_MIN, buf)) >= 20);
}

static void
test_strbuf(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 10);
	assert_string_equal(strbuf_str(&sb), "");
	strbuf_puts(&sb, "hello");
	strbuf_printf(&sb, " %d", 1234);
	assert_string_equal(strbuf_str(&sb), "hello 1234");
	assert_false(strbuf_failed(&sb));
	strbuf_putc(&sb, '!'); /* one over the maximum: nothing is added */
	assert_true(strbuf_failed(&sb));
	assert_string_equal(strbuf_str(&sb), "hello 1234");
	strbuf_clear(&sb);
	assert_false(strbuf_failed(&sb));
	strbuf_puts(&sb, "again");
	assert_string_equal(strbuf_str(&sb), "again");
	strbuf_release(&sb);
}

static void
test_error(void **state)
{
	struct rf_error err;
	char longer[2 * RF_ERROR_MAX];

	(void)state;
	assert_int_equal(rf_fail(&err, RF_IO, "open %s", "x"), RF_IO);
	assert_int_equal(rf_wrap(&err, RF_CORRUPT, "snapshot"), RF_CORRUPT);
	assert_string_equal(err.msg, "snapshot: open x");
	assert_int_equal(err.code, RF_CORRUPT);
	assert_int_equal(rf_fail(NULL, RF_NOMEM, "nobody asks"), RF_NOMEM);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	(void)rf_fail(&err, RF_IO, "%s", longer);
	assert_int_equal(strlen(err.msg), RF_ERROR_MAX - 1);
}

static void
test_arena(void **state)
{
	struct arena a;
	uint32_t *v = NULL;
	size_t cap = 0;

	(void)state;
	arena_init(&a, 0);
	for (uint32_t i = 0; i < 10000; i++) {
		assert_true(arena_grow(&a, (void **)&v, i, &cap, sizeof(*v)));
		v[i] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(v[i], i);
	assert_string_equal(arena_strndup(&a, "truncate", 5), "trunc");
	assert_null(arena_calloc(&a, SIZE_MAX / 2, 4));
	arena_release(&a);
	arena_init(&a, 100);
	assert_non_null(arena_alloc(&a, 64));
	assert_null(arena_alloc(&a, 64)); /* beyond its maximum */
	arena_release(&a);
}

static char last_line[256];

static void
keep_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	(void)snprintf(last_line, sizeof(last_line), "%s", line);
}

static void
test_log(void **state)
{
	(void)state;
	log_set_sink(keep_line, NULL);
	log_warn("kube", "name=%s", "a\nb\033[31m");
	assert_string_equal(
	    last_line, "ringfence: warning: kube: name=a?b?[31m");
	log_set_sink(NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_time_beyond),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
