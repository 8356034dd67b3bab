/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML and JSON as kubectl reads them. Each text is read, written back in a
 * short form and compared; a scalar there is its kind's letter and value.
 * What kubectl makes of the scalars was recorded with
 * `kubectl label --local -f F x=y -o json`.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "kube/value.h"
#include "tests/support/case_table.h"

/* want: the documents, each followed by ";"; notices as "!line". */
static const struct read_case {
	const char *name, *text, *want;
} read_cases[] = {
	/* clang-format off */
	{ "booleans", "[y, Y, yes, Yes, YES, true, True, TRUE, on, On, ON]",
	    "[T T T T T T T T T T T];" },
	{ "no booleans", "[n, N, no, No, NO, false, False, FALSE, off, Off, "
	    "OFF]", "[F F F F F F F F F F F];" },
	{ "odd case is text", "[tRUE, yEs, nO, nULL, fALSE]",
	    "['tRUE' 'yEs' 'nO' 'nULL' 'fALSE'];" },
	{ "nulls", "a:\nb: ~\nc: null\nd: Null\ne: NULL\n",
	    "{a=- b=- c=- d=- e=-};" },
	{ "integers", "[0, 80, +80, -1, 1_000, 0x50, 0X1F, 0b11, -0b11]",
	    "[i0 i80 i80 i-1 i1000 i80 i31 i3 i-3];" },
	{ "octal", "[017, 0o17, -017, 0_17]", "[i15 i15 i-15 i15];" },
	{ "not octal, so a float", "[08, 09.0]", "[i8 i9];" },
	{ "floats that are whole", "[1e3, 80.0, 1., 1E2]",
	    "[i1000 i80 i1 i100];" },
	{ "floats", "[.5, 1.5, -2.5e-1, .1_5, 685_230.15]",
	    "[f0.5 f1.5 f-0.25 f0.15 f685230.15];" },
	{ "beyond 64 bits", "[9223372036854775807, 18446744073709551615, "
	    "99999999999999999999]",
	    "[i9223372036854775807 f1.8446744e+19 f1e+20];" },
	{ "out of range is text", "[1e400, 0x1ffffffffffffffff]",
	    "['1e400' '0x1ffffffffffffffff'];" },
	{ "text", "[1.10.2, 10.0.0.1, 0.0.0.0/0, 1:30, 2001-01-01, =, ., _1]",
	    "['1.10.2' '10.0.0.1' '0.0.0.0/0' '1:30' '2001-01-01' '=' '.' "
	    "'_1'];" },
	{ "more text", "[0x, +, 1e, ._5, .5_, 0b12, 1_e, -_]",
	    "['0x' '+' '1e' '._5' '.5_' '0b12' '1_e' '-_'];" },
	{ "quoted is text", "['80', \"true\", 'null', \"\", \"1.10\", '~']",
	    "['80' 'true' 'null' '' '1.10' '~'];" },
	{ "block text", "a: |\n  x\n  y\nb: >\n  x\n  y\n",
	    "{a='x\ny\n' b='x y\n'};" },
	{ "tags", "[!!str 80, !!int \"80\", !!bool 'yes', !!float 80, "
	    "!!null '', !foo 80]", "['80' i80 T i80 - '80'];" },
	{ "binary", "[!!binary aGVsbG8=, !!binary \"aGk=\"]",
	    "['hello' 'hi'];" },
	{ "keys are resolved", "y: web\n1.50: x\n0x10: u\n1e6: z\n\"on\": w\n"
	    "n2: v\n", "{true='web' 1.5='x' 16='u' 1e+06='z' on='w' n2='v'};" },
	{ "keys are compared resolved", "on: 1\nyes: 2\n", "!2{true=i2};" },
	{ "duplicate keys", "a: 1\nb: 2\na: 3\n", "!3{a=i3 b=i2};" },
	{ "merge overrides earlier keys", "x: &a {k: 1}\nw:\n  k: 2\n"
	    "  <<: *a\nz:\n  <<: *a\n  k: 3\n",
	    "{x={k=i1} w={k=i1} z={k=i3}};" },
	{ "first merged map wins", "a: &a {k: 1}\nb: &b {k: 2, l: 3}\n"
	    "c: {<<: [*a, *b]}\n", "{a={k=i1} b={k=i2 l=i3} c={k=i1 l=i3}};" },
	{ "quoted << is a key", "a: {\"<<\": {k: 1}}\n", "{a={<<={k=i1}}};" },
	{ "aliases", "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n",
	    "{a=[i1 i2] b=[i1 i2] c=i3 d=i3};" },
	{ "documents", "a: 1\n---\nb: 2\n--- # note\n---\n\n# c\n---\nnull\n"
	    "---\nd: 4\n", "{a=i1};{b=i2};{d=i4};" },
	{ "nothing", "", "" },
	{ "only comments", "# a\n---\n# b\n", "" },
	{ "content behind ...", "a: 1\n...\nb: 2\n---\nc: 3\n",
	    "!3{a=i1};{c=i3};" },
	{ "nothing behind ...", "a: 1\n...\n# x\n---\nc: 3\n",
	    "{a=i1};{c=i3};" },
	{ "carriage returns", "a: 1\r\nb: x\r\n---\r\nc: 2\r\n",
	    "{a=i1 b='x'};{c=i2};" },
	{ "byte order mark", "\xef\xbb\xbf" "a: 1\n", "{a=i1};" },
	{ "tab behind the colon", "a:\t1\n", "{a=i1};" },
	{ "trailing comma", "[a, b,]", "['a' 'b'];" },
	{ "quotes hold separators", "a: \"x\n  --- y\"\n", "{a='x --- y'};" },
	{ "JSON", " {\"a\": [1, -2.5, \"x\\u00e9\\n\", true, null, {}, []]}",
	    "{a=[i1 f-2.5 'x\xc3\xa9\n' T - {} []]};" },
	{ "JSON surrogates", "{\"a\": \"\\ud83d\\ude00\"}",
	    "{a='\xf0\x9f\x98\x80'};" },
	{ "JSON numbers", "{\"a\": [1.0, 1e2, 9223372036854775807]}",
	    "{a=[i1 i100 i9223372036854775807]};" },
	{ "JSON text is never resolved", "{\"a\": \"80\", \"on\": \"yes\"}",
	    "{a='80' on='yes'};" },
	{ "JSON one after the other", "{\"a\":1}\n{\"b\":2} {}",
	    "{a=i1};{b=i2};{};" },
	{ "JSON, then YAML", "{\"a\":1}\n---\nb: on\n", "{a=i1};{b=T};" },
	{ "JSON duplicate", "{\"a\":1,\n\"a\":2}", "!2{a=i2};" },
	/* clang-format on */
};

