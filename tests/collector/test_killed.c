/* SPDX-License-Identifier: Apache-2.0 */
/* A collector that is killed, and the next one: what waited is counted once,
 * and is nobody's whose it cannot be shown to have been. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "tests/collector/daemon_world.h"

#define FAR "10.9.8.7" /* in no range that a node tells */

static void
open_quiet(struct world *w)
{
	log_set_sink(world_quiet, NULL);
	open_watched(w);
}

/* Nothing more is stored, nothing is said: as after SIGKILL. */
static void
kill_it(struct world *w)
{
	daemon_free(w->d);
	w->d = NULL;
}

static void
start_again(struct world *w)
{
	w->now_us += 2 * SECOND;
	w->config.start_us = w->now_us;
	world_start(w);
}

static uint64_t
waits(struct world *w)
{
	struct daemon_stats stats;

	daemon_stats(w->d, &stats);
	return stats.waiting;
}

/* What the database says that waits. */
static uint64_t
stored_waits(struct world *w)
{
	struct stored s;
	uint64_t n;

	stored_open(&s, w->db);
	n = s.flows.waiting;
	stored_close(&s);
	return n;
}

/* Whatever came before a flush is counted, exactly once; what came behind it
 * is what may be lost. */
static void
test_again_and_again(void **state)
{
	uint64_t told = 0;
	struct world w;

	(void)state;
	open_quiet(&w);
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned k = 0; k < 5; k++) {
			exchange(&w, CLIENT, SERVER, (uint16_t)(80 + k % 2));
			told++;
			pass(&w, SECOND / 2, SECOND / 10);
		}
		/* Copies of the last one are joined by then; a flush. */
		pass(&w, SECOND * 8 / 5, SECOND / 10);
		pass(&w, 5 * SECOND + SECOND / 10 * (i % 7), SECOND / 10);
		if (i % 3 == 0)
			exchange(&w, CLIENT, SERVER, 90); /* behind the flush */
		kill_it(&w);
		assert_true(look(&w).connections + stored_waits(&w) == told);
		start_again(&w);
	}
	world_finish(&w);
	assert_int_equal(look(&w).connections, told);
	assert_int_equal(look(&w).unknown, 0);
	assert_int_equal(stored_waits(&w), 0);
	world_close(&w);
}

/* Killed twice while the API server is away. */
static void
test_outage(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	open_quiet(&w);
	w.is_up = false;
	pass(&w, 5 * SECOND, SECOND / 10);
	for (unsigned i = 0; i < 300; i++) {
		exchange(&w, CLIENT, SERVER, 80);
		pass(&w, SECOND / 10, SECOND / 10);
		if (i % 100 != 99)
			continue;
		pass(&w, 6 * SECOND + SECOND * 6 / 10, SECOND / 10);
		assert_int_equal(waits(&w), i + 1);
		kill_it(&w);
		assert_int_equal(look(&w).connections, 0);
		assert_int_equal(stored_waits(&w), i + 1);
		start_again(&w);
		assert_int_equal(waits(&w), i + 1);
	}
	w.is_up = true;
	pass(&w, 15 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 300);
	assert_int_equal(t.packets, 4 * 300);
	assert_int_equal(t.established, 300);
	assert_int_equal(t.unowned, 0);
	assert_string_equal(t.server, "db");
	assert_int_equal(stored_waits(&w), 0);
	world_finish(&w);
	world_close(&w);
}

/* A wait goes on where it was, and is over when it would have been. */
static void
test_too_long(void **state)
{
	struct world w;

	(void)state;
	open_quiet(&w);
	w.is_up = false;
	pass(&w, 5 * SECOND, SECOND / 10);
	exchange(&w, CLIENT, SERVER, 80);
	pass(&w, 3 * MINUTE, SECOND / 2);
	kill_it(&w);
	start_again(&w);
	pass(&w, MINUTE, SECOND / 2);
	assert_int_equal(waits(&w), 1);
	pass(&w, 2 * MINUTE, SECOND / 2);
	assert_int_equal(waits(&w), 0);
	assert_int_equal(look(&w).unknown, 1);
	assert_int_equal(look(&w).unowned, 1);
	world_finish(&w);
	world_close(&w);
}

/* Known at the kill, and otherwise when somebody looks again. */
static void
change_hands(const char *before, const char *after, const char *dst,
    const char *server, uint64_t n_unknown)
{
	struct totals t;
	struct world w;

	open_quiet(&w);
	kill_it(&w);
	cluster_free(w.clusters[0]);
	w.clusters[0] = read_cluster(before);
	w.newest = 0;
	start_again(&w);
	pass(&w, 10 * SECOND, SECOND / 10);
	w.is_up = false;
	exchange(&w, CLIENT, dst, 80);
	pass(&w, 10 * SECOND, SECOND / 10);
	assert_int_equal(stored_waits(&w), 1);
	kill_it(&w);
	cluster_free(w.clusters[1]);
	w.clusters[1] = read_cluster(after);
	w.newest = 1;
	w.is_up = true;
	start_again(&w);
	pass(&w, MINUTE, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.unknown, n_unknown);
	assert_string_equal(t.server, server);
	world_finish(&w);
	world_close(&w);
}

