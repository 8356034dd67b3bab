/* SPDX-License-Identifier: Apache-2.0 */
/* What was observed and lost, of one and of many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "report/coverage.h"

static void
check_text(const struct flow_set *fs, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	coverage_print(f, fs);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void
check(uint64_t n, const char *want)
{
	const struct coverage c = { .node = "n1",
		.source = "any",
		.to_us = 3600000000,
		.packets = n,
		.dropped = n,
		.table_full = n,
		.unowned = n,
		.truncated = n,
		.malformed = n,
		.unsupported = n };
	const struct flow_set fs = {
		.coverage = &c, .n_coverage = 1, .waiting = n, .open = n
	};

	check_text(&fs, want);
}

#define OBSERVED                                                               \
	"Observed from 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z in 1 "     \
	"capture: "

static void
test_one(void **state)
{
	(void)state;
	check(1,
	    OBSERVED
	    "1 packet.\n"
	    "Warning: 1 packet was lost in capture: edges may be missing.\n"
	    "Warning: 1 connection was put out of a full table early.\n"
	    "Warning: 1 connection was seen while the cluster was not watched: "
	    "its ends count as unknown.\n"
	    "Warning: 1 packet was cut too short to be read; capture with a "
	    "larger snaplen.\n"
	    "Warning: 1 packet was malformed.\n"
	    "Warning: 1 packet is of a protocol or link type that is not "
	    "read.\n"
	    "1 connection waits for its ends to be known: it is in none of "
	    "these numbers yet.\n"
	    "1 attempt has no answer yet: it is in none of these numbers until "
	    "it has, or will not.\n"
	    "What was not observed is not covered.\n");
}

static void
test_many(void **state)
{
	(void)state;
	check(2,
	    OBSERVED
	    "2 packets.\n"
	    "Warning: 2 packets were lost in capture: edges may be missing.\n"
	    "Warning: 2 connections were put out of a full table early.\n"
	    "Warning: 2 connections were seen while the cluster was not "
	    "watched: their ends count as unknown.\n"
	    "Warning: 2 packets were cut too short to be read; capture with a "
	    "larger snaplen.\n"
	    "Warning: 2 packets were malformed.\n"
	    "Warning: 2 packets are of a protocol or link type that is not "
	    "read.\n"
	    "2 connections wait for their ends to be known: they are in none "
	    "of these numbers yet.\n"
	    "2 attempts have no answer yet: they are in none of these numbers "
	    "until they have, or will not.\n"
	    "What was not observed is not covered.\n");
}

/* A file without a packet tells no time, and is not of 1970. */
static void
test_no_packet(void **state)
{
	const struct coverage v[] = {
		{ .node = "n1", .source = "none.pcap" },
		{ .node = "n1",
		    .source = "a.pcap",
		    .from_us = 3600000000,
		    .to_us = 7200000000,
		    .packets = 3 },
	};

	(void)state;
	check_text(&(struct flow_set){ .coverage = v, .n_coverage = 2 },
	    "Observed from 1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z in 2 "
	    "captures: 3 packets.\n"
	    "What was not observed is not covered.\n");
	check_text(&(struct flow_set){ .coverage = v, .n_coverage = 1 },
	    "Nothing was observed yet.\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_packet),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