static void
put_value(struct strbuf *sb, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NULL:
		strbuf_putc(sb, '-');
		break;
	case VALUE_BOOL:
		strbuf_putc(sb, v->boolean ? 'T' : 'F');
		break;
	case VALUE_INT:
		strbuf_printf(sb, "i%" PRId64, v->integer);
		break;
	case VALUE_FLOAT:
		strbuf_printf(sb, "f%.8g", v->number);
		break;
	case VALUE_STRING:
		strbuf_printf(sb, "'%s'", v->text);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		strbuf_putc(sb, v->kind == VALUE_LIST ? '[' : '{');
		for (size_t i = 0; i < v->n; i++) {
			if (i > 0)
				strbuf_putc(sb, ' ');
			if (v->kind == VALUE_MAP)
				strbuf_printf(sb, "%s=", v->pairs[i].key);
			put_value(sb,
			    v->kind == VALUE_MAP ? v->pairs[i].value
						 : v->items[i]);
		}
		strbuf_putc(sb, v->kind == VALUE_LIST ? ']' : '}');
		break;
	}
}

static void
put_notice(void *arg, uint32_t line, const char *text)
{
	(void)text;
	strbuf_printf(arg, "!%" PRIu32, line);
}

static void
test_read(void **state)
{
	const struct read_case *c = *state;
	struct value_docs docs;
	struct strbuf got;
	struct arena arena;
	struct rf_error err = { 0 };

	arena_init(&arena, 0);
	strbuf_init(&got, 4096);
	if (value_read(&docs, &arena, c->text, strlen(c->text), put_notice,
		&got, &err) != RF_OK)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < docs.n; i++) {
		put_value(&got, docs.docs[i]);
		strbuf_putc(&got, ';');
	}
	assert_string_equal(strbuf_str(&got), c->want);
	strbuf_release(&got);
	arena_release(&arena);
}

#define TEXT(s) s, sizeof(s) - 1

