/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/case_table.h"

static struct CMUnitTest
test_of_row(const struct case_table *t, size_t i)
{
	const char *name = (const char *)t->name + i * t->size;
	const char *row = (const char *)t->rows + i * t->size;

	return (struct CMUnitTest){
		.name = *(const char *const *)(const void *)name,
		.test_func = t->test,
		.initial_state = (void *)(uintptr_t)row,
	};
}

int
case_tables_run(const char *group, const struct CMUnitTest *own, size_t n_own,
    const struct case_table *tables, size_t n_tables)
{
	struct CMUnitTest *tests;
	size_t n = n_own;
	int rc;

	for (size_t i = 0; i < n_tables; i++)
		n += tables[i].n;
	tests = calloc(n + 1, sizeof(*tests));
	if (tests == NULL)
		return 1;
	if (n_own > 0)
		memcpy(tests, own, n_own * sizeof(*own));
	n = n_own;
	for (size_t i = 0; i < n_tables; i++)
		for (size_t k = 0; k < tables[i].n; k++)
			tests[n++] = test_of_row(&tables[i], k);
	rc = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	free(tests);
	return rc;
}

int
case_table_run(const char *group, const struct case_table *table)
{
	return case_tables_run(group, NULL, 0, table, 1);
}
