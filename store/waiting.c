/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for its ends to be known. It is no flow yet, and in no sum. */
#include <inttypes.h>
#include <string.h>

#include "store/internal.h"
#include "store/notes.h"

static enum rf_status
put(struct store *s, const struct store_waiting *v, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_WAITING_PUT);

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
end(struct store *s, int64_t id, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_WAITING_DELETE);

	db_bind_int(&q, 1, id);
	return db_run(&q, "delete what waited", err);
}

enum rf_status
store_put_waiting(struct store *s, const struct store_waiting *v, size_t n,
    const int64_t *ended, size_t n_ended, struct rf_error *err)
{
	enum rf_status st;

	if (n == 0 && n_ended == 0)
		return RF_OK;
	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < n_ended && st == RF_OK; i++)
		st = end(s, ended[i], err);
	for (size_t i = 0; i < n && st == RF_OK; i++)
		st = put(s, &v[i], err);
	return store_leave(s, st, err);
}

static bool
copy_row(struct store_waiting *w, struct db_stmt *q, struct arena *arena)
{
	const void *blob = db_blob(q, 4, &w->size);
	void *copy = arena_alloc(arena, w->size != 0 ? w->size : 1);

	if (copy == NULL)
		return false;
	if (w->size != 0)
		memcpy(copy, blob, w->size);
	w->content = copy;
	w->id = db_int(q, 0);
	w->connections = (uint64_t)db_int(q, 1);
	w->first_us = db_int(q, 2);
	w->since_us = db_int(q, 3);
	return true;
}

enum rf_status
store_get_waiting(struct store *s, struct arena *arena,
    const struct store_waiting **out, size_t *n, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_WAITING_LIST);
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
notes_get_waiting(struct store *s, struct flow_set *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_WAITING_SUM);
	enum rf_status st;
	bool row;

	st = db_row(&q, &row, "count what waits", err);
	if (st != RF_OK || !row)
		return st;
	out->waiting = (uint64_t)db_int(&q, 0);
	db_end(&q);
	return RF_OK;
}
