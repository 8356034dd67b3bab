/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: what is old goes, in an order in which nothing dangles. Flows
 * first and a limited number at a time, so that who writes is never kept
 * waiting for a whole day of them; what they spoke of when all are gone.
 */
#include <stdlib.h>

#include "store/notes.h"
#include "store/total.h"

#define SWEEP_EVERY_US ((int64_t)86400 * 1000000)

static const struct {
	enum sql_query query;
	bool timed; /* ?1 is the time */
	const char *what;
} steps[] = {
	{ SQL_EXPIRE_NAMES, true, "expire names" },
	{ SQL_EXPIRE_COVERAGE, true, "expire coverage" },
	{ SQL_EXPIRE_ENDPOINTS, false, "expire endpoints" },
	{ SQL_EXPIRE_BACKENDS, true, "expire backends" },
	{ SQL_EXPIRE_PODS, true, "expire pods" },
	{ SQL_EXPIRE_SERVICES, true, "expire services" },
	{ SQL_EXPIRE_WORKLOADS, true, "expire workloads" },
	{ SQL_EXPIRE_NODES, true, "expire nodes" },
	{ SQL_EXPIRE_MISSED, false, "expire what was missed" },
};

/* The numbers are those of sql/migration/0006_gone.sql. */
enum missed { MISSED_SERVICE = 1, MISSED_WORKLOAD, MISSED_NODE };

static enum rf_status
put_swept(struct store *s, int64_t before_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_COLLECTOR_SWEPT);

	db_bind_int(&q, 1, before_us);
	return db_run(&q, "write how far it came", err);
}

/* The oldest rows before before_us, at most max, in the order of the key. */
static enum rf_status
read_oldest(struct store *s, int64_t before_us, size_t max, struct flow *rows,
    size_t *n, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_FLOW_OLDEST);
	enum rf_status st;
	bool row;

	*n = 0;
	db_bind_int(&q, 1, before_us);
	db_bind_int(&q, 2, (int64_t)max);
	while ((st = db_row(&q, &row, "read flows", err)) == RF_OK && row) {
		rows[*n] = flow_of_row(&q);
		rows[*n].window_us = db_int(&q, 15);
		(*n)++;
	}
	return st;
}

/* Delete the oldest n rows, and take them off the totals. */
static enum rf_status
delete_oldest(
    struct store *s, const struct flow *rows, size_t n, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_EXPIRE_FLOWS);
	struct total_subtract t;
	struct store_state state;
	enum rf_status st;

	if ((st = state_get(s, &state, err)) != RF_OK)
		return st;
	flow_bind_key(&q, &rows[n - 1]);
	db_bind_int(&q, 10, rows[n - 1].window_us);
	if ((st = db_run(&q, "expire flows", err)) != RF_OK)
		return st;
	st = total_subtract_begin(&t, s, &state, rows[0].window_us, err);
	for (size_t i = 0; i < n && st == RF_OK; i++)
		st = total_subtract(&t, &rows[i], err);
	total_subtract_end(&t);
	return st;
}

static enum rf_status
expire_flows(struct store *s, int64_t before_us, size_t max, size_t *n,
    struct rf_error *err)
{
	struct flow *rows = calloc(max, sizeof(*rows));
	enum rf_status st;

	*n = 0;
	if (rows == NULL)
		return rf_fail(err, RF_NOMEM, "expire flows: out of memory");
	st = read_oldest(s, before_us, max, rows, n, err);
	if (st == RF_OK && *n > 0)
		st = delete_oldest(s, rows, *n, err);
	free(rows);
	return st;
}

/* Of a kind that the cluster has none of nothing is told: perhaps it could not
 * be read. */
static enum rf_status
miss(struct store *s, enum missed kind, const int64_t *found, size_t n,
    int64_t now_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_MISSED_ADD);
	enum rf_status st;

	if (n == 0)
		return RF_OK;
	db_bind_int(&q, 1, kind);
	db_bind_int(&q, 2, now_us);
	st = db_run(&q, "write what is missed", err);
	q = store_stmt(s, SQL_MISSED_DELETE);
	for (size_t i = 0; i < n && st == RF_OK; i++) {
		db_bind_int(&q, 1, kind);
		db_bind_int(&q, 2, found[i]);
		st = db_run(&q, "write what was found", err);
	}
	return st;
}

/* What is not in the cluster that was put last is gone from now on, unless it
 * was before. */
static enum rf_status
miss_all(struct store *s, int64_t now_us, struct rf_error *err)
{
	const struct store_ids *ids = &s->put;
	enum rf_status st;

	if (now_us == INT64_MIN) /* no collector ever wrote */
		return RF_OK;
	st = miss(
	    s, MISSED_SERVICE, ids->services, ids->n_services, now_us, err);
	if (st == RF_OK)
		st = miss(s, MISSED_WORKLOAD, ids->workloads, ids->n_workloads,
		    now_us, err);
	if (st == RF_OK)
		st =
		    miss(s, MISSED_NODE, ids->nodes, ids->n_nodes, now_us, err);
	return st;
}

static enum rf_status
expire_rest(
    struct store *s, int64_t before_us, int64_t now_us, struct rf_error *err)
{
	enum rf_status st = miss_all(s, now_us, err);

	for (size_t i = 0; st == RF_OK && i < sizeof(steps) / sizeof(steps[0]);
	     i++) {
		struct db_stmt q = store_stmt(s, steps[i].query);

		if (steps[i].timed)
			db_bind_int(&q, 1, before_us);
		st = db_run(&q, steps[i].what, err);
	}
	/* Row ids may be gone. */
	store_ids_release(&s->put);
	return st == RF_OK ? put_swept(s, before_us, err) : st;
}

/* All totals are read for it, and what is not in them: not each time that an
 * hour of flows goes, and not while much is not. */
static bool
is_sweep_due(const struct store *s, int64_t before_us, int64_t swept_us)
{
	if (s->is_behind)
		return false;
	return before_us < swept_us ||
	    swept_us <= time_before(before_us, SWEEP_EVERY_US);
}

/* A handle that put no flows does not know of windows that wait for the totals,
 * as after a migration: some of them at a time, too. */
static enum rf_status
catch_up(struct store *s, struct rf_error *err)
{
	struct store_state state;
	int64_t newest_us;
	enum rf_status st;

	if ((st = state_get(s, &state, err)) != RF_OK ||
	    (st = total_newest(s, INT64_MAX, &newest_us, err)) != RF_OK)
		return st;
	return total_roll(s, state.rolled_us, newest_us, s->roll_max, err);
}

/* What is left of a call, when all flows that are old are gone. */
static enum rf_status
expire_others(
    struct store *s, int64_t before_us, bool *more, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	int64_t written_us, swept_us;

	if (s->is_behind || !s->caught_up)
		st = catch_up(s, err);
	if (st == RF_OK)
		st = notes_get_progress(s, &written_us, &swept_us, err);
	if (st != RF_OK)
		return st;
	s->caught_up = !s->is_behind;
	*more = s->is_behind;
	return is_sweep_due(s, before_us, swept_us)
	    ? expire_rest(s, before_us, written_us, err)
	    : RF_OK;
}

enum rf_status
store_expire(struct store *s, int64_t before_us, size_t max, bool *more,
    struct rf_error *err)
{
	enum rf_status st = store_enter(s, err);
	size_t n;

	*more = false;
	if (st != RF_OK)
		return st;
	st = expire_flows(s, before_us, max, &n, err);
	*more = st == RF_OK && n == max;
	if (st == RF_OK && !*more)
		st = expire_others(s, before_us, more, err);
	return store_leave(s, st, err);
}
