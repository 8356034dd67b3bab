/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as a tree: it takes what jansson takes, as jansson takes it, and refuses
 * the rest; what a tree answers when it is asked; and strings as jansson writes
 * them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "kube/json_text.h"
#include "kube/json_tree.h"
#include "tests/support/json_agree.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

struct text_case {
	const char *text;
	bool is_json;
};

static const struct text_case cases[] = {
	/* clang-format off */
	{ "{}", true }, { "[]", true }, { " [ ] ", true }, { "null", true },
	{ "", false }, { " ", false }, { "{", false }, { "}", false },
	{ "[1,2,3]", true }, { "[1,]", false }, { "[,1]", false },
	{ "[1 2]", false }, { "[1", false }, { "[1}", false }, { "{]", false },
	{ "{\"a\":1}", true }, { "{\"a\":1,}", false }, { "{,}", false },
	{ "{\"a\"}", false }, { "{\"a\":}", false }, { "{a:1}", false },
	{ "{1:1}", false }, { "{\"a\" : 1 , \"b\":\t2\r\n}", true },
	{ "{} {}", false }, { "{}x", false }, { "\f{}", false },
	{ "[true,false,null]", true }, { "[True]", false }, { "tru", false },
	{ "[nul]", false }, { "[nulll]", false }, { "truefalse", false },
	/* numbers */
	{ "0", true }, { "-0", true }, { "-", false }, { "+1", false },
	{ "00", false }, { "01", false }, { "-01", false }, { "1a", false },
	{ "9223372036854775807", true }, { "9223372036854775808", false },
	{ "-9223372036854775808", true }, { "-9223372036854775809", false },
	{ "99999999999999999999999999999999999999999999999999999999999999999"
	  "99999", false },
	{ "0000000000000000000000000000000000000000000000000000000000000000"
	  "1", false },
	{ "1.0", true }, { "1.", false }, { ".5", false }, { "-.5", false },
	{ "1.5e3", true }, { "1E+2", true }, { "1e-2", true }, { "1e", false },
	{ "1e+", false }, { "1.e1", false }, { "0.0", true }, { "0e0", true },
	{ "1e308", true }, { "1e309", false }, { "-1e309", false },
	{ "1e-400", true }, { "4.9e-324", true }, { "0x10", false },
	{ "1.00000000000000000000000000000000000000000000000000000000000000"
	  "00000000000000000000000000000000000000000000000001", true },
	{ "[1e999]", false }, { "NaN", false }, { "Infinity", false },
	/* strings */
	{ "\"\"", true }, { "\"", false }, { "\"a", false }, { "'a'", false },
	{ "\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", true }, { "\"\\a\"", false },
	{ "\"\\\"", false }, { "\"\\", false }, { "\"\\u12\"", false },
	{ "\"\\u0041\\u00e9\\u20AC\"", true }, { "\"\\u004g\"", false },
	{ "\"\\u0000\"", false }, { "{\"\\u0000\":1}", false },
	{ "\"\\ud83d\\ude00\"", true }, { "\"\\ud83d\"", false },
	{ "\"\\ud83dx\"", false }, { "\"\\ud83d\\n\"", false },
	{ "\"\\ud83d\\u0041\"", false }, { "\"\\ude00\"", false },
	{ "\"\\ud83d\\ud83d\"", false }, { "\"\\uFFFF\"", true },
	{ "\"tab\there\"", false }, { "\"line\nhere\"", false },
	{ "\"\x1f\"", false }, { "\"\x7f\"", true },
	{ "\"0123456\"", true }, { "\"01234567\"", true },
	{ "\"012345678\"", true }, { "\"0123456\x01\"", false },
	{ "\"01234567\x01\"", false }, { "\"0123456\\n01234567\"", true },
	/* UTF-8 */
	{ "\"\xc3\xa9\"", true }, { "\"\xe2\x82\xac\"", true },
	{ "\"\xf0\x9f\x98\x80\"", true }, { "\"\x80\"", false },
	{ "\"\xbf\"", false }, { "\"\xc0\x80\"", false },
	{ "\"\xc1\xbf\"", false }, { "\"\xc2\"", false },
	{ "\"\xc2\x41\"", false }, { "\"\xe0\x9f\xbf\"", false },
	{ "\"\xe0\xa0\x80\"", true }, { "\"\xed\x9f\xbf\"", true },
	{ "\"\xed\xa0\x80\"", false }, { "\"\xee\x80\x80\"", true },
	{ "\"\xf0\x8f\xbf\xbf\"", false }, { "\"\xf0\x90\x80\x80\"", true },
	{ "\"\xf4\x8f\xbf\xbf\"", true }, { "\"\xf4\x90\x80\x80\"", false },
	{ "\"\xf5\x80\x80\x80\"", false }, { "\"\xff\"", false },
	{ "\"\xe2\x82\"", false }, { "\xef\xbb\xbf{}", false },
	{ "\xc3\xa9", false }, { "[\x80]", false },
	/* equal keys */
	{ "{\"a\":1,\"b\":2,\"a\":3}", true },
	{ "{\"a\":{\"x\":1},\"a\":{\"y\":2,\"y\":3}}", true },
	{ "{\"\":1,\"\":2}", true }, { "{\"a\":1,\"\\u0061\":2}", true },
	/* clang-format on */
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		const struct text_case *c = &cases[i];
		bool is_json;

		if (!json_agree(c->text, strlen(c->text), &is_json))
			fail_msg("they differ on %s", c->text);
		if (is_json != c->is_json)
			fail_msg(
			    "%s: %s", is_json ? "taken" : "refused", c->text);
	}
	assert_true(json_agree("[\0]", 3, NULL));
	assert_true(json_agree("\"a\0b\"", 5, NULL));
	assert_true(json_agree("[] \0", 4, NULL));
}

