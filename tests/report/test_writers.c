/* SPDX-License-Identifier: Apache-2.0 */
/* What names from strangers become in tables, CSV and JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "report/csv.h"
#include "report/json_writer.h"
#include "report/table.h"
#include "report/text.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct text_case {
	const char *name, *in;
	const char *text; /* in a table */
	const char *json; /* between the quotes */
	const char *csv;
} text_cases[] = {
	{ "plain", "web-1.2_x", "web-1.2_x", "web-1.2_x", "web-1.2_x" },
	{ "quote", "a\"b", "a\"b", "a\\\"b", "\"a\"\"b\"" },
	{ "comma", "a,b", "a,b", "a,b", "\"a,b\"" },
	{ "newline", "a\nb\r", "a\\x0ab\\x0d", "a\\nb\\u000d",
	  "a\\x0ab\\x0d" },
	{ "ansi", "\x1b[31mred", "\\x1b[31mred", "\\u001b[31mred",
	  "\\x1b[31mred" },
	{ "c1 control", "\xc2\x9b" "31m", "\\xc2\\x9b31m", "\\u009b31m",
	  "\\xc2\\x9b31m" },
	{ "delete", "a\x7f", "a\\x7f", "a\\u007f", "a\\x7f" },
	{ "backslash", "a\\b", "a\\b", "a\\\\b", "a\\b" },
	{ "umlaut", "\xc3\xa4", "\xc3\xa4", "\xc3\xa4", "\xc3\xa4" },
	/* Closed again, or the compiler's own lint would object. */
	{ "right to left", "\xe2\x80\xae\xe2\x80\xac",
	  "\\xe2\\x80\\xae\\xe2\\x80\\xac", "\\u202e\\u202c",
	  "\\xe2\\x80\\xae\\xe2\\x80\\xac" },
	{ "line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028",
	  "\\xe2\\x80\\xa8" },
	{ "zero width", "a\xe2\x80\x8b", "a\\xe2\\x80\\x8b", "a\\u200b",
	  "a\\xe2\\x80\\x8b" },
	{ "word joiner", "\xe2\x81\xa0", "\\xe2\\x81\\xa0", "\\u2060",
	  "\\xe2\\x81\\xa0" },
	{ "tag", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81",
	  "\\udb40\\udc41", "\\xf3\\xa0\\x81\\x81" },
	{ "formula", "=1+1", "=1+1", "=1+1", "\"'=1+1\"" },
	{ "formula with a quote", "@a\"", "@a\"", "@a\\\"",
	  "\"'@a\"\"\"" },
	{ "dash", "-rf", "-rf", "-rf", "\"'-rf\"" },
	{ "not utf-8", "a\xff", "a\\xff", "a\\ufffd", "a\\xff" },
	{ "overlong", "\xc0\xaf", "\\xc0\\xaf", "\\ufffd\\ufffd",
	  "\\xc0\\xaf" },
	{ "overlong of three", "\xe0\x80\xaf", "\\xe0\\x80\\xaf",
	  "\\ufffd\\ufffd\\ufffd", "\\xe0\\x80\\xaf" },
	{ "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80",
	  "\\ufffd\\ufffd\\ufffd", "\\xed\\xa0\\x80" },
	{ "cut off", "\xe2\x82", "\\xe2\\x82", "\\ufffd\\ufffd",
	  "\\xe2\\x82" },
	{ "emoji", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80",
	  "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "beyond unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
	  "\\ufffd\\ufffd\\ufffd\\ufffd", "\\xf4\\x90\\x80\\x80" },
};
/* clang-format on */

/* What was written to a stream since stream_open. */
struct stream {
	FILE *f;
	char *text;
	size_t len;
};

static void
stream_open(struct stream *s)
{
	*s = (struct stream){ 0 };
	s->f = open_memstream(&s->text, &s->len);
	assert_non_null(s->f);
}

static void
stream_expect(struct stream *s, const char *want)
{
	assert_int_equal(fclose(s->f), 0);
	assert_string_equal(s->text, want);
	free(s->text);
}

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(text_cases); i++) {
		struct strbuf sb;

		strbuf_init(&sb, 1000);
		text_escape(&sb, text_cases[i].in);
		assert_string_equal(strbuf_str(&sb), text_cases[i].text);
		strbuf_release(&sb);
	}
}

static void
test_json_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(text_cases); i++) {
		struct json_writer w;
		struct stream s;
		char want[200];
		json_t *back;

		stream_open(&s);
		json_writer_init(&w, s.f);
		json_writer_string(&w, NULL, text_cases[i].in);
		json_writer_end(&w);
		(void)fflush(s.f);
		(void)snprintf(
		    want, sizeof(want), "\"%s\"\n", text_cases[i].json);
		back = json_loads(s.text, JSON_DECODE_ANY, NULL);
		assert_non_null(back);
		json_decref(back);
		stream_expect(&s, want);
	}
}

