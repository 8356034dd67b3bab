/* SPDX-License-Identifier: Apache-2.0 */
/* Which names an address had while it was spoken with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/strbuf.h"
#include "core/timely.h"
#include "tests/support/case_table.h"

#define MINUTE INT64_C(60) /* seconds */
#define HOUR   (60 * MINUTE)

/* Times in seconds; 203.0.113.9 is spoken with from 10 h to 11 h, .10 at 10 h,
 * .11 never. Names of .9 are a and b, of .10 c, of .11 d and e. */
static struct timely_case {
	const char *name;
	int64_t a[2], b[2], c[2];
	const char *want;
} cases[] = {
	/* clang-format off */
	{ "all in time", { 10 * HOUR, 10 * HOUR + 30 },
	    { 10 * HOUR + 90, 10 * HOUR + 120 }, { 10 * HOUR, 10 * HOUR },
	    "a b c d e" },
	{ "one before", { 8 * HOUR, 9 * HOUR }, { 10 * HOUR, 11 * HOUR },
	    { 10 * HOUR, 10 * HOUR }, "b c d e" },
	{ "one after", { 10 * HOUR, 11 * HOUR }, { 12 * HOUR, 13 * HOUR },
	    { 10 * HOUR, 10 * HOUR }, "a c d e" },
	{ "around all of it", { 0, 24 * HOUR }, { 12 * HOUR, 13 * HOUR },
	    { 0, 24 * HOUR }, "a c d e" },
	{ "asked for a little before", { 9 * HOUR, 10 * HOUR - 5 * MINUTE },
	    { 9 * HOUR, 10 * HOUR - 5 * MINUTE - 1 }, { 0, 10 * HOUR },
	    "a c d e" },
	{ "asked for a little after", { 11 * HOUR + 5 * MINUTE + 1, 12 * HOUR },
	    { 11 * HOUR + 5 * MINUTE, 12 * HOUR }, { 0, 10 * HOUR },
	    "b c d e" },
	{ "none in time: all", { 1, 2 }, { 20 * HOUR, 21 * HOUR }, { 1, 2 },
	    "a b c d e" },
	{ "times of a damaged database", { INT64_MIN / 1000000, 0 },
	    { INT64_MAX / 1000000, INT64_MAX / 1000000 },
	    { INT64_MIN / 1000000, INT64_MAX / 1000000 }, "a b c d e" },
	/* clang-format on */
};

static struct ip_addr
ip(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, text));
	return a;
}

static void
test_case(void **state)
{
	const struct timely_case *c = *state;
	const struct endpoint ends[] = {
		{ .type = ENDPOINT_EXTERNAL, .ip = ip("203.0.113.11") },
		{ .type = ENDPOINT_WORKLOAD, .ip = ip("10.0.0.5") },
		{ .type = ENDPOINT_EXTERNAL, .ip = ip("203.0.113.9") },
		{ .type = ENDPOINT_EXTERNAL, .ip = ip("203.0.113.10") },
	};
	const struct flow flows[] = {
		{ .src = 1,
		    .dst = 2,
		    .first_us = 10 * HOUR * 1000000,
		    .last_us = 10 * HOUR * 1000000 },
		{ .src = 2,
		    .dst = 1,
		    .first_us = 11 * HOUR * 1000000,
		    .last_us = 11 * HOUR * 1000000 },
		{ .src = 1,
		    .dst = 3,
		    .first_us = 10 * HOUR * 1000000,
		    .last_us = 10 * HOUR * 1000000 },
	};
	const struct dns_name names[] = {
		{ ip("203.0.113.9"), "a", c->a[0] * 1000000,
		    c->a[1] * 1000000 },
		{ ip("203.0.113.9"), "b", c->b[0] * 1000000,
		    c->b[1] * 1000000 },
		{ ip("203.0.113.10"), "c", c->c[0] * 1000000,
		    c->c[1] * 1000000 },
		{ ip("203.0.113.11"), "d", 1, 2 },
		{ ip("203.0.113.11"), "e", 1, 2 },
	};
	struct flow_set fs = { ends, NELEM(ends), flows, NELEM(flows), names,
		NELEM(names), NULL, 0, 0, 0 };
	struct arena arena;
	struct strbuf sb;

	arena_init(&arena, 0);
	strbuf_init(&sb, 64);
	assert_true(timely_names(&fs, &arena));
	for (size_t i = 0; i < fs.n_names; i++)
		strbuf_printf(&sb, "%s%s", i == 0 ? "" : " ", fs.names[i].name);
	assert_string_equal(strbuf_str(&sb), c->want);
	strbuf_release(&sb);
	arena_release(&arena);
}

/* Without memory nothing is lost; without names none is needed. */
static void
test_no_memory(void **state)
{
	const struct dns_name name = { ip("203.0.113.9"), "a", 1, 2 };
	struct flow_set fs = { .names = &name, .n_names = 1 };
	struct arena arena;

	(void)state;
	arena_init(&arena, 1);
	assert_false(timely_names(&fs, &arena));
	assert_ptr_equal(fs.names, &name);
	assert_int_equal(fs.n_names, 1);
	fs.n_names = 0;
	assert_true(timely_names(&fs, &arena));
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = { cmocka_unit_test(test_no_memory) };
	const struct case_table tables[] = {
		CASE_TABLE(test_case, cases, name),
	};

	return case_tables_run(
	    "core/timely", own, NELEM(own), tables, NELEM(tables));
}