/* n times open, then middle, then n times close. */
static void
check_depth(
    size_t n, const char *open, const char *middle, char close, bool want)
{
	char *text = malloc(n * (strlen(open) + 1) + strlen(middle) + 1);
	char *end = text;
	bool is_json;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, open);
	end = stpcpy(end, middle);
	for (size_t i = 0; i < n; i++)
		*end++ = close;
	assert_true(json_agree(text, (size_t)(end - text), &is_json));
	assert_int_equal(is_json, want);
	free(text);
}

static void
test_depth(void **state)
{
	(void)state;
	check_depth(JSON_TREE_DEPTH_MAX, "[", "", ']', true);
	check_depth(JSON_TREE_DEPTH_MAX - 1, "[", "1", ']', true);
	check_depth(JSON_TREE_DEPTH_MAX, "[", "1", ']', false);
	check_depth(JSON_TREE_DEPTH_MAX - 1, "{\"a\":", "1", '}', true);
	check_depth(JSON_TREE_DEPTH_MAX, "{\"a\":", "1", '}', false);
	check_depth(100000, "[", "", ']', false);
}

/* A map of n members of which every third has the key of another one. */
static void
check_members(size_t n)
{
	struct strbuf text;

	strbuf_init(&text, n * 32 + 3);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&text, "%s\"k%zu\":%zu", i == 0 ? "{" : ",",
		    i % 3 == 0 ? i * 7 % n : i, i);
	strbuf_putc(&text, '}');
	assert_false(strbuf_failed(&text));
	assert_true(json_agree(text.s, text.len, NULL));
	strbuf_release(&text);
}

static void
test_equal_keys(void **state)
{
	(void)state;
	for (size_t n = 1; n < 80; n++)
		check_members(n);
	check_members(5000);
}

