/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_retain: how long a collector's writer is kept by what it does besides
 * a flush.
 *
 * usage: bench_retain DB [WINDOWS]
 * DB is one that gen_database made; it is changed. Flushes of one flow each, in
 * a new window each, let the oldest windows go as the collector does: printed
 * are how many flushes that took, and the longest. "full" ones let go of as
 * many rows as one may, "last" ones of the rest of a window.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/store.h"

#define HOUR INT64_C(3600000000)
#define ROWS 20000 /* as collector/daemon_writer.c */

struct clock {
	double wall, cpu;
};

struct steps {
	size_t n;
	struct clock sum, longest;
};

static double
read_clock(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct clock
now(void)
{
	return (struct clock){ read_clock(CLOCK_MONOTONIC),
		read_clock(CLOCK_PROCESS_CPUTIME_ID) };
}

static void
count(struct steps *s, struct clock from)
{
	struct clock to = now();
	double wall = to.wall - from.wall, cpu = to.cpu - from.cpu;

	s->n++;
	s->sum.wall += wall;
	s->sum.cpu += cpu;
	s->longest.wall = wall > s->longest.wall ? wall : s->longest.wall;
	s->longest.cpu = cpu > s->longest.cpu ? cpu : s->longest.cpu;
}

static void
say(const char *what, const struct steps *s)
{
	printf("%-8s %5zu steps  mean %.3f s %.3f CPU s  longest %.3f s %.3f "
	       "CPU s\n",
	    what, s->n, s->sum.wall / (double)s->n, s->sum.cpu / (double)s->n,
	    s->longest.wall, s->longest.cpu);
}

/* One flow between two addresses outside. */
static enum rf_status
put_flow(struct store *s, const struct cluster *c, int64_t at_us,
    struct rf_error *err)
{
	static const uint8_t a[] = { 203, 0, 113, 1 }, b[] = { 203, 0, 113, 2 };
	struct endpoint ends[2] = {
		{ .type = ENDPOINT_EXTERNAL, .ip = ip_from_v4(a) },
		{ .type = ENDPOINT_EXTERNAL, .ip = ip_from_v4(b) },
	};
	struct flow f = { .window_us = at_us,
		.dst = 1,
		.service = FLOW_NONE,
		.port = 443,
		.protocol = FLOW_TCP,
		.sides = SIDE_SRC,
		.connections = 1,
		.first_us = at_us,
		.last_us = at_us };
	enum rf_status st;

	for (int i = 0; i < 2; i++)
		ends[i].workload = ends[i].pod = ends[i].node = FLOW_NONE;
	st = store_put_cluster(s, c, err);
	return st == RF_OK ? store_put_flows(s, ends, 2, &f, 1, err) : st;
}

static enum rf_status
retain(struct store *s, const struct cluster *c, int64_t before_us,
    struct steps *flows, struct steps *sweep, struct rf_error *err)
{
	bool more = true;

	while (more) {
		struct clock from = now();
		enum rf_status st = store_begin(s, err);

		if (st == RF_OK)
			st = put_flow(s, c, before_us + 8760 * HOUR, err);
		if (st == RF_OK)
			st = store_expire(s, before_us, ROWS, &more, err);
		if (st == RF_OK)
			st = store_commit(s, err);
		if (st != RF_OK)
			return st;
		count(more ? flows : sweep, from);
	}
	return RF_OK;
}

static enum rf_status
run(struct store *s, const struct cluster *c, size_t windows,
    struct rf_error *err)
{
	struct steps flows = { 0 }, sweep = { 0 };
	enum rf_status st = RF_OK;

	for (size_t i = 1; i <= windows && st == RF_OK; i++)
		st = retain(
		    s, c, (490000 + (int64_t)i) * HOUR, &flows, &sweep, err);
	if (st != RF_OK)
		return st;
	if (flows.n > 0)
		say("full", &flows);
	say("last", &sweep);
	return RF_OK;
}

int
main(int argc, char **argv)
{
	size_t windows = argc > 2 ? strtoul(argv[2], NULL, 10) : 24;
	struct cluster *none = cluster_new();
	struct store *s = NULL;
	struct rf_error err;
	enum rf_status st;
	struct clock from;

	if (argc < 2 || argc > 3 || windows == 0 || none == NULL ||
	    cluster_finish(none, NULL) != RF_OK) {
		fputs("usage: bench_retain DB [WINDOWS]\n", stderr);
		return 2;
	}
	from = now();
	st = store_open(&s, argv[1], STORE_WRITE, &err);
	printf("open     %.3f s\n", now().wall - from.wall);
	if (st == RF_OK)
		st = run(s, none, windows, &err);
	store_close(s);
	cluster_free(none);
	if (st == RF_OK)
		return 0;
	fprintf(stderr, "bench_retain: %s\n", err.msg);
	return 3;
}
