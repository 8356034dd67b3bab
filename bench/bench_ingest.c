/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_ingest: a capture into memory and no further, a stage more each time.
 *
 *   bench_ingest FILE SNAPSHOT [STAGE]
 *
 * STAGE: read (walk the file's records), decode (and decode them), table (and
 * take them into the flow table), all (the default: and resolve, sum and learn
 * names, which is all of `ringfence collect -r` but the database, with its
 * threads), pause (all, and what the longest pauses were).
 *
 * Prints packets, connections, wall seconds, CPU seconds, the longest pause
 * between two batches in ms, peak RSS in MiB. Then, for pause, the longest
 * pauses: at which packet, ms by the clock, ms of this thread's own work, the
 * rest being other processes' turns and the wait for the reader, and what the
 * table did meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "collector/address_view.h"
#include "collector/aggregate.h"
#include "collector/capture.h"
#include "collector/decode.h"
#include "collector/flow_table.h"
#include "collector/intake.h"
#include "collector/names.h"
#include "collector/reader.h"
#include "collector/summing.h"
#include "kube/snapshot.h"

#define SEED      UINT64_C(0x5eed)
#define FLOWS_MAX ((uint32_t)1 << 16)
#define WINDOW_US ((int64_t)3600 * 1000000)

#define PAUSES 5

enum stage { STAGE_READ, STAGE_DECODE, STAGE_TABLE, STAGE_ALL, STAGE_PAUSE };

/* What happened between two batches. */
struct pause {
	double wall_s, work_s;
	uint64_t packet;
	uint64_t told;   /* connections that ended, or went on */
	uint64_t legs;   /* made */
	uint32_t live;   /* of them at the end */
	long faults;     /* pages that the kernel had to give */
	long turns_lost; /* when it gave the core to others */
};

struct bench {
	enum stage stage;
	struct cluster *cluster;
	struct names *names;
	struct summing summing;
	struct aggregate *sums;
	struct flow_table *ft;
	uint64_t packets, connections, flows;
	double pause_s, last_s;
	struct pause before;          /* totals when the last batch was done */
	struct pause longest[PAUSES]; /* by work */
	struct pause by_clock;        /* the longest */
};

