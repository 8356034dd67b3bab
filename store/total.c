/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters are taken off a total as they were added. Of first_us, last_us and
 * sides, which cannot be taken off, the windows that remain are asked, those
 * first in which the answer can lie: mostly one.
 */
#include "store/total.h"

#include <stdlib.h>

enum rf_status
state_get(struct store *s, struct store_state *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_STATE_GET);
	enum rf_status st;
	bool row;

	if ((st = db_row(&q, &row, "read the state", err)) != RF_OK)
		return st;
	if (!row)
		return db_damaged(err, "the table state is empty");
	*out = (struct store_state){ .has_policies = db_bool(&q, 0),
		.lead_us = (int64_t)db_uint(&q, 1, INT64_MAX),
		.span_us = (int64_t)db_uint(&q, 2, INT64_MAX),
		.rolled_us = db_int(&q, 3) };
	return db_check(&q, "read the state", err);
}

static uint32_t
row_id(struct db_stmt *q, int col)
{
	return (uint32_t)db_uint(q, col, FLOW_NONE - 1);
}

struct flow
flow_of_row(struct db_stmt *q)
{
	return (struct flow){ .src = row_id(q, 0),
		.dst = row_id(q, 1),
		.seen_src = row_id(q, 2),
		.service = row_id(q, 3),
		.service_port = (uint16_t)db_uint(q, 4, UINT16_MAX),
		.port = (uint16_t)db_uint(q, 5, UINT16_MAX),
		.protocol = db_protocol(q, 6),
		.outcome = (uint8_t)db_uint(q, 7, OUTCOME_COUNT - 1),
		.certainty = (uint8_t)db_uint(q, 8, CERTAINTY_COUNT - 1),
		.sides = (uint8_t)db_uint(q, 9, SIDE_SRC | SIDE_DST),
		.connections = db_uint(q, 10, INT64_MAX),
		.packets = db_uint(q, 11, INT64_MAX),
		.bytes = db_uint(q, 12, INT64_MAX),
		.first_us = db_time(q, 13),
		.last_us = db_last(q, 14, db_time(q, 13)) };
}

void
flow_bind_key(struct db_stmt *q, const struct flow *f)
{
	const int64_t v[] = { f->src, f->dst, f->seen_src, f->service,
		f->service_port, f->port, f->protocol, f->outcome,
		f->certainty };

	for (int i = 0; i < (int)(sizeof(v) / sizeof(v[0])); i++)
		db_bind_int(q, i + 1, v[i]);
}

/* The next window that has flows behind at_us and not behind end_us; end_us
 * when there is none. */
static enum rf_status
next_window(struct store *s, int64_t at_us, int64_t end_us, int64_t *out,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_FLOW_WINDOW);
	enum rf_status st;
	bool row;

	*out = end_us;
	db_bind_int(&q, 1, at_us);
	db_bind_int(&q, 2, end_us);
	if ((st = db_row(&q, &row, "list windows", err)) != RF_OK)
		return st;
	if (row)
		*out = db_int(&q, 0);
	db_end(&q);
	return RF_OK;
}

enum rf_status
total_newest(
    struct store *s, int64_t now_us, int64_t *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_FLOW_NEWEST);
	enum rf_status st;
	bool row;

	*out = INT64_MIN;
	db_bind_int(&q, 1, now_us);
	if ((st = db_row(&q, &row, "read the newest window", err)) != RF_OK)
		return st;
	if (row)
		*out = db_int(&q, 0);
	db_end(&q);
	return RF_OK;
}

enum rf_status
total_roll(struct store *s, int64_t rolled_us, int64_t newest_us, size_t max,
    struct rf_error *err)
{
	struct db_stmt roll = store_stmt(s, SQL_TOTAL_ROLL);
	struct db_stmt state = store_stmt(s, SQL_STATE_ROLLED);
	int64_t at_us = rolled_us, end_us;
	enum rf_status st = RF_OK;

	for (size_t n = 0; at_us < newest_us && n <= max; at_us = end_us) {
		st = next_window(s, at_us, newest_us, &end_us, err);
		if (st != RF_OK)
			return st;
		db_bind_int(&roll, 1, at_us);
		db_bind_int(&roll, 2, end_us);
		if ((st = db_run(&roll, "add flows up", err)) != RF_OK)
			return st;
		n += (size_t)sqlite3_changes64(s->db);
	}
	s->is_behind = at_us < newest_us;
	if (at_us <= rolled_us)
		return RF_OK;
	db_bind_int(&state, 1, at_us);
	return db_run(&state, "write the state", err);
}

static bool
push_window(struct total_subtract *t, int64_t window_us)
{
	int64_t *v = t->windows;
	size_t n = t->n_windows;

	if (n % 64 == 0) {
		v = realloc(v, (n + 64) * sizeof(*v));
		if (v == NULL)
			return false;
		t->windows = v;
	}
	v[n] = window_us;
	t->n_windows++;
	return true;
}

enum rf_status
total_subtract_begin(struct total_subtract *t, struct store *s,
    const struct store_state *state, int64_t from_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_FLOW_WINDOW);
	int64_t at = from_us;
	enum rf_status st;
	bool row;

	*t = (struct total_subtract){ .s = s, .state = *state };
	for (;;) {
		db_bind_int(&q, 1, at);
		db_bind_int(&q, 2, state->rolled_us);
		st = db_row(&q, &row, "list windows", err);
		if (st != RF_OK || !row)
			return st;
		at = db_int(&q, 0);
		db_end(&q);
		if (at < state->rolled_us && !push_window(t, at))
			return rf_fail(
			    err, RF_NOMEM, "expire flows: out of memory");
	}
}

