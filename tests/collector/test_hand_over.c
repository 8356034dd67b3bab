/* SPDX-License-Identifier: Apache-2.0 */
/* A collector that is told to end, and the next one: openings that nobody
 * answered yet are each counted once, as what they come to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/log.h"
#include "tests/collector/daemon_world.h"

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static uint64_t
open_count(struct world *w)
{
	struct stored s;
	uint64_t n;

	stored_open(&s, w->db);
	n = s.flows.open;
	stored_close(&s);
	return n;
}

/* times: so often another one takes over. */
static void
hand_over(struct world *w, int times)
{
	struct rf_error err;

	for (int i = 0; i < times; i++) {
		assert_int_equal(
		    daemon_hand_over(w->d, w->now_us, &err), RF_OK);
		daemon_free(w->d);
		w->d = NULL;
		assert_int_equal(open_count(w), 4);
		assert_int_equal(look(w).connections, 2);
		w->now_us += SECOND;
		w->config.start_us = w->now_us;
		world_start(w);
	}
}

static void
open_world(struct world *w)
{
	log_set_sink(quiet, NULL);
	world_open(w);
	world_start(w);
	handshake(w, 40000);
	segment(w, CLIENT, 40001, SERVER, 81, SYN); /* never answered */
	segment(w, CLIENT, 40002, SERVER, 82, SYN); /* late */
	segment(w, CLIENT, 40003, SERVER, 83, SYN); /* refused */
	segment(w, CLIENT, 40004, SERVER, 84, SYN);
	segment(w, SERVER, 84, CLIENT, 40004, RST | ACK);
	pass(w, 11 * SECOND, SECOND / 10);
	segment(w, CLIENT, 40005, SERVER, 85, SYN); /* young, repeated */
}

static void
test_openings(void **state)
{
	(void)state;
	for (int times = 0; times < 3; times++) {
		struct totals t;
		struct world w;

		open_world(&w);
		hand_over(&w, times);
		segment(&w, SERVER, 82, CLIENT, 40002, SYNACK);
		segment(&w, SERVER, 83, CLIENT, 40003, RST | ACK);
		segment(&w, CLIENT, 40005, SERVER, 85, SYN);
		pass(&w, 20 * SECOND, SECOND / 10);
		assert_int_equal(open_count(&w), 2);
		assert_int_equal(look(&w).connections, 4);
		pass(&w, 90 * SECOND, SECOND);
		assert_int_equal(open_count(&w), 0);
		world_finish(&w);
		t = look(&w);
		assert_int_equal(t.connections, 6);
		assert_int_equal(t.established, 2);
		assert_int_equal(t.packets, 11);
		world_close(&w);
	}
}

/* Nobody follows: they are told. */
static void
test_last(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	hand_over(&w, 1);
	world_finish(&w);
	assert_int_equal(open_count(&w), 0);
	assert_int_equal(look(&w).connections, 6);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openings),
		cmocka_unit_test(test_last),
	};

	return cmocka_run_group_tests_name("hand_over", tests, NULL, NULL);
}
