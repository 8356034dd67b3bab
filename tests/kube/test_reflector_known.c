/* SPDX-License-Identifier: Apache-2.0 */
/* Until when a reflector knows all, and what it knows of the time between. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/watcher.h"

/* After a list anew, what is gone was last known when the server was heard
 * before: the gap in between belongs to nobody. */
static void
test_gap(void **state)
{
	const struct replay_answer gap[] = { FIRST(ITEM("a")),
		{ .when = { WATCH("10") },
		    .times = 1,
		    .text = EVENT("ADDED", "b", "11"),
		    .is_open = true,
		    .end = REPLAY_STALL },
		{ .when = { WATCH("11") }, .status = 410, .text = "Gone" },
		{ .when = { "?limit=" }, .text = LIST("20", "") },
		SILENT("20") };
	struct watcher w;
	int64_t event_us = 0;

	(void)state;
	watcher_init(&w, gap, NELEM(gap), "pods");
	for (unsigned i = 0;
	     i < TURNS_MAX && reflector_stats(w.reflector)->lists < 2; i++) {
		turn(&w, SECOND_US);
		if (event_us == 0 && strcmp(strbuf_str(&w.log), "(a)+b") == 0)
			event_us = w.now_us;
	}
	assert_string_equal(strbuf_str(&w.log), "(a)+b()");
	assert_int_equal(w.known_us, event_us);
	assert_true(w.now_us > event_us + 100 * SECOND_US);
	watcher_release(&w);
}

/* Let time pass until so many answers of that index were given, and then. */
static void
pass(struct watcher *w, size_t answer, unsigned n, unsigned turns)
{
	for (unsigned i = 0;
	     i < TURNS_MAX && replay_server_given(w->world.server, answer) < n;
	     i++)
		turn(w, TURN_US);
	for (unsigned i = 0; i < turns; i++)
		turn(w, SECOND_US);
}

/*
 * A list tells all until it was asked for, an open watch all until now, once
 * it had time to tell what it had missed. One that is only asked for, or
 * refused, or over, tells nothing.
 */
static void
test_known(void **state)
{
	const struct replay_answer answers[] = { FIRST(ITEM("a")),
		{ .when = { WATCH("10") },
		    .times = 1,
		    .is_mute = true,
		    .end = REPLAY_STALL },
		{ .when = { WATCH("10") }, .times = 3, .status = 503 },
		{ .when = { WATCH("10") },
		    .times = 1,
		    .is_open = true,
		    .end = REPLAY_STALL },
		{ .when = { "?limit=" },
		    .times = 1,
		    .is_mute = true,
		    .end = REPLAY_STALL } };
	const struct reflector_stats *s;
	struct watcher w;
	int64_t list_us, us;

	(void)state;
	watcher_init_lasting(&w, answers, NELEM(answers), "pods", 1);
	s = reflector_stats(w.reflector);
	list_us = w.now_us;
	pass(&w, 1, 1, 20);
	assert_true(w.now_us >= list_us + 15 * SECOND_US);
	assert_int_equal(s->state, REFLECTOR_WATCHING);
	assert_int_equal(s->known_us, list_us);
	assert_false(s->is_following);
	pass(&w, 2, 3, 0);
	assert_int_equal(s->known_us, list_us);
	pass(&w, 3, 1, 1);
	assert_int_equal(s->known_us, list_us);
	us = w.now_us;
	pass(&w, 3, 1, 10);
	assert_true(s->is_following && w.now_us > us + 5 * SECOND_US);
	assert_in_range(s->known_us, w.now_us - SECOND_US, w.now_us);
	w.now_us -= 3600 * SECOND_US;
	turn(&w, 0);
	assert_int_equal(s->known_us, w.now_us);
	assert_false(s->is_following);
	pass(&w, 3, 1, 10);
	assert_true(s->is_following);
	pass(&w, 4, 1, 0);
	us = s->known_us;
	pass(&w, 4, 1, 10);
	assert_int_equal(s->state, REFLECTOR_LISTING);
	assert_int_equal(s->known_us, us);
	assert_true(us < w.now_us - 5 * SECOND_US);
	watcher_release(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests_name(
	    "reflector_known", tests, NULL, NULL);
}
