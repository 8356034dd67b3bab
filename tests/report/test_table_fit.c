/* SPDX-License-Identifier: Apache-2.0 */
/* How tables give way on a narrow terminal, and only there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "report/table.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define NAME     "namespace/deployment/a-rather-long-name" /* 39 columns */
#define OTHER    "other/deployment/\xc3\xa4\xc3\xb6\xc3\xbc"
#define NAMES    (1u << 1)

static const struct table_column columns[] = {
	{ .header = "VERDICT" },
	{ .header = "NAME" },
	{ .header = "COUNT", .is_number = true },
	{ .header = "WHY" },
};
static const uint8_t spare[] = { 2 };

/* clang-format off */
static const struct fit_case {
	const char *name;
	struct table_fit fit;
	const char *want;
} cases[] = {
	{ "no terminal", { 0, NAMES, true, spare, 1 },
	  "VERDICT   NAME                                      COUNT   WHY\n"
	  "deny      " NAME "       5   one two three\n"
	  "allow     " OTHER "                         12   -\n" },
	{ "wide enough", { 73, NAMES, true, spare, 1 },
	  "VERDICT   NAME                                      COUNT   WHY\n"
	  "deny      " NAME "       5   one two three\n"
	  "allow     " OTHER "                         12   -\n" },
	{ "one too narrow", { 72, NAMES, true, spare, 1 },
	  "VERDICT   NAME                                      COUNT\n"
	  "deny      " NAME "       5\n"
	  "    one two three\n"
	  "allow     " OTHER "                         12\n" },
	{ "names are cut", { 45, NAMES, true, spare, 1 },
	  "VERDICT   NAME                          COUNT\n"
	  "deny      namespace\xe2\x80\xa6-rather-long-name       5\n"
	  "    one two three\n"
	  "allow     " OTHER "             12\n" },
	{ "a column is spared", { 41, NAMES, true, spare, 1 },
	  "VERDICT   NAME\n"
	  "deny      namespace/\xe2\x80\xa6" "t/a-rather-long-name\n"
	  "    one two three\n"
	  "allow     " OTHER "\n" },
	{ "nothing to spare, nothing below", { 60, NAMES, false, NULL, 0 },
	  "VERDICT   NAME                         COUNT   WHY\n"
	  "deny      namespac\xe2\x80\xa6-rather-long-name       5   "
	  "one two three\n"
	  "allow     " OTHER "            12   -\n" },
};
/* clang-format on */

static void
fill(struct table *t)
{
	table_init(t, columns, NELEM(columns));
	table_add(t, "deny");
	table_add(t, NAME);
	table_add_unsigned(t, 5);
	table_add(t, "one two three");
	table_add(t, "allow");
	table_add(t, OTHER);
	table_add_unsigned(t, 12);
	table_add(t, "");
}

static char *
print(struct table *t, bool with_colour)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(table_print(t, f, true, with_colour, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	return text;
}

static size_t
columns_of(const char *s, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((unsigned char)s[i] & 0xc0) != 0x80;
	return sum;
}

static void
test_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct table t;
		char *text;

		fill(&t);
		t.fit = cases[i].fit;
		text = print(&t, false);
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s:\n%s", cases[i].name, text);
		free(text);
		table_release(&t);
	}
}

/* Ideographs take two columns, marks none, and what is cut is filled up. */
static void
test_wide(void **state)
{
	static const char want[] =
	    "VERDICT   NAME           COUNT   WHY\n"
	    "deny      \xe7\xad\x96\xe7\x95\xa5\xe7\xad\x96\xe7\x95\xa5"
	    "           5   -\n"
	    "allow     na\xc3\xaf"
	    "ve-nai\xcc\x88ve       12   -\n"
	    "deny      \xe7\xad\x96\xe7\x95\xa5\xe2\x80\xa6"
	    "\xe7\x95\xa5\xe7\xad\x96\xe7\x95\xa5        7   -\n";
	struct table t;
	char *text;

	(void)state;
	table_init(&t, columns, NELEM(columns));
	table_add(&t, "deny");
	table_add(&t, "\xe7\xad\x96\xe7\x95\xa5\xe7\xad\x96\xe7\x95\xa5");
	table_add_unsigned(&t, 5);
	table_add(&t, "");
	table_add(&t, "allow");
	table_add(&t,
	    "na\xc3\xaf"
	    "ve-nai\xcc\x88ve");
	table_add_unsigned(&t, 12);
	table_add(&t, "");
	table_add(&t, "deny");
	table_add(&t,
	    "\xe7\xad\x96\xe7\x95\xa5\xe7\xad\x96\xe7\x95\xa5"
	    "\xe7\xad\x96\xe7\x95\xa5\xe7\xad\x96\xe7\x95\xa5");
	table_add_unsigned(&t, 7);
	table_add(&t, "");
	t.fit = (struct table_fit){ 36, NAMES, false, NULL, 0 };
	text = print(&t, false);
	if (strcmp(text, want) != 0)
		fail_msg("%s", text);
	free(text);
	table_release(&t);
}

/* Down to the width at which nothing more can be cut, no line is wider. */
static void
test_every_width(void **state)
{
	(void)state;
	for (size_t width = 29; width < 90; width++) {
		struct table t;
		char *text;

		fill(&t);
		t.fit = (struct table_fit){ width, NAMES, true, spare, 1 };
		text = print(&t, false);
		for (const char *s = text; *s != '\0';) {
			size_t n = strcspn(s, "\n");

			if (columns_of(s, n) > width)
				fail_msg("%zu:\n%s", width, text);
			s += n + 1;
		}
		free(text);
		table_release(&t);
	}
}

static void
test_wrap(void **state)
{
	struct table t;
	char *text;

	(void)state;
	table_init(&t, columns, NELEM(columns));
	table_add_coloured(&t, "deny", TABLE_RED);
	table_add(&t, "n");
	table_add_unsigned(&t, 1);
	table_add(&t,
	    "words of a sentence, a-word-that-is-longer-than-a-line"
	    " and an end\n");
	t.fit = (struct table_fit){ 30, NAMES, true, NULL, 0 };
	text = print(&t, true);
	assert_string_equal(text,
	    "VERDICT   NAME   COUNT\n"
	    "\x1b[31mdeny   \x1b[0m   n          1\n"
	    "    words of a sentence,\n"
	    "    a-word-that-is-longer-than-a-line\n"
	    "    and an end\\x0a\n");
	free(text);
	table_release(&t);
}

static void
test_no_terminal(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(table_terminal_columns(f), 0);
	assert_int_equal(fclose(f), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests_name("table_fit", tests, NULL, NULL);
}
