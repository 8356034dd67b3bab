/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_table: a test program whose tests are the rows of tables, beside some of
 * its own. To be included behind cmocka.h.
 */
#ifndef TESTS_SUPPORT_CASE_TABLE_H
#define TESTS_SUPPORT_CASE_TABLE_H

#include <stddef.h>

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

struct case_table {
	CMUnitTestFunction test; /* whose initial state is the row */
	const void *rows;
	const char *const *name; /* of the first row, inside of it */
	size_t n, size;
};

/* The rows of an array, each called by what that member of it says. */
#define CASE_TABLE(function, array, member)                                    \
	{                                                                      \
		(function), (array), &(array)[0].member, NELEM(array),         \
		    sizeof((array)[0])                                         \
	}

/* Run own tests, then a test for each row: what main returns. */
int case_tables_run(const char *group, const struct CMUnitTest *own,
    size_t n_own, const struct case_table *tables, size_t n_tables);

/* The same where all tests are rows of one table. */
int case_table_run(const char *group, const struct case_table *table);

#endif
