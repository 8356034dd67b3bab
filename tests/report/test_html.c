/* SPDX-License-Identifier: Apache-2.0 */
/* What names from strangers become in a page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "report/html.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct html_case {
	const char *in, *want;
} cases[] = {
	{ "", "" },
	{ "shop/deployment/web-1.2", "shop/deployment/web-1.2" },
	{ "<script>alert(1)</script>",
	  "&lt;script&gt;alert(1)&lt;/script&gt;" },
	{ "\" onload=\"x", "&quot; onload=&quot;x" },
	{ "it's", "it&#39;s" },
	{ "&lt;", "&amp;lt;" },
	{ "]]>", "]]&gt;" },
	{ "a\nb\r\tc", "a\\x0ab\\x0d\\x09c" },
	{ "\x1b[31m", "\\x1b[31m" },
	{ "\xe2\x80\xae" "evil" "\xe2\x80\xac",
	  "\\xe2\\x80\\xae" "evil" "\\xe2\\x80\\xac" },
	{ "\xef\xbf\xbf", "\\xef\\xbf\\xbf" },
	{ "\xf0\x9f\xbf\xbe", "\\xf0\\x9f\\xbf\\xbe" },
	{ "a\xff" "b", "a\\xff" "b" },
	{ "\xc3\xa4\xe4\xb8\xad", "\xc3\xa4\xe4\xb8\xad" },
};

static const struct short_case {
	const char *in;
	size_t max;
	const char *want;
} shorts[] = {
	{ "abcdef", 6, "abcdef" },
	{ "abcdefg", 6, "ab\xe2\x80\xa6" "efg" },
	{ "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 3,
	  "\xc3\xa4\xe2\x80\xa6\xc3\xa4" },
	{ "<<<<<<<<", 4, "&lt;\xe2\x80\xa6&lt;&lt;" },
	/* Two that end alike do not look alike. */
	{ "one-release-frauddetectionservice", 22,
	  "one-rel\xe2\x80\xa6tectionservice" },
	{ "one-release-recommendationservice", 22,
	  "one-rel\xe2\x80\xa6ndationservice" },
	{ "", 3, "" },
};
/* clang-format on */

static void
test_text(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	for (size_t i = 0; i < NELEM(cases); i++) {
		strbuf_clear(&sb);
		html_text(&sb, cases[i].in);
		assert_string_equal(strbuf_str(&sb), cases[i].want);
	}
	strbuf_release(&sb);
}

/* Whatever the byte, nothing that could be markup is left. */
static void
test_every_byte(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	for (int c = 1; c < 256; c++) {
		const char text[] = { 'a', (char)c, 'b', '\0' };

		strbuf_clear(&sb);
		html_text(&sb, text);
		assert_null(strpbrk(strbuf_str(&sb), "<>\"'\n\r\t\x1b\x7f"));
		if (strchr(strbuf_str(&sb), '&') != NULL)
			assert_non_null(strchr("&<>\"'", c));
	}
	strbuf_release(&sb);
}

static void
test_short(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	for (size_t i = 0; i < NELEM(shorts); i++) {
		strbuf_clear(&sb);
		html_short(&sb, shorts[i].in, shorts[i].max);
		assert_string_equal(strbuf_str(&sb), shorts[i].want);
	}
	strbuf_release(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