/* Pieces of JSON in any order, and JSON with a character changed. */
static void
test_at_random(void **state)
{
	static const char *const pieces[] = { "{", "}", "[", "]", ",", ":",
		"\"", "\\", "\"a\"", "\"b\":", "\"key\":", "1", "-2.5e3", "0",
		"true", "false", "null", " ", "\n", "\\u0041", "\\ud83d",
		"\\ude00", "\xc3\xa9", "\xe2\x82", "\x01", "12345678", "{}",
		"[]", "[1,2]", "{\"a\":{\"b\":[\"c\"]}}" };
	static const char whole[] =
	    "{\"metadata\":{\"name\":\"p\\u00e9\",\"n\":[1,-2,3.5e1,true,"
	    "null]},\"a\":\"\xe2\x82\xac 01234567\",\"a\":{\"x\":[]}}";
	uint64_t seed = 0x5eed;
	size_t taken = 0;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		char text[512];
		size_t len = 0;
		bool is_json;

		seed = seed * UINT64_C(6364136223846793005) + 1;
		if (round % 2 == 0) {
			memcpy(text, whole, len = sizeof(whole) - 1);
			text[(seed >> 33) % len] = (char)(seed >> 56);
			len -= (seed >> 50) % 8 == 0;
		}
		for (uint64_t r = seed >> 20; round % 2 == 1 && r > 1;
		     r /= 31) {
			const char *piece = pieces[r % NELEM(pieces)];

			len = (size_t)(stpcpy(text + len, piece) - text);
		}
		if (!json_agree(text, len, &is_json))
			fail_msg("they differ on %.*s", (int)len, text);
		taken += is_json;
	}
	assert_in_range(taken, 1000, 50000);
}

static void
test_answers(void **state)
{
	static const char text[] =
	    "{\"list\":[\"a\",{\"b\":7}],\"text\":\"t\",\"none\":null,"
	    "\"yes\":true,\"text\":\"last\"} behind";
	const struct json_node *root, *list;
	struct json_tree tree = { 0 };
	size_t used;

	(void)state;
	assert_int_equal(
	    json_tree_read(&tree, text, sizeof(text) - 1, &root, &used), RF_OK);
	assert_string_equal(text + used, " behind");
	assert_int_equal(json_node_members(root), 4);
	assert_string_equal(root->items[1].key, "text");
	assert_string_equal(
	    json_node_text(json_node_get(root, "text")), "last");
	list = json_node_get(root, "list");
	assert_int_equal(json_node_size(list), 2);
	assert_string_equal(json_node_text(json_node_at(list, 0)), "a");
	assert_int_equal(json_node_get(json_node_at(list, 1), "b")->integer, 7);
	assert_null(json_node_at(list, 2));
	assert_null(json_node_get(list, "b"));
	assert_null(json_node_get(json_node_get(root, "tex"), "x"));
	assert_null(json_node_text(json_node_get(root, "none")));
	assert_true(json_node_is(json_node_get(root, "yes"), JSON_NODE_TRUE));
	assert_int_equal(json_node_size(root), 0);
	json_tree_clear(&tree);
	assert_int_equal(
	    json_tree_read(&tree, "[1", 2, &root, &used), RF_CORRUPT);
	assert_null(root);
	json_tree_release(&tree);
}

/* Every pair of bytes as a string, as jansson writes it. */
static void
test_quote(void **state)
{
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 256);
	for (unsigned n = 0x100; n < 0x10000; n++) {
		const char text[] = { 'a', (char)(n >> 8), (char)n, 'b', '\0' };
		json_t *j = json_string(text);

		strbuf_clear(&sb);
		assert_int_equal(json_text_quote(&sb, text), j != NULL);
		if (j != NULL) {
			char *want = json_text_write(j, JSON_ENCODE_ANY);

			assert_non_null(want);
			assert_string_equal(strbuf_str(&sb), want);
			free(want);
		}
		json_decref(j);
	}
	strbuf_clear(&sb);
	assert_true(json_text_quote(&sb, "\xe2\x82\xac\xf0\x9f\x98\x80/\x7f"));
	assert_string_equal(
	    strbuf_str(&sb), "\"\xe2\x82\xac\xf0\x9f\x98\x80/\x7f\"");
	strbuf_release(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_equal_keys),
		cmocka_unit_test(test_at_random),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests_name("json_tree", tests, NULL, NULL);
}
