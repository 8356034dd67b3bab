/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store: how fast a flush reaches the disk, and comes back.
 *
 * usage: bench_store FILE [FLOWS [FLUSHES]]
 * FILE is made anew. Each flush holds FLOWS distinct keys in random order;
 * the first one inserts, later ones (in the same window) add up, and a last
 * one, of the next window, rolls the first window into the totals too. First
 * of all, for comparison on a busy machine, SQLite alone: as many rows of as
 * many numbers appended to a table without any key, in FILE-append; and sorted
 * ones put into a key of two addresses as blobs and four numbers, 10,000 a
 * transaction, in FILE-upsert, and the same ones again. By that one the goal
 * was set: where it did 0.98 M rows/s and 0.97 CPU s a million, a flush was to
 * do 0.7 and 1.3.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

struct clock {
	double wall, cpu;
};

static struct clock
now(void)
{
	struct timespec w, c;

	(void)clock_gettime(CLOCK_MONOTONIC, &w);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
	return (struct clock){
		.wall = (double)w.tv_sec + (double)w.tv_nsec / 1e9,
		.cpu = (double)c.tv_sec + (double)c.tv_nsec / 1e9,
	};
}

static void
say(const char *what, size_t n, struct clock from)
{
	struct clock to = now();
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	printf("%-8s %9zu rows  %.2f s  %.0f rows/s  %.2f CPU s/M  "
	       "peak %ld MiB\n",
	    what, n, to.wall - from.wall, (double)n / (to.wall - from.wall),
	    (to.cpu - from.cpu) * 1e6 / (double)n, ru.ru_maxrss / 1024);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
make_endpoints(struct endpoint *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t b[4] = { 203, (uint8_t)(i >> 16),
			(uint8_t)(i >> 8), (uint8_t)i };

		v[i] = (struct endpoint){ .type = ENDPOINT_EXTERNAL,
			.ip = ip_from_v4(b),
			.workload = FLOW_NONE,
			.pod = FLOW_NONE,
			.node = FLOW_NONE };
	}
}

/* Distinct keys, shuffled as a hash table hands them out. */
static void
make_flows(struct flow *v, size_t n, size_t n_endpoints)
{
	uint64_t seed = 88172645463325252u;
	struct flow swap;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct flow){ .src = (uint32_t)(i % n_endpoints),
			.dst = (uint32_t)(i / n_endpoints % n_endpoints),
			.seen_src = (uint32_t)(i % n_endpoints),
			.service = FLOW_NONE,
			.port = 443,
			.protocol = FLOW_TCP,
			.sides = SIDE_SRC,
			.connections = 3,
			.packets = 30,
			.bytes = 4000,
			.window_us = 1772442000000000,
			.first_us = 1772442000000001,
			.last_us = 1772442000000002 };
	for (size_t i = n; i > 1; i--) {
		size_t k = next_random(&seed) % i;

		swap = v[i - 1];
		v[i - 1] = v[k];
		v[k] = swap;
	}
}

static enum rf_status
read_back(struct store *s, size_t want, struct rf_error *err)
{
	struct arena arena = { 0 };
	struct cluster *c = NULL;
	struct flow_set set;
	struct clock from = now();
	enum rf_status st;

	st = store_get_cluster(s, &c, err);
	if (st == RF_OK)
		st = store_get_flows(s, c, NULL, &arena, &set, err);
	if (st == RF_OK && set.n_flows != want)
		st = rf_fail(err, RF_CORRUPT, "%zu flows came back, not %zu",
		    set.n_flows, want);
	if (st == RF_OK)
		say("read", set.n_flows, from);
	cluster_free(c);
	arena_release(&arena);
	return st;
}

/* A table of SQLite alone, in a file of its own beside FILE. */
struct bare {
	const char *name, *again; /* NULL: rows are put once */
	const char *create, *insert;
	size_t commit_every; /* rows; 0: one transaction */
	bool (*bind)(sqlite3_stmt *q, const struct flow *f);
};

static bool
bind_numbers(sqlite3_stmt *q, const struct flow *f)
{
	const int64_t v[16] = { f->window_us, f->src, f->dst, f->seen_src, 0,
		f->service_port, f->port, f->protocol, f->outcome, f->certainty,
		f->sides, (int64_t)f->connections, (int64_t)f->packets,
		(int64_t)f->bytes, f->first_us, f->last_us };
	int rc = SQLITE_OK;

	for (int k = 0; k < 16; k++)
		rc |= sqlite3_bind_int64(q, k + 1, v[k]);
	return rc == SQLITE_OK;
}

/* Both addresses are blobs of 16 bytes, as a collector would have them that
 * knows no endpoints. */
static bool
bind_addresses(sqlite3_stmt *q, const struct flow *f)
{
	const uint32_t ends[2] = { f->src, f->dst };
	int rc = SQLITE_OK;

	rc |= sqlite3_bind_int64(q, 1, f->window_us);
	for (int i = 0; i < 2; i++) {
		const uint8_t b[4] = { 203, (uint8_t)(ends[i] >> 16),
			(uint8_t)(ends[i] >> 8), (uint8_t)ends[i] };
		struct ip_addr ip = ip_from_v4(b);

		rc |= sqlite3_bind_blob(
		    q, 2 + i, ip.b, sizeof(ip.b), SQLITE_TRANSIENT);
	}
	rc |= sqlite3_bind_int64(q, 4, f->protocol);
	rc |= sqlite3_bind_int64(q, 5, f->port);
	rc |= sqlite3_bind_int64(q, 6, f->outcome);
	rc |= sqlite3_bind_int64(q, 7, (int64_t)f->connections);
	rc |= sqlite3_bind_int64(q, 8, (int64_t)f->bytes);
	return rc == SQLITE_OK;
}

