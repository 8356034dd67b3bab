/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector that runs for months: what it needs stays the same once as much
 * is forgotten as comes, what it says is true to the connection, and a clock
 * that is set changes neither. bench/bench_soak does more of it, and measures
 * times.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/log.h"
#include "tests/support/soak_world.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const struct soak_config config = {
	.workloads = 24,
	.connections = 4,
	.steps_per_pod = 13,
	.steps_per_list = 97,
	.step_us = 900 * SECOND,
	.interval_us = 900 * SECOND,
	.retain_us = 3 * DAY,
};

struct fixture {
	char path[64];
	struct soak_world *w;
	int lines;
};

static void
count_line(enum log_level level, const char *line, void *arg)
{
	struct fixture *f = arg;

	(void)level;
	(void)line;
	f->lines++;
}

static void
open_soak(struct fixture *f, const struct soak_config *c)
{
	int fd;

	*f = (struct fixture){ .path = "/tmp/test_soak.XXXXXX" };
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	(void)close(fd);
	log_set_sink(count_line, f);
	f->w = soak_new(c, f->path);
}

static void
close_soak(struct fixture *f)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	soak_free(f->w);
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[80];

		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
}

/* All that was made and is kept is there, once, and nothing else is. */
static void
check_verdict(const struct soak_verdict *v)
{
	assert_int_equal(v->told, v->made);
	assert_int_equal(v->differ, 0);
	assert_false(v->sum_differs);
	assert_int_equal(v->found + v->unknown, v->expected);
}

static void
assert_steady(
    const char *what, uint64_t before, uint64_t after, unsigned percent)
{
	if (after * 100 > before * (100 + percent))
		fail_msg("%s grew from %llu to %llu", what,
		    (unsigned long long)before, (unsigned long long)after);
}

/* 20 days, of which three are kept. */
static void
test_plateau(void **state)
{
	struct soak_cost early, late;
	struct soak_verdict v;
	struct fixture f;

	(void)state;
	open_soak(&f, &config);
	soak_pass(f.w, 5 * DAY);
	soak_measure(f.w, &early);
	soak_pass(f.w, 2 * DAY);
	soak_measure(f.w, &early);
	soak_pass(f.w, 11 * DAY);
	soak_measure(f.w, &late);
	soak_pass(f.w, 2 * DAY);
	soak_measure(f.w, &late);
	assert_int_equal(late.flushes, early.flushes);
	assert_true(early.steps > 0);
	assert_steady("the work of a flush", early.steps, late.steps, 10);
	assert_steady("its rows", early.rows, late.rows, 10);
	assert_steady(
	    "the database", early.database_bytes, late.database_bytes, 10);
	assert_steady("its log", early.log_bytes, late.log_bytes, 10);
	assert_steady("memory", early.malloc_bytes, late.malloc_bytes, 2);
	assert_in_range(late.legs, 1, 16);
	assert_in_range(late.objects, 25, 30);
	soak_finish(f.w);
	soak_judge(f.w, &v);
	check_verdict(&v);
	assert_int_equal(v.unknown, 0);
	assert_true(v.expected > (uint64_t)3 * 96 * 3);
	assert_in_range(v.now_us - v.oldest_us, 3 * DAY, 3 * DAY + 2 * HOUR);
	assert_int_equal(v.covered_us, v.lived_us);
	assert_int_equal(f.lines, 0);
	close_soak(&f);
}

/*
 * The clock goes wrong by an hour, a day and a year, either way, and is put
 * right some hours later. Nothing is lost or counted twice, the table is
 * emptied as ever, what was observed was so for as long as it was, and nothing
 * is thrown away because a wrong clock calls it old.
 */
static void
test_clock(void **state)
{
	static const int64_t by_us[] = { HOUR, -HOUR, DAY, -DAY, 365 * DAY,
		-365 * DAY };
	struct soak_cost after;
	struct soak_verdict v;
	struct fixture f;

	(void)state;
	open_soak(&f, &config);
	soak_pass(f.w, 2 * DAY);
	for (size_t i = 0; i < sizeof(by_us) / sizeof(by_us[0]); i++) {
		soak_set_clock(f.w, by_us[i]);
		soak_pass(f.w, 6 * HOUR);
		soak_set_clock(f.w, -by_us[i]);
		soak_pass(f.w, 6 * HOUR);
		soak_measure(f.w, &after);
		assert_in_range(after.legs, 1, 16);
	}
	soak_measure(f.w, &after);
	soak_pass(f.w, 6 * HOUR);
	soak_measure(f.w, &after);
	/* Rows are written once, though later windows are there. */
	soak_finish(f.w);
	soak_judge(f.w, &v);
	check_verdict(&v);
	assert_int_equal(v.expected, v.made); /* none was forgotten */
	/* Within five seconds for each time, and the flushes that were due. */
	assert_in_range(
	    v.covered_us, v.lived_us - 12 * config.interval_us, v.lived_us);
	assert_int_equal(f.lines, 12);
	close_soak(&f);
}

/* It is wrong for so long that it is believed, and then put right: what is old
 * goes again. */
static void
test_believed(void **state)
{
	struct soak_verdict v;
	struct fixture f;

	(void)state;
	open_soak(&f, &config);
	soak_pass(f.w, DAY);
	soak_set_clock(f.w, 10 * DAY);
	soak_pass(f.w, 30 * HOUR);
	soak_set_clock(f.w, -10 * DAY);
	soak_pass(f.w, 5 * DAY);
	soak_finish(f.w);
	soak_judge(f.w, &v);
	check_verdict(&v);
	assert_in_range(v.now_us - v.oldest_us, 3 * DAY, 3 * DAY + 2 * HOUR);
	close_soak(&f);
}

/* Packets that claim to be of another time are of now. */
static void
test_stray(void **state)
{
	static const int64_t off_us[] = { 3650 * DAY, -3650 * DAY, 2 * DAY,
		-2 * DAY };
	struct soak_cost before, after;
	struct soak_config busy = config;
	struct soak_verdict v;
	struct fixture f;

	(void)state;
	busy.connections = 60;
	busy.retain_us = 0;
	open_soak(&f, &busy);
	soak_pass(f.w, DAY);
	soak_measure(f.w, &before);
	soak_pass(f.w, 6 * HOUR);
	soak_measure(f.w, &before);
	for (size_t i = 0; i < sizeof(off_us) / sizeof(off_us[0]); i++) {
		soak_stray(f.w, off_us[i]);
		soak_pass(f.w, HOUR);
	}
	soak_measure(f.w, &after);
	soak_pass(f.w, 6 * HOUR);
	soak_measure(f.w, &after);
	/* Were later windows there, rows would be written twice. */
	assert_steady("the work of a flush", before.steps, after.steps, 5);
	assert_in_range(after.legs, 1, busy.connections + 16);
	soak_finish(f.w);
	soak_judge(f.w, &v);
	check_verdict(&v);
	assert_int_equal(v.unknown, 0);
	assert_int_equal(v.expected, v.made);
	assert_int_equal(v.covered_us, v.lived_us);
	close_soak(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plateau),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_believed),
		cmocka_unit_test(test_stray),
	};

	return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