void
total_subtract_end(struct total_subtract *t)
{
	free(t->windows);
	*t = (struct total_subtract){ 0 };
}

/* What total_get answers. */
struct total {
	struct flow sum;
	int64_t newest_us, newest_src_us, newest_dst_us;
};

static enum rf_status
get_total(struct store *s, const struct flow *key, struct total *out,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_TOTAL_GET);
	enum rf_status st;
	bool row;

	flow_bind_key(&q, key);
	if ((st = db_row(&q, &row, "read a total", err)) != RF_OK)
		return st;
	if (!row)
		return db_damaged(err,
		    "the totals of flows lack endpoints %u to %u, port %u",
		    key->src, key->dst, key->port);
	*out = (struct total){ .sum = *key };
	out->sum.sides = (uint8_t)db_uint(&q, 0, SIDE_SRC | SIDE_DST);
	out->sum.connections = db_uint(&q, 1, INT64_MAX);
	out->sum.packets = db_uint(&q, 2, INT64_MAX);
	out->sum.bytes = db_uint(&q, 3, INT64_MAX);
	out->sum.first_us = db_int(&q, 4);
	out->sum.last_us = db_int(&q, 5);
	out->newest_us = db_int(&q, 6);
	out->newest_src_us = db_int(&q, 7);
	out->newest_dst_us = db_int(&q, 8);
	return db_check(&q, "read a total", err);
}

/* When the flow of this key was seen in one window, if it was. */
static enum rf_status
get_seen(struct total_subtract *t, const struct flow *key, int64_t window_us,
    bool *seen, struct flow *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(t->s, SQL_FLOW_SEEN);
	enum rf_status st;

	flow_bind_key(&q, key);
	db_bind_int(&q, 10, window_us);
	if ((st = db_row(&q, seen, "read a flow", err)) != RF_OK || !*seen)
		return st;
	out->first_us = db_int(&q, 0);
	out->last_us = db_int(&q, 1);
	db_end(&q);
	return RF_OK;
}

/* The earliest that remains; a window's flows begin lead_us before it. */
static enum rf_status
find_first(struct total_subtract *t, const struct flow *row, int64_t newest_us,
    int64_t *out, struct rf_error *err)
{
	struct flow at = { 0 };
	enum rf_status st;
	bool seen;

	*out = INT64_MAX;
	for (size_t i = 0; i < t->n_windows; i++) {
		int64_t w = t->windows[i];

		if (w <= row->window_us)
			continue;
		if (w > newest_us || time_before(w, t->state.lead_us) >= *out)
			break;
		if ((st = get_seen(t, row, w, &seen, &at, err)) != RF_OK)
			return st;
		if (seen && at.first_us < *out)
			*out = at.first_us;
	}
	return RF_OK;
}

/* The latest that remains; a window's flows end span_us behind its start. */
static enum rf_status
find_last(struct total_subtract *t, const struct flow *row, int64_t newest_us,
    int64_t *out, struct rf_error *err)
{
	struct flow at = { 0 };
	enum rf_status st;
	bool seen;

	*out = INT64_MIN;
	for (size_t i = t->n_windows; i > 0; i--) {
		int64_t w = t->windows[i - 1];

		if (w > newest_us)
			continue;
		if (w <= row->window_us ||
		    time_after(w, t->state.span_us) <= *out)
			break;
		if ((st = get_seen(t, row, w, &seen, &at, err)) != RF_OK)
			return st;
		if (seen && at.last_us > *out)
			*out = at.last_us;
	}
	return RF_OK;
}

static enum rf_status
set_total(struct store *s, const struct flow *sum, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_TOTAL_SET);

	flow_bind_key(&q, sum);
	db_bind_int(&q, 10, sum->sides);
	db_bind_int(&q, 11, (int64_t)sum->connections);
	db_bind_int(&q, 12, (int64_t)sum->packets);
	db_bind_int(&q, 13, (int64_t)sum->bytes);
	db_bind_int(&q, 14, sum->first_us);
	db_bind_int(&q, 15, sum->last_us);
	return db_run(&q, "write a total", err);
}

enum rf_status
total_subtract(
    struct total_subtract *t, const struct flow *row, struct rf_error *err)
{
	struct db_stmt gone = store_stmt(t->s, SQL_TOTAL_DELETE);
	struct total total = { 0 };
	struct flow *sum = &total.sum;
	enum rf_status st;

	if (row->window_us >= t->state.rolled_us)
		return RF_OK;
	if ((st = get_total(t->s, row, &total, err)) != RF_OK)
		return st;
	if (total.newest_us <= row->window_us) {
		flow_bind_key(&gone, row);
		return db_run(&gone, "delete a total", err);
	}
	sum->connections -= row->connections;
	sum->packets -= row->packets;
	sum->bytes -= row->bytes;
	if (total.newest_src_us <= row->window_us)
		sum->sides &= (uint8_t)~SIDE_SRC;
	if (total.newest_dst_us <= row->window_us)
		sum->sides &= (uint8_t)~SIDE_DST;
	if (row->first_us == sum->first_us)
		st = find_first(t, row, total.newest_us, &sum->first_us, err);
	if (st == RF_OK && row->last_us == sum->last_us)
		st = find_last(t, row, total.newest_us, &sum->last_us, err);
	return st == RF_OK ? set_total(t->s, sum, err) : st;
}
