/* SPDX-License-Identifier: Apache-2.0 */
/* DNS names, coverage and the captures that were collected. */
#include <inttypes.h>
#include <string.h>

#include "core/rfc3339.h"
#include "store/internal.h"
#include "store/notes.h"

enum rf_status
store_put_names(struct store *s, const struct dns_name *names, size_t n,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_NAME_PUT);
	enum rf_status st;

	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < n && st == RF_OK; i++) {
		db_bind_ip(&q, 1, &names[i].ip);
		db_bind_text(&q, 2, names[i].name);
		db_bind_int(&q, 3, names[i].first_us);
		db_bind_int(&q, 4, names[i].last_us);
		st = db_run(&q, "write a DNS name", err);
	}
	return store_leave(s, st, err);
}

/* The counters of a coverage in the order of its columns. */
#define N_COUNTERS 11

static void
counters_of(const struct coverage *c, uint64_t out[static N_COUNTERS])
{
	const uint64_t v[N_COUNTERS] = { c->packets, c->dropped, c->truncated,
		c->malformed, c->unsupported, c->non_ip, c->icmp, c->ignored,
		c->fragments, c->table_full, c->unowned };

	memcpy(out, v, sizeof(v));
}

enum rf_status
store_put_coverage(
    struct store *s, const struct coverage *cov, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_COVERAGE_PUT);
	uint64_t v[N_COUNTERS];
	enum rf_status st;

	if (cov->from_us < 0 || cov->from_us > cov->to_us ||
	    cov->to_us > DB_TIME_MAX)
		return rf_fail(err, RF_INVAL,
		    "coverage of %s: from %" PRId64 " to %" PRId64, cov->source,
		    cov->from_us, cov->to_us);
	counters_of(cov, v);
	for (size_t i = 0; i < N_COUNTERS; i++)
		if (v[i] > INT64_MAX)
			return rf_fail(err, RF_INVAL,
			    "coverage of %s: counter %" PRIu64
			    " exceeds 63 bits",
			    cov->source, v[i]);
	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	db_bind_text(&q, 1, cov->node);
	db_bind_text(&q, 2, cov->source);
	db_bind_int(&q, 3, cov->from_us);
	db_bind_int(&q, 4, cov->to_us);
	for (int i = 0; i < N_COUNTERS; i++)
		db_bind_int(&q, 5 + i, (int64_t)v[i]);
	db_bind_int(&q, 5 + N_COUNTERS, cov->known_us);
	st = db_run(&q, "write the coverage", err);
	return store_leave(s, st, err);
}

/* RF_EXISTS when the digest is known, with the story of the first time. */
static enum rf_status
refuse_known(
    struct store *s, int64_t digest, const char *name, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_SOURCE_GET);
	char at[RFC3339_STRLEN];
	enum rf_status st;
	bool row;

	db_bind_int(&q, 1, digest);
	st = db_row(&q, &row, "look for the capture", err);
	if (st != RF_OK || !row)
		return st;
	st = rf_fail(err, RF_EXISTS,
	    "capture %s (%" PRId64 " packets) was collected before, on %s "
	    "as %s",
	    name, db_int(&q, 1), rfc3339_format(db_int(&q, 2), at),
	    db_text(&q, 0));
	db_end(&q);
	return st;
}

enum rf_status
store_put_source(struct store *s, uint64_t digest, uint64_t packets,
    const char *name, int64_t now_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_SOURCE_PUT);
	int64_t key = (int64_t)digest;
	enum rf_status st;

	if (packets > INT64_MAX)
		return rf_fail(err, RF_INVAL,
		    "capture %s: %" PRIu64 " packets exceed 63 bits", name,
		    packets);
	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	if ((st = refuse_known(s, key, name, err)) != RF_OK)
		goto out;
	db_bind_int(&q, 1, key);
	db_bind_int(&q, 2, (int64_t)packets);
	db_bind_text(&q, 3, name);
	db_bind_int(&q, 4, now_us);
	st = db_run(&q, "note the capture", err);
out:
	return store_leave(s, st, err);
}

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "read the database: out of memory");
}

enum rf_status
notes_get_names(struct store *s, struct arena *arena, struct flow_set *out,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_NAME_LIST);
	struct dns_name *v = NULL;
	size_t n = 0, cap = 0;
	enum rf_status st;
	bool row;

	while ((st = db_row(&q, &row, "read names", err)) == RF_OK && row) {
		if (!arena_grow(arena, (void **)&v, n, &cap, sizeof(*v)) ||
		    (v[n].name = arena_strdup(arena, db_text(&q, 1))) == NULL) {
			db_end(&q);
			return fail_memory(err);
		}
		v[n].ip = db_ip(&q, 0);
		v[n].first_us = db_time(&q, 2);
		v[n].last_us = db_last(&q, 3, v[n].first_us);
		n++;
	}
	out->names = v;
	out->n_names = n;
	return st;
}

static bool
read_coverage(struct coverage *c, struct db_stmt *q, struct arena *arena)
{
	c->node = arena_strdup(arena, db_text(q, 0));
	c->source = arena_strdup(arena, db_text(q, 1));
	c->from_us = db_time(q, 2);
	c->to_us = db_last(q, 3, c->from_us);
	c->packets = db_uint(q, 4, INT64_MAX);
	c->dropped = db_uint(q, 5, INT64_MAX);
	c->truncated = db_uint(q, 6, INT64_MAX);
	c->malformed = db_uint(q, 7, INT64_MAX);
	c->unsupported = db_uint(q, 8, INT64_MAX);
	c->non_ip = db_uint(q, 9, INT64_MAX);
	c->icmp = db_uint(q, 10, INT64_MAX);
	c->ignored = db_uint(q, 11, INT64_MAX);
	c->fragments = db_uint(q, 12, INT64_MAX);
	c->table_full = db_uint(q, 13, INT64_MAX);
	c->unowned = db_uint(q, 14, INT64_MAX);
	c->known_us = db_time(q, 15);
	return c->node != NULL && c->source != NULL;
}

enum rf_status
notes_get_coverage(struct store *s, int64_t since_us, int64_t last_us,
    struct arena *arena, struct flow_set *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_COVERAGE_LIST);
	struct coverage *v = NULL;
	size_t n = 0, cap = 0;
	enum rf_status st;
	bool row;

	db_bind_int(&q, 1, since_us);
	db_bind_int(&q, 2, last_us);
	while ((st = db_row(&q, &row, "read coverage", err)) == RF_OK && row) {
		if (!arena_grow(arena, (void **)&v, n, &cap, sizeof(*v)) ||
		    !read_coverage(&v[n], &q, arena)) {
			db_end(&q);
			return fail_memory(err);
		}
		n++;
	}
	out->coverage = v;
	out->n_coverage = n;
	return st;
}