static const struct refusal_case {
	const char *name, *text;
	size_t len;
	const char *want; /* begins so */
} refusal_cases[] = {
	/* clang-format off */
	{ "tab as indent", TEXT("a:\n\tb: 1\n"), "line 2: a tab" },
	{ "tab behind a dash", TEXT("-\ta: 1\n"), "line 1: " },
	{ "tab-only line", TEXT("\t\n"), "line 1: a tab" },
	{ "NUL", TEXT("a: 1\nb\0c: 2\n"), "line 2: control characters" },
	{ "control character", TEXT("a: \x01\n"), "line 1: control" },
	{ "overlong UTF-8", TEXT("a: \xc0\x80\n"), "line 1: " },
	{ "directive", TEXT("# x\n%YAML 1.1\n---\na: 1\n"),
	    "line 2: a % directive" },
	{ "content on the separator", TEXT("a: 1\n--- {b: 1}\n"),
	    "line 2: content on the ---" },
	{ "text glued to the separator", TEXT("---x\n"),
	    "line 1: content on the ---" },
	{ "null as key", TEXT("a: 1\n~: x\n"), "line 2: null as key" },
	{ "map as key", TEXT("a:\n- {{ .Values.x }}: 1\n"),
	    "line 2: a map or list" },
	{ "not a number", TEXT("a: .nan\n"), "line 1: JSON has no" },
	{ "infinite", TEXT("a: -.inf\n"), "line 1: JSON has no" },
	{ "wrong int tag", TEXT("a: !!int x\n"), "line 1: value does not" },
	{ "wrong base64", TEXT("a: !!binary x\n"), "line 1: !!binary" },
	{ "unknown anchor", TEXT("a: *x\n"), "line 1: unknown anchor" },
	{ "anchors end with their document", TEXT("a: &x 1\n---\nb: *x\n"),
	    "line 3: unknown anchor" },
	{ "alias into itself", TEXT("a: &x [*x]\n"), "line 1: an alias" },
	{ "merge of itself", TEXT("a: &x\n  <<: *x\n"), "line 2: an alias" },
	{ "merge of text", TEXT("a: {<<: x}\n"), "line 1: << wants" },
	{ "lines count from the file's top", TEXT("a: 1\n---\nb: 1\n---\n"
	    "c: [\n"), "line 6: " },
	{ "JSON: no comments", TEXT("{\n// x\n\"a\":1}"), "line 2: not JSON" },
	{ "JSON: trailing comma", TEXT("{\"a\":1,\n}"), "line 2: not JSON" },
	{ "JSON: second document", TEXT("{\"a\":1}\n\n{\"b\":}"),
	    "line 3: not JSON" },
	{ "JSON: cut off", TEXT("{\"a\":"), "line 1: not JSON" },
	{ "JSON: NUL", TEXT("{\"a\":\"\\u0000\"}"), "line 1: not JSON" },
	{ "JSON: NUL byte", TEXT("{\"a\":\n1\0}"), "line 2: not JSON" },
	{ "YAML flow is no JSON", TEXT("{a: 1}\n"), "line 1: not JSON" },
	/* clang-format on */
};

static void
test_refusal(void **state)
{
	const struct refusal_case *c = *state;
	struct rf_error err = { 0 };
	struct value_docs docs;
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(
	    value_read(&docs, &arena, c->text, c->len, NULL, NULL, &err),
	    RF_CORRUPT);
	if (strncmp(err.msg, c->want, strlen(c->want)) != 0)
		fail_msg("%s", err.msg);
	arena_release(&arena);
}

static enum rf_status
read_status(
    const char *text, size_t len, struct value_docs *docs, struct arena *arena)
{
	struct rf_error err = { 0 };

	arena_init(arena, 0);
	return value_read(docs, arena, text, len, NULL, NULL, &err);
}

static void
check_nested(size_t depth, char open, char close, enum rf_status want)
{
	char *text = malloc(2 * depth);
	struct value_docs docs;
	struct arena arena;

	assert_non_null(text);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	assert_int_equal(read_status(text, 2 * depth, &docs, &arena), want);
	arena_release(&arena);
	free(text);
}

static void
test_depth(void **state)
{
	(void)state;
	check_nested(64, '[', ']', RF_OK);
	check_nested(65, '[', ']', RF_LIMIT);
	check_nested(500000, '[', ']', RF_LIMIT);
}

