/* SPDX-License-Identifier: Apache-2.0 */
/* A database that was made for nothing goes; one that others need stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

static char folder[64], path[96];

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test_discard.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/new.db", folder);
	return 0;
}

/* Fails, and so the test, if anything but the database was left. */
static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static struct store *
open_for(enum store_mode mode)
{
	struct rf_error err;
	struct store *s;

	if (store_open(&s, path, mode, &err) != RF_OK)
		fail_msg("%s", err.msg);
	return s;
}

static void
put_something(struct store *s)
{
	struct coverage c = { .node = "n", .source = "x", .to_us = 1 };
	struct rf_error err;

	if (store_put_coverage(s, &c, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

static void
test_empty_goes(void **state)
{
	(void)state;
	store_discard(open_for(STORE_WRITE));
	assert_int_not_equal(access(path, F_OK), 0);
	store_discard(NULL);
}

static void
test_full_stays(void **state)
{
	struct store *s = open_for(STORE_WRITE);

	(void)state;
	put_something(s);
	store_discard(s);
	assert_int_equal(access(path, F_OK), 0);
	store_close(open_for(STORE_READ));
}

/* Two collects begin with the same path, and the one that made it fails. */
static void
test_shared_stays(void **state)
{
	struct store *first = open_for(STORE_WRITE);
	struct store *second = open_for(STORE_WRITE);

	(void)state;
	store_discard(first);
	put_something(second);
	store_close(second);
	assert_int_equal(access(path, F_OK), 0);
	second = open_for(STORE_WRITE);
	store_discard(second); /* what the second put is there */
	assert_int_equal(access(path, F_OK), 0);
}

static void
test_open_transaction_stays(void **state)
{
	struct store *s = open_for(STORE_WRITE);
	struct rf_error err;

	(void)state;
	assert_int_equal(store_begin(s, &err), RF_OK);
	store_discard(s);
	assert_int_equal(access(path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_empty_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_full_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_shared_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_open_transaction_stays, setup, teardown),
	};

	return cmocka_run_group_tests_name("discard", tests, NULL, NULL);
}
