/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking up the rows that the process before this one left, of either table;
 * those that are of no use any more go.
 */
#include <inttypes.h>

#include "collector/daemon_internal.h"
#include "core/log.h"

static enum rf_status
take_all(struct daemon *d, const struct daemon_rows *t,
    const struct store_waiting *v, size_t n, struct arena *arena,
    struct rf_error *err)
{
	int64_t *ended = arena_calloc(arena, n, sizeof(*ended));
	uint64_t lost = 0;
	size_t n_ended = 0;

	if (ended == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	for (size_t i = 0; i < n; i++) {
		enum flow_restored did = t->take(t->arg, &v[i]);

		if (v[i].id >= *t->next && v[i].id <= ROW_ID_MAX)
			*t->next = v[i].id + 1;
		if (did != FLOW_RESTORED)
			ended[n_ended++] = v[i].id;
		if (did == FLOW_RESTORED_BAD)
			lost += v[i].connections;
	}
	if (n_ended == 0)
		return RF_OK;
	if (lost > 0)
		log_error("collect",
		    "%" PRIu64 " connections %s; they are lost", lost,
		    t->what_is_lost);
	d->lost += lost;
	return t->put(d->config.store,
	    &(struct store_rows){ .ended = ended, .n_ended = n_ended }, err);
}

enum rf_status
daemon_restore_rows(
    struct daemon *d, const struct daemon_rows *t, struct rf_error *err)
{
	const struct store_waiting *v;
	struct arena arena;
	enum rf_status st;
	size_t n;

	*t->next = 1;
	arena_init(&arena, 0);
	st = t->get(d->config.store, &arena, &v, &n, err);
	if (st == RF_OK && n > 0)
		st = t->begin(t->arg, n, err);
	if (st == RF_OK && n > 0)
		st = take_all(d, t, v, n, &arena, err);
	arena_release(&arena);
	return st;
}