static void
test_depth_json(void **state)
{
	struct strbuf sb;
	struct value_docs docs;
	struct arena arena;

	(void)state;
	for (unsigned depth = 64; depth <= 65; depth++) {
		strbuf_init(&sb, 4096);
		strbuf_puts(&sb, "{\"a\":");
		for (unsigned i = 1; i < depth; i++)
			strbuf_putc(&sb, '[');
		for (unsigned i = 1; i < depth; i++)
			strbuf_putc(&sb, ']');
		strbuf_putc(&sb, '}');
		assert_int_equal(
		    read_status(strbuf_str(&sb), sb.len, &docs, &arena),
		    depth == 64 ? RF_OK : RF_LIMIT);
		arena_release(&arena);
		strbuf_release(&sb);
	}
}

static void
test_alias_bomb(void **state)
{
	struct value_docs docs;
	struct arena arena;
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 4096);
	strbuf_puts(&sb, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (unsigned i = 1; i < 9; i++) {
		strbuf_printf(&sb, "a%u: &a%u [", i, i);
		for (unsigned k = 0; k < 9; k++)
			strbuf_printf(&sb, "*a%u, ", i - 1);
		strbuf_puts(&sb, "]\n");
	}
	assert_int_equal(
	    read_status(strbuf_str(&sb), sb.len, &docs, &arena), RF_LIMIT);
	arena_release(&arena);
	strbuf_release(&sb);
}

/* Depth also counts through aliases, which nest without any text. */
static void
test_alias_depth(void **state)
{
	struct value_docs docs;
	struct arena arena;
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 4096);
	strbuf_puts(&sb, "a0: &a0 x\n");
	for (unsigned i = 1; i < 70; i++)
		strbuf_printf(&sb, "a%u: &a%u [*a%u]\n", i, i, i - 1);
	assert_int_equal(
	    read_status(strbuf_str(&sb), sb.len, &docs, &arena), RF_LIMIT);
	arena_release(&arena);
	strbuf_release(&sb);
}

static void
test_many_keys(void **state)
{
	const size_t n = 20000;
	struct value_docs docs;
	struct arena arena;
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 1 << 20);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&sb, "k%zu: &a%zu %zu\n", i, i, i);
	assert_int_equal(
	    read_status(strbuf_str(&sb), sb.len, &docs, &arena), RF_OK);
	assert_int_equal(docs.docs[0]->n, n);
	assert_int_equal(value_get(docs.docs[0], "k19999")->integer, 19999);
	assert_int_equal(value_get(docs.docs[0], "k7")->integer, 7);
	assert_null(value_get(docs.docs[0], "k20000"));
	arena_release(&arena);
	strbuf_release(&sb);
}

static void
test_utf16(void **state)
{
	static const char text[] = "\xff\xfe"
				   "a\0:\0 \0\x31\0\n\0";
	struct value_docs docs;
	struct arena arena;

	(void)state;
	assert_int_equal(
	    read_status(text, sizeof(text) - 1, &docs, &arena), RF_OK);
	assert_int_equal(value_get(docs.docs[0], "a")->integer, 1);
	arena_release(&arena);
}

static void
check_place(const struct value *v, uint32_t line, uint32_t column)
{
	assert_non_null(v);
	assert_int_equal(v->line, line);
	assert_int_equal(v->column, column);
}

static void
test_places(void **state)
{
	static const char yaml[] = "# c\n---\na: 1\nb:\n  c: \"x\"\n  d:\n"
				   "e: [1,\n    2]\n";
	static const char json[] = "\n{\"a\": 1,\n  \"b\": [true,\n\"x\"]}";
	struct value_docs docs;
	struct arena arena;
	const struct value *v;

	(void)state;
	assert_int_equal(
	    read_status(yaml, sizeof(yaml) - 1, &docs, &arena), RF_OK);
	v = docs.docs[0];
	check_place(v, 3, 1);
	check_place(value_get(v, "a"), 3, 4);
	check_place(value_get(value_get(v, "b"), "c"), 5, 6);
	assert_int_equal(value_get(v, "b")->pairs[1].line, 6);
	check_place(value_get(value_get(v, "b"), "d"), 6, 5);
	check_place(value_get(v, "e")->items[1], 8, 5);
	arena_release(&arena);
	assert_int_equal(
	    read_status(json, sizeof(json) - 1, &docs, &arena), RF_OK);
	v = docs.docs[0];
	check_place(v, 2, 1);
	check_place(value_get(v, "a"), 2, 7);
	check_place(value_get(v, "b")->items[1], 4, 1);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_depth_json),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_alias_depth),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_places),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_read, read_cases, name),
		CASE_TABLE(test_refusal, refusal_cases, name),
	};

	return case_tables_run("value", own, NELEM(own), tables, NELEM(tables));
}