/* What SQLite itself takes for a row of 16 numbers without any key. */
static const struct bare append = { .name = "append",
	.create = "CREATE TABLE t (a, b, c, d, e, f, g, h, i, j, k, l, m, n,"
		  " o, p)",
	.insert = "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		  " ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	.bind = bind_numbers };

/* The upsert by which the goal was set: ascending keys of six columns. */
static const struct bare upsert = { .name = "upsert",
	.again = "again",
	.create = "CREATE TABLE t (w INTEGER, src BLOB, dst BLOB,"
		  " proto INTEGER, port INTEGER, outcome INTEGER,"
		  " conns INTEGER, bytes INTEGER,"
		  " PRIMARY KEY (w, src, dst, proto, port, outcome))"
		  " WITHOUT ROWID",
	.insert = "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		  " ON CONFLICT DO UPDATE SET conns = conns + excluded.conns,"
		  " bytes = bytes + excluded.bytes",
	.commit_every = 10000,
	.bind = bind_addresses };

static int
insert_bare(sqlite3 *db, sqlite3_stmt *q, const struct bare *b,
    const struct flow *flows, size_t n)
{
	int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		if (!b->bind(q, &flows[i]) || sqlite3_step(q) != SQLITE_DONE)
			rc = SQLITE_ERROR;
		(void)sqlite3_reset(q);
		if (rc == SQLITE_OK && b->commit_every > 0 &&
		    (i + 1) % b->commit_every == 0)
			rc =
			    sqlite3_exec(db, "COMMIT; BEGIN", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

static enum rf_status
run_bare(const struct bare *b, const char *path, const struct flow *flows,
    size_t n, struct rf_error *err)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	char name[4096];
	struct clock from;
	int rc;

	(void)snprintf(name, sizeof(name), "%s-%s", path, b->name);
	(void)unlink(name);
	from = now();
	rc = sqlite3_open(name, &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL,
		    NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, b->create, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, b->insert, -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = insert_bare(db, q, b, flows, n);
	say(b->name, n, from);
	if (rc == SQLITE_OK && b->again != NULL) {
		from = now();
		rc = insert_bare(db, q, b, flows, n);
		say(b->again, n, from);
	}
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	(void)unlink(name);
	return rc == SQLITE_OK ? RF_OK
			       : rf_fail(err, RF_IO, "%s: SQLite says %s", name,
				     sqlite3_errstr(rc));
}

/* In the order of the upsert's key, as make_flows hands out no order. */
static int
compare_ends(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->src != y->src)
		return x->src < y->src ? -1 : 1;
	return (x->dst > y->dst) - (x->dst < y->dst);
}

static enum rf_status
run_sorted(
    const char *path, const struct flow *flows, size_t n, struct rf_error *err)
{
	struct flow *sorted = calloc(n, sizeof(*sorted));
	enum rf_status st;

	if (sorted == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	memcpy(sorted, flows, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_ends);
	st = run_bare(&upsert, path, sorted, n, err);
	free(sorted);
	return st;
}

static void
next_window(struct flow *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i].window_us += INT64_C(3600000000);
		v[i].first_us += INT64_C(3600000000);
		v[i].last_us += INT64_C(3600000000);
	}
}

static enum rf_status
run(const char *path, size_t n, size_t flushes, struct rf_error *err)
{
	size_t n_endpoints = 2000;
	struct endpoint *endpoints = calloc(n_endpoints, sizeof(*endpoints));
	struct flow *flows = calloc(n, sizeof(*flows));
	struct store *s = NULL;
	enum rf_status st;

	if (endpoints == NULL || flows == NULL) {
		st = rf_fail(err, RF_NOMEM, "out of memory");
		goto out;
	}
	make_endpoints(endpoints, n_endpoints);
	make_flows(flows, n, n_endpoints);
	st = run_bare(&append, path, flows, n, err);
	if (st == RF_OK)
		st = run_sorted(path, flows, n, err);
	if (st == RF_OK)
		st = store_open(&s, path, STORE_WRITE, err);
	for (size_t i = 0; i <= flushes && st == RF_OK; i++) {
		struct clock from;

		if (i == flushes)
			next_window(flows, n);
		from = now();
		st = store_put_flows(s, endpoints, n_endpoints, flows, n, err);
		say(i == 0 ? "insert" : i < flushes ? "add" : "roll", n, from);
	}
	if (st == RF_OK)
		st = read_back(s, n, err);
out:
	store_close(s);
	free(endpoints);
	free(flows);
	return st;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	size_t flushes = argc > 3 ? strtoul(argv[3], NULL, 10) : 2;
	struct rf_error err;

	if (argc < 2 || argc > 4 || n == 0 || n > 4000000) {
		fprintf(stderr, "usage: bench_store FILE [FLOWS [FLUSHES]]\n");
		return 2;
	}
	if (access(argv[1], F_OK) == 0) {
		fprintf(stderr, "bench_store: %s exists\n", argv[1]);
		return 2;
	}
	if (run(argv[1], n, flushes, &err) != RF_OK) {
		fprintf(stderr, "bench_store: %s\n", err.msg);
		return 3;
	}
	return 0;
}
