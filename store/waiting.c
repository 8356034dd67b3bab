/* SPDX-License-Identifier: Apache-2.0 */
/* What a live collector leaves to the next one: what waits for its ends to be
 * known, and what is open. Neither is a flow yet, or in a sum. */
#include <inttypes.h>
#include <string.h>

#include "store/internal.h"
#include "store/notes.h"

static enum rf_status
put(struct store *s, enum sql_query query, const struct store_waiting *v,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, query);

	if (v->connections > INT64_MAX)
		return rf_fail(err, RF_INVAL,
		    "what waits: %" PRIu64 " connections exceed 63 bits",
		    v->connections);
	db_bind_int(&q, 1, v->id);
	db_bind_int(&q, 2, (int64_t)v->connections);
	db_bind_int(&q, 3, v->first_us);
	db_bind_int(&q, 4, v->since_us);
	db_bind_blob(&q, 5, v->content, v->size);
	return db_run(&q, "write what waits", err);
}

static enum rf_status
end(struct store *s, enum sql_query query, int64_t id, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, query);

	db_bind_int(&q, 1, id);
	return db_run(&q, "delete what waited", err);
}

static enum rf_status
put_rows(struct store *s, const enum sql_query queries[2],
    const struct store_rows *rows, struct rf_error *err)
{
	enum rf_status st;

	if (rows->n == 0 && rows->n_ended == 0)
		return RF_OK;
	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < rows->n_ended && st == RF_OK; i++)
		st = end(s, queries[0], rows->ended[i], err);
	for (size_t i = 0; i < rows->n && st == RF_OK; i++)
		st = put(s, queries[1], &rows->v[i], err);
	return store_leave(s, st, err);
}

enum rf_status
store_put_waiting(
    struct store *s, const struct store_rows *rows, struct rf_error *err)
{
	static const enum sql_query queries[] = { SQL_WAITING_DELETE,
		SQL_WAITING_PUT };

	return put_rows(s, queries, rows, err);
}

enum rf_status
store_put_open(
    struct store *s, const struct store_rows *rows, struct rf_error *err)
{
	static const enum sql_query queries[] = { SQL_OPEN_DELETE,
		SQL_OPEN_PUT };

	return put_rows(s, queries, rows, err);
}

static bool
copy_row(struct store_waiting *w, struct db_stmt *q, struct arena *arena)
{
	const void *blob = db_blob(q, 4, &w->size);
	int64_t connections = db_int(q, 1);
	void *copy;

	if (connections < 0) /* what nobody can read stops no collector */
		connections = 0, w->size = 0;
	copy = arena_alloc(arena, w->size != 0 ? w->size : 1);
	if (copy == NULL)
		return false;
	if (w->size != 0)
		memcpy(copy, blob, w->size);
	w->content = copy;
	w->id = db_int(q, 0);
	w->connections = (uint64_t)connections;
	w->first_us = db_int(q, 2);
	w->since_us = db_int(q, 3);
	return true;
}

static enum rf_status
get_rows(struct store *s, enum sql_query query, struct arena *arena,
    const struct store_waiting **out, size_t *n, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, query);
	struct store_waiting *v = NULL;
	size_t cap = 0;
	enum rf_status st;
	bool row;

	*n = 0;
	while (
	    (st = db_row(&q, &row, "read what waits", err)) == RF_OK && row) {
		if (!arena_grow(arena, (void **)&v, *n, &cap, sizeof(*v)) ||
		    !copy_row(&v[*n], &q, arena)) {
			db_end(&q);
			return rf_fail(
			    err, RF_NOMEM, "read what waits: out of memory");
		}
		(*n)++;
	}
	*out = v;
	return st;
}

enum rf_status
store_get_waiting(struct store *s, struct arena *arena,
    const struct store_waiting **out, size_t *n, struct rf_error *err)
{
	return get_rows(s, SQL_WAITING_LIST, arena, out, n, err);
}

enum rf_status
store_get_open(struct store *s, struct arena *arena,
    const struct store_waiting **out, size_t *n, struct rf_error *err)
{
	return get_rows(s, SQL_OPEN_LIST, arena, out, n, err);
}

enum rf_status
store_put_written(struct store *s, int64_t now_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_COLLECTOR_WRITTEN);
	enum rf_status st;

	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	db_bind_int(&q, 1, now_us);
	st = db_run(&q, "write how far it came", err);
	return store_leave(s, st, err);
}

enum rf_status
notes_get_progress(struct store *s, int64_t *written_us, int64_t *swept_us,
    struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_COLLECTOR_GET);
	enum rf_status st;
	bool row;

	*written_us = *swept_us = INT64_MIN;
	st = db_row(&q, &row, "read how far it came", err);
	if (st != RF_OK || !row)
		return st;
	*written_us = db_int(&q, 0);
	*swept_us = db_int(&q, 1);
	db_end(&q);
	return RF_OK;
}

enum rf_status
store_get_written(struct store *s, int64_t *out, struct rf_error *err)
{
	int64_t swept_us;

	return notes_get_progress(s, out, &swept_us, err);
}

static enum rf_status
count(
    struct store *s, enum sql_query query, uint64_t *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, query);
	enum rf_status st;
	bool row;

	st = db_row(&q, &row, "count what waits", err);
	if (st != RF_OK || !row)
		return st;
	*out = db_uint(&q, 0, INT64_MAX);
	return db_check(&q, "count what waits", err);
}

enum rf_status
notes_get_waiting(struct store *s, struct flow_set *out, struct rf_error *err)
{
	enum rf_status st = count(s, SQL_WAITING_SUM, &out->waiting, err);

	return st != RF_OK ? st : count(s, SQL_OPEN_SUM, &out->open, err);
}
