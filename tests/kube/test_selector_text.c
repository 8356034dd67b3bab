/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors as texts: what they select, and what is said of a bad one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kube/selector_text.h"
#include "tests/support/case_table.h"

/* Ascending, as label sets are. */
static const struct label web[] = { { "app", "web" }, { "env", "" },
	{ "example.com/in", "notin" }, { "tier", "front" } };

/* What kubectl's -l would say of a pod with the labels above. */
static struct match_case {
	const char *text;
	bool want;
} matches[] = {
	/* clang-format off */
	{ "app=web", true },
	{ "app==web", true },
	{ "app=we", false },
	{ "App=web", false },
	{ "app!=web", false },
	{ "app!=db", true },
	{ "absent!=x", true },
	{ "app", true },
	{ "absent", false },
	{ "!absent", true },
	{ "!app", false },
	{ " ! absent ", true },
	{ "app=web,tier=front", true },
	{ "app=web,tier=back", false },
	{ " app = web , tier = front ", true },
	{ "app in (web)", true },
	{ "app in (db, web)", true },
	{ "app in(db,api)", false },
	{ "app notin (db, api)", true },
	{ "app notin (web)", false },
	{ "absent notin (x)", true },
	{ "env=", true },
	{ "env", true },
	{ "env==,app=web", true },
	{ "env!=", false },
	{ "env in ()", true },
	{ "env in (,x)", true },
	{ "app in (x,)", false },
	{ "absent=", false },
	{ "example.com/in in (notin)", true },
	{ "example.com/in=notin,app in (web),!x", true },
	/* So many values are looked up another way. */
	{ "app in (z,y,x,w,v,u,t,s,r,q,p,o,n,m,l,web,k,j,i,h)", true },
	/* clang-format on */
};

static void
test_match(void **state)
{
	const struct match_case *c = *state;
	const struct label_set labels = { web, NELEM(web) };
	struct label_selector s;
	struct rf_error err;
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(selector_text_read(&s, c->text, &arena, &err), RF_OK);
	assert_int_equal(selector_matches(&s, &labels), c->want);
	arena_release(&arena);
}

static struct bad_case {
	const char *text, *want;
} bad[] = {
	/* clang-format off */
	{ "", "a key is missing at its end" },
	{ "app=web,", "a key is missing at its end" },
	{ "!", "a key is missing at its end" },
	{ ",app", "a key must stand where it goes on with ',app'" },
	{ "=web", "a key must stand where it goes on with '=web'" },
	{ "app=web db", "',' must stand where it goes on with 'db'" },
	{ "app web", "one of = != in notin , must stand where it goes on with "
	    "'web'" },
	{ "!app=web", "',' must stand where it goes on with '=web'" },
	{ "app in web", "'(' must stand where it goes on with 'web'" },
	{ "app in", "'(' is missing at its end" },
	{ "app in (web", "',' or ')' is missing at its end" },
	{ "app in (web db)", "',' or ')' must stand where it goes on with "
	    "'db)'" },
	{ "app notin (a", "',' or ')' is missing at its end" },
	{ "n>5", "numbers are not compared here ('>')" },
	{ "n < 5", "numbers are not compared here ('<')" },
	{ "app=we?b", "'we?b' is no key and no value of a label" },
	{ "a$=b", "'a$' is no key and no value of a label" },
	{ "app=a/b", "'a/b' is no value of a label" },
	{ "app='web'", "''web'' is no key and no value of a label" },
	/* clang-format on */
};

static void
test_bad(void **state)
{
	const struct bad_case *c = *state;
	struct label_selector s;
	struct rf_error err;
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(
	    selector_text_read(&s, c->text, &arena, &err), RF_INVAL);
	assert_string_equal(err.msg, c->want);
	arena_release(&arena);
}

/* Whatever runs out, it is said, and nothing is lost. */
static void
test_no_memory(void **state)
{
	struct label_selector s;
	struct rf_error err;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1);
	assert_int_equal(
	    selector_text_read(&s, "app=web", &arena, &err), RF_NOMEM);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = { cmocka_unit_test(test_no_memory) };
	const struct case_table tables[] = {
		CASE_TABLE(test_match, matches, text),
		CASE_TABLE(test_bad, bad, text),
	};

	return case_tables_run(
	    "kube/selector_text", own, NELEM(own), tables, NELEM(tables));
}
