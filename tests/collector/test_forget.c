/* SPDX-License-Identifier: Apache-2.0 */
/* Retention by collectors none of which lives for an hour. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>

#include "core/log.h"
#include "tests/collector/daemon_world.h"

/* One that lives for so long: it sees a connection, and is killed. */
static void
live(struct world *w, int64_t start_us, int64_t us)
{
	w->now_us = w->config.start_us = start_us;
	world_start(w);
	handshake(w, 40000);
	hang_up(w, 40000);
	pass(w, us, 30 * SECOND);
	daemon_free(w->d);
	w->d = NULL;
}

static void
open_world(struct world *w)
{
	log_set_sink(world_quiet, NULL);
	world_open(w);
	w->config.retain_us = DAY;
	w->config.interval_us = 60 * SECOND;
}

/* Half an hour each, for three days. */
static void
test_short_lives(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	for (int64_t i = 0; i < (int64_t)3 * 48; i++)
		live(&w, START + i * 30 * MINUTE, 29 * MINUTE);
	assert_in_range(look(&w).connections, 48, 52);
	world_close(&w);
}

/* Seldom, and for a short time: each forgets by the clock of the one before. */
static void
test_seldom(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	for (int64_t i = 0; i < 10; i++) {
		live(&w, START + i * 2 * DAY, 10 * MINUTE);
		assert_in_range(look(&w).connections, 1, 2);
	}
	world_close(&w);
}

/* The clock is wrong by years when it starts, and is set ten minutes later:
 * nothing is forgotten by it. If it is right, and it was just away, then all
 * is, within the hour. */
static void
test_wrong_clock(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	live(&w, START, 10 * MINUTE);
	live(&w, START + 600 * DAY, 10 * MINUTE);
	assert_int_equal(look(&w).connections, 2);
	live(&w, START + 20 * MINUTE, 10 * MINUTE);
	assert_int_equal(look(&w).connections, 3);
	live(&w, START + 700 * DAY, 70 * MINUTE);
	assert_int_equal(look(&w).connections, 1);
	world_close(&w);
}

/* The database says that the one before wrote at the beginning of all times:
 * nothing is forgotten by that. */
static void
test_hostile(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	live(&w, START, 10 * MINUTE);
	assert_int_equal(
	    store_put_written(w.store, INT64_MIN + 1, NULL), RF_OK);
	live(&w, START + 20 * MINUTE, 10 * MINUTE);
	assert_int_equal(look(&w).connections, 2);
	world_close(&w);
}

static int
ask(const struct world *w, const char *sql)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	int n = -1;

	assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(
		db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static void
count_lines(enum log_level level, const char *line, void *arg)
{
	(void)level;
	*(int *)arg += strstr(line, "--retain") != NULL;
}

/* What is too old cannot be taken off totals that are damaged: it stays, which
 * is said each hour, and what comes is stored all the same. */
static void
test_damaged(void **state)
{
	static const char *const damage[] = { "DELETE FROM flow_total",
		"UPDATE flow_total SET connections = 0",
		"UPDATE flow_total SET bytes = -1" };

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(*damage); i++) {
		int lines = 0;
		struct world w;

		open_world(&w);
		for (int64_t hour = 0; hour < 4; hour++)
			live(&w, START + hour * 60 * MINUTE, 10 * MINUTE);
		assert_int_not_equal(
		    ask(&w, "SELECT count(*) FROM flow_total"), 0);
		(void)ask(&w, damage[i]);
		log_set_sink(count_lines, &lines);
		live(&w, START + 2 * DAY, 70 * MINUTE);
		live(&w, START + 2 * DAY + 80 * MINUTE, 10 * MINUTE);
		assert_int_equal(
		    ask(&w, "SELECT sum(connections) FROM flow"), 6);
		assert_int_equal(lines, 2);
		world_close(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_lives),
		cmocka_unit_test(test_seldom),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
