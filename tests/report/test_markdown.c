/* SPDX-License-Identifier: Apache-2.0 */
/* What names from strangers become in Markdown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "report/markdown.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct markdown_case {
	const char *in, *want;
} cases[] = {
	{ "shop/deployment/web-1.2", "shop/deployment/web-1.2" },
	{ "shop/web:80", "shop/web:80" },
	{ "a|b", "a&#124;b" },
	{ "a\\|b", "a&#92;&#124;b" },
	{ "`rm`", "&#96;rm&#96;" },
	{ "<img src=x>", "&#60;img src=x&#62;" },
	{ "</code>", "&#60;/code&#62;" },
	{ "&lt;", "&#38;lt;" },
	{ "*a* _b_ ~c~", "&#42;a&#42; &#95;b&#95; &#126;c&#126;" },
	{ "[a](b)", "&#91;a&#93;&#40;b&#41;" },
	{ "![a](b)", "&#33;&#91;a&#93;&#40;b&#41;" },
	{ "@everyone #12", "&#64;everyone &#35;12" },
	{ "$x$", "&#36;x&#36;" },
	{ "\"a\" 'b'", "&#34;a&#34; &#39;b&#39;" },
	{ "http://x.y", "http&#58;//x.y" },
	{ "www.x.y WWW.x", "www&#46;x.y WWW&#46;x" },
	{ "a\nb\r\tc", "a&#92;x0ab&#92;x0d&#92;x09c" },
	{ "\x1b[31m", "&#92;x1b&#91;31m" },
	{ "a\xff", "a&#92;xff" },
	{ "\xc3\xa4", "\xc3\xa4" },
	{ "", "" },
};
/* clang-format on */

static void
test_escapes(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	for (size_t i = 0; i < NELEM(cases); i++) {
		strbuf_clear(&sb);
		markdown_text(&sb, cases[i].in);
		assert_string_equal(strbuf_str(&sb), cases[i].want);
	}
	strbuf_release(&sb);
}

/* Whatever the byte, nothing that could be structure is left. */
static void
test_every_byte(void **state)
{
	static const char structure[] = "|`<>*_~[]()!@#$\\\"'{}\n\r\t\x1b";
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	for (unsigned c = 1; c < 256; c++) {
		const char in[] = { 'a', (char)c, 'b', '\0' };
		const char *s;

		strbuf_clear(&sb);
		markdown_text(&sb, in);
		for (s = strbuf_str(&sb); *s != '\0'; s++)
			if (strchr(structure, *s) != NULL &&
			    !(*s == '#' && s[-1] == '&'))
				fail_msg(
				    "byte %u leaves '%s'", c, strbuf_str(&sb));
	}
	strbuf_release(&sb);
}

static void
test_code(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1000);
	markdown_code(&sb, "");
	assert_string_equal(strbuf_str(&sb), "");
	markdown_code(&sb, "a<b");
	assert_string_equal(strbuf_str(&sb), "<code>a&#60;b</code>");
	strbuf_release(&sb);
}

static void
test_too_long(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 8);
	markdown_text(&sb, "short");
	assert_false(strbuf_failed(&sb));
	markdown_text(&sb, "a longer one");
	assert_true(strbuf_failed(&sb));
	strbuf_release(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("markdown", tests, NULL, NULL);
}