static void
test_owners(void **state)
{
	const char *web = NODE POD("web", CLIENT, "");
	const char *db = NODE POD("web", CLIENT, "") POD("db", SERVER, "");
	/* Another one, which pretends to have been there all the time. */
	const char *other = NODE POD("web", CLIENT, "") POD("x", SERVER, "");
	const char *far = NODE POD("web", CLIENT, "") POD("far", FAR, "");

	(void)state;
	change_hands(db, db, SERVER, "db", 0);
	change_hands(web, db, SERVER, "db", 0); /* the watch was late */
	change_hands(db, other, SERVER, "", 1);
	change_hands(db, web, SERVER, "", 1);
	change_hands(far, far, FAR, "far", 0);
	change_hands(far, web, FAR, "", 1); /* not: external */
	change_hands(web, web, FAR, "", 0); /* nobody's, ever */
}

/* As many as there is room for, and then some more. */
static void
test_room(void **state)
{
	struct daemon_stats stats;
	struct totals t;
	struct world w;

	(void)state;
	open_quiet(&w);
	w.is_up = false;
	pass(&w, 10 * SECOND, SECOND / 10);
	for (uint16_t port = 1000; port < 21000; port++) {
		segment(&w, CLIENT, 40001, SERVER, port, SYN);
		segment(&w, SERVER, port, CLIENT, 40001, RST | ACK);
	}
	pass(&w, 30 * SECOND, SECOND / 2);
	daemon_stats(w.d, &stats);
	assert_in_range(stats.waiting, 14000, 16384);
	kill_it(&w);
	assert_int_equal(look(&w).connections, stats.unowned);
	assert_int_equal(stored_waits(&w), stats.waiting);
	start_again(&w);
	assert_int_equal(waits(&w), stats.waiting);
	segment(&w, CLIENT, 40002, SERVER, 80, SYN);
	segment(&w, SERVER, 80, CLIENT, 40002, RST | ACK);
	pass(&w, 10 * SECOND, SECOND / 2);
	w.is_up = true;
	pass(&w, 20 * SECOND, SECOND / 2);
	world_finish(&w);
	t = look(&w);
	assert_int_equal(t.connections, 20001);
	assert_int_equal(t.unowned, t.unknown);
	assert_int_equal(t.unknown, stats.unowned);
	world_close(&w);
}

/* More without an answer than are written at once. */
static void
test_many_open(void **state)
{
	struct world w;
	struct stored s;

	(void)state;
	open_quiet(&w);
	for (uint16_t port = 1000; port < 41000; port++) {
		segment(&w, CLIENT, 40001, SERVER, port, SYN);
		w.now_us -= 1000;
	}
	pass(&w, 7 * SECOND, SECOND / 2);
	for (int i = 0; i < 2; i++) {
		stored_open(&s, w.db);
		assert_int_equal(s.flows.open, i == 0 ? 1 << 15 : 40000);
		stored_close(&s);
		pass(&w, 5 * SECOND, SECOND / 2);
	}
	kill_it(&w);
	start_again(&w);
	pass(&w, 90 * SECOND, SECOND);
	world_finish(&w);
	assert_int_equal(look(&w).connections, 40000);
	assert_int_equal(look(&w).unknown, 0);
	world_close(&w);
}

/* Rows that cannot be of us are lost, once, and nothing else is. */
static void
test_damaged(void **state)
{
	static const uint8_t junk[] = { 1, 6, 0, 200, 0, 0, 1, 2, 3 };
	const struct store_waiting rows[] = {
		{ .id = 5,
		    .connections = 7,
		    .first_us = START,
		    .since_us = START,
		    .content = junk,
		    .size = 0 },
		{ .id = 6,
		    .connections = 8,
		    .first_us = START,
		    .since_us = START,
		    .content = junk,
		    .size = sizeof(junk) },
	};
	struct daemon_stats stats;
	struct rf_error err;
	struct world w;

	(void)state;
	open_quiet(&w);
	w.is_up = false;
	exchange(&w, CLIENT, SERVER, 80);
	pass(&w, 10 * SECOND, SECOND / 10);
	kill_it(&w);
	assert_int_equal(store_put_waiting(w.store,
			     &(struct store_rows){ .v = rows, .n = 2 }, &err),
	    RF_OK);
	assert_int_equal(stored_waits(&w), 16);
	start_again(&w);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.lost_connections, 15);
	assert_int_equal(stats.waiting, 1);
	assert_int_equal(stored_waits(&w), 1);
	w.is_up = true;
	exchange(&w, CLIENT, SERVER, 80);
	pass(&w, 30 * SECOND, SECOND / 10);
	world_finish(&w);
	assert_int_equal(look(&w).connections, 2);
	assert_int_equal(stored_waits(&w), 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_many_open),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