static void
test_csv_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(text_cases); i++) {
		struct stream s;
		char want[200];
		struct csv c;

		stream_open(&s);
		csv_init(&c, s.f);
		csv_text(&c, text_cases[i].in);
		csv_text(&c, NULL);
		csv_unsigned(&c, UINT64_MAX);
		csv_record_end(&c);
		assert_false(csv_failed(&c));
		csv_release(&c);
		(void)snprintf(want, sizeof(want),
		    "%s,,18446744073709551615\r\n", text_cases[i].csv);
		stream_expect(&s, want);
	}
}

static void
test_json_shapes(void **state)
{
	struct json_writer w;
	struct ip_addr ip;
	struct stream s;

	(void)state;
	assert_true(ip_parse(&ip, "fd00::1"));
	stream_open(&s);
	json_writer_init(&w, s.f);
	json_writer_object_begin(&w, NULL);
	json_writer_array_begin(&w, "none");
	json_writer_array_end(&w);
	json_writer_object_begin(&w, "empty");
	json_writer_object_end(&w);
	json_writer_array_begin(&w, "rows");
	json_writer_object_begin_inline(&w, NULL);
	json_writer_unsigned(&w, "n", UINT64_MAX);
	json_writer_array_begin(&w, "in");
	json_writer_ip(&w, NULL, &ip);
	json_writer_null(&w, NULL);
	json_writer_array_end(&w);
	json_writer_object_begin(&w, "deep");
	json_writer_string(&w, "yes", "true");
	json_writer_object_end(&w);
	json_writer_object_end(&w);
	json_writer_object_begin_inline(&w, NULL);
	json_writer_object_end(&w);
	json_writer_object_begin(&w, NULL);
	json_writer_time(&w, "at", 1772442000000000);
	json_writer_string(&w, "text", NULL);
	json_writer_object_end(&w);
	json_writer_array_end(&w);
	json_writer_object_end(&w);
	json_writer_end(&w);
	stream_expect(&s,
	    "{\n"
	    "  \"none\": [],\n"
	    "  \"empty\": {},\n"
	    "  \"rows\": [\n"
	    "    {\"n\": 18446744073709551615, \"in\": [\"fd00::1\", null], "
	    "\"deep\": {\"yes\": \"true\"}},\n"
	    "    {},\n"
	    "    {\n"
	    "      \"at\": \"2026-03-02T09:00:00Z\",\n"
	    "      \"text\": null\n"
	    "    }\n"
	    "  ]\n"
	    "}\n");
}

static const struct table_column columns[] = {
	{ .header = "NAME" },
	{ .header = "COUNT", .is_number = true },
	{ .header = "NOTE" },
};

static void
table_fill(struct table *t)
{
	table_init(t, columns, NELEM(columns));
	table_add(t, "\xc3\xa4\xc3\xb6");
	table_add_unsigned(t, 5);
	table_add(t, "");
	table_add_coloured(t, "b\x1b[2J", TABLE_RED);
	table_printf(t, "%d", 1234567);
	table_add(t, "last");
}

static void
test_table(void **state)
{
	struct stream s;
	struct table t;

	(void)state;
	table_fill(&t);
	stream_open(&s);
	assert_int_equal(table_print(&t, s.f, true, false, NULL), RF_OK);
	stream_expect(&s,
	    "NAME         COUNT   NOTE\n"
	    "\xc3\xa4\xc3\xb6               5   -\n"
	    "b\\x1b[2J   1234567   last\n");
	stream_open(&s);
	assert_int_equal(table_print(&t, s.f, false, true, NULL), RF_OK);
	stream_expect(&s,
	    "\xc3\xa4\xc3\xb6               5   -\n"
	    "\x1b[31mb\\x1b[2J\x1b[0m   1234567   last\n");
	table_release(&t);
}

static void
test_colour(void **state)
{
	struct stream s;
	FILE *null = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(null);
	assert_false(table_wants_colour(null, NULL, "xterm"));
	assert_false(table_wants_colour(null, "1", "xterm"));
	(void)fclose(null);
	stream_open(&s);
	assert_false(table_wants_colour(s.f, NULL, "xterm"));
	stream_expect(&s, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_csv_fields),
		cmocka_unit_test(test_json_shapes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_colour),
	};

	return cmocka_run_group_tests_name("writers", tests, NULL, NULL);
}
