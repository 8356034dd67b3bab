/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a collector costs as the months go by, in a world of its own
 * (tests/support/soak_world.h): memory, the database's size, and what a flush
 * takes, before and after retention sets in. The clock is put wrong and right
 * on the way, and at the end all is counted.
 *
 * bench_soak [DAYS [STEP_SECONDS]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "tests/support/soak_world.h"

#define SECOND      ((int64_t)1000000)
#define DAY         (86400 * SECOND)
#define REPORT_DAYS 5L

static double
cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
no_log(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
report(struct soak_world *w, int64_t day, double seconds)
{
	struct soak_cost c;

	soak_measure(w, &c);
	printf("%4" PRId64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %7" PRIu64
	       " %5" PRIu64 " %9" PRIu64 " %9.0f\n",
	    day, c.malloc_bytes / 1024, c.database_bytes / 1024,
	    c.log_bytes / 1024, c.objects, c.legs, c.steps / c.flushes,
	    seconds * 1e6 / (double)c.flushes);
	(void)fflush(stdout);
}

/* Wrong by an hour, a day and a year, six hours each. */
static void
set_clock(struct soak_world *w)
{
	static const int64_t by_us[] = { 3600 * SECOND, -DAY, 365 * DAY };

	for (size_t i = 0; i < sizeof(by_us) / sizeof(by_us[0]); i++) {
		soak_set_clock(w, by_us[i]);
		soak_pass(w, DAY / 4);
		soak_set_clock(w, -by_us[i]);
	}
}

static int
judge(struct soak_world *w)
{
	struct soak_verdict v;

	soak_judge(w, &v);
	printf("%" PRIu64 " connections, %" PRIu64 " told; %" PRIu64
	       " in windows that are kept, %" PRIu64 " found, %" PRIu64
	       " with an end that is unknown, %" PRIu64 " wrong%s\n",
	    v.made, v.told, v.expected, v.found, v.unknown, v.differ,
	    v.sum_differs ? ", and the totals differ" : "");
	return v.told == v.made && v.differ == 0 && !v.sum_differs &&
		v.found + v.unknown == v.expected
	    ? EXIT_SUCCESS
	    : EXIT_FAILURE;
}

static long
number(const char *text, long least)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end == '\0' && n >= least)
		return n;
	fprintf(stderr, "bench_soak: \"%s\" is no number from %ld on\n", text,
	    least);
	exit(2);
}

static void
run(struct soak_world *w, int64_t days)
{
	for (int64_t day = 0; day < days; day += REPORT_DAYS) {
		double began = cpu_s();

		if (day / REPORT_DAYS == days / REPORT_DAYS / 2)
			set_clock(w);
		soak_pass(w, REPORT_DAYS * DAY);
		report(w, day + REPORT_DAYS, cpu_s() - began);
	}
}

int
main(int argc, char **argv)
{
	int64_t days = argc > 1 ? number(argv[1], 2 * REPORT_DAYS) : 90;
	int64_t step_us = (argc > 2 ? number(argv[2], 1) : 300) * SECOND;
	const struct soak_config config = { .workloads = 100,
		.connections = 20,
		.steps_per_pod = 3,
		.steps_per_list = 50,
		.step_us = step_us,
		.interval_us = step_us,
		.retain_us = 30 * DAY };
	char path[] = "/tmp/bench_soak.XXXXXX", name[64];
	struct soak_world *w;
	int fd = mkstemp(path), status;

	if (fd < 0)
		return EXIT_FAILURE;
	(void)close(fd);
	log_set_sink(no_log, NULL);
	w = soak_new(&config, path);
	puts("day  malloc KB  database     WAL objects  legs  VM steps    "
	     "CPU us\n     (of all)        KB      KB                 a "
	     "flush     a step");
	run(w, days);
	soak_finish(w);
	status = judge(w);
	soak_free(w);
	(void)unlink(path);
	(void)snprintf(name, sizeof(name), "%s-wal", path);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s-shm", path);
	(void)unlink(name);
	return status;
}