static double
clock_s(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
fail(const struct rf_error *err)
{
	(void)fprintf(stderr, "bench_ingest: %s\n", err->msg);
	return 3;
}

static enum rf_status
read_cluster(struct cluster **out, const char *path, struct rf_error *err)
{
	struct snapshot_builder *sb = NULL;
	struct snapshot_stats stats;
	FILE *f = fopen(path, "re");
	enum rf_status st;

	if (f == NULL)
		return rf_fail(err, RF_IO, "open %s", path);
	st = snapshot_builder_new(&sb, err);
	if (st == RF_OK)
		st = snapshot_read(sb, f, path, err);
	if (st == RF_OK)
		st = snapshot_finish(sb, out, &stats, err);
	snapshot_builder_free(sb);
	(void)fclose(f);
	return st;
}

static void
sum(struct bench *b, const struct connection *c, struct shortcut_ask *ask)
{
	struct summed did;
	size_t n;

	while (!summing_add(&b->summing, b->sums, c, ask, &did)) {
		(void)aggregate_flows(b->sums, &n);
		b->flows += n;
		aggregate_clear(b->sums);
		shortcut_forget(b->summing.shortcut, b->cluster);
	}
}

static void
on_connections(void *arg, const struct connection *v, size_t n)
{
	struct shortcut_ask asks[CONNECTION_BATCH];
	struct bench *b = arg;

	for (size_t i = 0; i < n; i++)
		b->connections += v[i].counted;
	if (b->stage < STAGE_ALL)
		return;
	summing_bring(&b->summing, b->sums, v, n, asks);
	for (size_t i = 0; i < n; i++)
		sum(b, &v[i], &asks[i]);
}

/* The longest time between two batches is a pause. */
static void
note_pause(struct bench *b)
{
	double now = clock_s(CLOCK_MONOTONIC);

	if (b->last_s != 0 && now - b->last_s > b->pause_s)
		b->pause_s = now - b->last_s;
	b->last_s = now;
}

/* Keep the longest, in order. */
static void
keep_pause(struct bench *b, struct pause p)
{
	if (p.wall_s > b->by_clock.wall_s)
		b->by_clock = p;
	for (int i = 0; i < PAUSES; i++)
		if (p.work_s > b->longest[i].work_s) {
			struct pause t = b->longest[i];

			b->longest[i] = p;
			p = t;
		}
}

/* The same, and what it was spent with: a system call or two a batch. */
static void
note_work(struct bench *b)
{
	const struct flow_table_stats *stats = flow_table_stats(b->ft);
	struct pause now = {
		.wall_s = clock_s(CLOCK_MONOTONIC),
		.work_s = clock_s(CLOCK_THREAD_CPUTIME_ID),
		.packet = stats->packets,
		.told = stats->connections,
		.legs = stats->legs,
		.live = flow_table_legs(b->ft),
	};
	const struct pause *was = &b->before;
	struct rusage ru;

	(void)getrusage(RUSAGE_THREAD, &ru);
	now.faults = ru.ru_minflt + ru.ru_majflt;
	now.turns_lost = ru.ru_nivcsw;
	if (was->wall_s != 0)
		keep_pause(b,
		    (struct pause){ now.wall_s - was->wall_s,
			now.work_s - was->work_s, now.packet,
			now.told - was->told, now.legs - was->legs, now.live,
			now.faults - was->faults,
			now.turns_lost - was->turns_lost });
	b->before = now;
}

static void
print_pause(const char *what, const struct pause *p)
{
	(void)printf("%s %.2f ms, work %.2f ms: packet %" PRIu64 ", %" PRIu64
		     " connections told, %" PRIu64 " legs made, %" PRIu32
		     " live, %ld page faults, %ld turns lost\n",
	    what, p->wall_s * 1e3, p->work_s * 1e3, p->packet, p->told, p->legs,
	    p->live, p->faults, p->turns_lost);
}

/* What one batch is for at this stage. */
static void
spend(struct bench *b, struct intake *in)
{
	if (b->stage == STAGE_TABLE)
		flow_table_take(b->ft, in->sightings, in->n_batch, NULL);
	intake_clear(in);
}

/* Reading, decoding and perhaps the table, in this thread alone. */
static enum rf_status
run_stage(struct bench *b, const char *path, struct rf_error *err)
{
	struct intake *in = calloc(1, sizeof(*in));
	struct coverage cov = { 0 };
	const struct capture_frame *f;
	struct capture *c = NULL;
	uint64_t touched = 0;
	enum capture_result result = CAPTURE_FAILED;
	enum rf_status st;

	if (in == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	in->ft = b->ft;
	in->names = b->names;
	st = capture_open_file(&c, path, err);
	while (st == RF_OK &&
	    (result = capture_next(c, &f, err)) == CAPTURE_FRAME) {
		b->packets++;
		touched += f->captured != 0 ? f->data[0] : 0;
		if (b->stage == STAGE_READ ||
		    !intake_decode(
			in, f, capture_link(c), (struct intake_at){ 0 }, &cov))
			continue;
		spend(b, in);
		note_pause(b);
	}
	if (st == RF_OK && result != CAPTURE_END)
		st = RF_CORRUPT;
	if (st == RF_OK) {
		spend(b, in);
		flow_table_finish(b->ft);
	}
	b->flows = touched & 1; /* so that the reading is not left out */
	capture_close(c);
	free(in);
	return st;
}

/* As collect does it. */
static enum rf_status
run_all(struct bench *b, const char *path, struct rf_error *err)
{
	const struct reader_config config = {
		.files = &path, .n_files = 1, .ft = b->ft, .names = b->names
	};
	struct reader *r = NULL;
	struct intake *batch;
	enum rf_status st = reader_start(&r, &config, err);
	size_t n;

	if (st != RF_OK)
		return st;
	while ((batch = reader_next(r)) != NULL) {
		intake_flush(batch);
		note_pause(b);
		if (b->stage == STAGE_PAUSE)
			note_work(b);
	}
	st = reader_status(r, err);
	b->packets = reader_coverage(r, 0)->packets;
	flow_table_finish(b->ft);
	(void)aggregate_flows(b->sums, &n);
	b->flows += n;
	reader_stop(r);
	return st;
}

static enum rf_status
bench_init(struct bench *b, const char *snapshot, struct rf_error *err)
{
	struct flow_table_config config = { .legs_max = FLOW_TABLE_LEGS_DEFAULT,
		.seed = SEED,
		.sink = on_connections,
		.sink_arg = b };
	enum rf_status st = read_cluster(&b->cluster, snapshot, err);

	if (st != RF_OK)
		return st;
	config.view = address_view_of(b->cluster);
	b->names = names_new(b->cluster, SEED);
	b->sums = aggregate_new(FLOWS_MAX, SEED);
	if (b->names != NULL) {
		b->summing.resolver =
		    resolver_new(b->cluster, b->names, WINDOW_US, SEED);
		b->summing.shortcut =
		    shortcut_new(b->cluster, b->names, WINDOW_US, SEED);
	}
	if (b->sums == NULL || b->summing.resolver == NULL ||
	    b->summing.shortcut == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	return flow_table_new(&b->ft, &config, err);
}

static void
bench_release(struct bench *b)
{
	flow_table_free(b->ft);
	resolver_free(b->summing.resolver);
	shortcut_free(b->summing.shortcut);
	aggregate_free(b->sums);
	names_free(b->names);
	cluster_free(b->cluster);
}

static bool
parse_stage(enum stage *stage, const char *word)
{
	static const char *const words[] = { "read", "decode", "table", "all",
		"pause" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			*stage = (enum stage)i;
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	struct bench b = { .stage = STAGE_ALL };
	struct rusage ru;
	struct rf_error err;
	double wall, cpu;
	enum rf_status st;

	if (argc < 3 || argc > 4 ||
	    (argc == 4 && !parse_stage(&b.stage, argv[3]))) {
		(void)fprintf(stderr,
		    "usage: bench_ingest FILE SNAPSHOT "
		    "[read|decode|table|all|pause]\n");
		return 2;
	}
	st = bench_init(&b, argv[2], &err);
	wall = clock_s(CLOCK_MONOTONIC);
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
	if (st == RF_OK)
		st = b.stage >= STAGE_ALL ? run_all(&b, argv[1], &err)
					  : run_stage(&b, argv[1], &err);
	wall = clock_s(CLOCK_MONOTONIC) - wall;
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	bench_release(&b);
	if (st != RF_OK)
		return fail(&err);
	(void)getrusage(RUSAGE_SELF, &ru);
	(void)printf("%" PRIu64 " %" PRIu64 " %.4f %.4f %.2f %.1f\n", b.packets,
	    b.connections, wall, cpu, b.pause_s * 1e3,
	    (double)ru.ru_maxrss / 1024);
	if (b.stage == STAGE_PAUSE) {
		print_pause("by the clock", &b.by_clock);
		for (int i = 0; i < PAUSES; i++)
			print_pause("by work", &b.longest[i]);
	}
	return 0;
}
