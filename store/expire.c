/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: what is old goes, in an order in which nothing dangles. */
#include "store/internal.h"

static const struct {
	enum sql_query query;
	bool timed; /* ?1 is the time */
	const char *what;
} steps[] = {
	{ SQL_EXPIRE_FLOWS, true, "expire flows" },
	{ SQL_EXPIRE_NAMES, true, "expire names" },
	{ SQL_EXPIRE_COVERAGE, true, "expire coverage" },
	{ SQL_EXPIRE_ENDPOINTS, false, "expire endpoints" },
	{ SQL_EXPIRE_BACKENDS, true, "expire backends" },
	{ SQL_EXPIRE_PODS, true, "expire pods" },
};

enum rf_status
store_expire(struct store *s, int64_t before_us, struct rf_error *err)
{
	enum rf_status st = store_enter(s, err);

	if (st != RF_OK)
		return st;
	for (size_t i = 0; st == RF_OK && i < sizeof(steps) / sizeof(steps[0]);
	     i++) {
		struct db_stmt q = store_stmt(s, steps[i].query);

		if (steps[i].timed)
			db_bind_int(&q, 1, before_us);
		st = db_run(&q, steps[i].what, err);
	}
	/* Row ids of pods may be gone. */
	store_ids_release(&s->put);
	return store_leave(s, st, err);
}
