/* SPDX-License-Identifier: Apache-2.0 */
/*
 * total: flows added up over windows (table flow_total), which whoever writes
 * or deletes rows of the table flow keeps in the same transaction.
 *
 * Windows before state.rolled_us are in the totals, each of their rows once;
 * younger ones are not, so that a window which still fills costs nothing more.
 * What was seen in all is hence the totals and the rows from rolled_us on.
 *
 * Private to store/. A struct flow here holds row ids: src, dst, seen_src and
 * service (0: none) as the database knows them.
 */
#ifndef STORE_TOTAL_H
#define STORE_TOTAL_H

#include "store/internal.h"

/* The one row of the table state. */
struct store_state {
	bool has_policies;
	int64_t lead_us, span_us; /* how far flows reach out of windows */
	int64_t rolled_us;
};

RF_MUST_USE enum rf_status state_get(
    struct store *s, struct store_state *out, struct rf_error *err);

/* A row that begins with the columns of flow_list; window_us is 0. */
struct flow flow_of_row(struct db_stmt *q);

/* Bind the nine columns of a total's key, from ?1 on. */
void flow_bind_key(struct db_stmt *q, const struct flow *f);

/* The newest window that begins by until_us; INT64_MIN: there is none. */
RF_MUST_USE enum rf_status total_newest(
    struct store *s, int64_t until_us, int64_t *out, struct rf_error *err);

/*
 * Windows before newest_us are done: add those that were not added yet, the
 * oldest first, until max rows and what is left of a window were added. More
 * wait after a migration or when the clock was put back; s->is_behind then.
 */
RF_MUST_USE enum rf_status total_roll(struct store *s, int64_t rolled_us,
    int64_t newest_us, size_t max, struct rf_error *err);

/* What is to be taken off, with what that needs to know. */
struct total_subtract {
	struct store *s;
	struct store_state state;
	int64_t *windows; /* that have flows, up to rolled_us, ascending */
	size_t n_windows;
};

/* For rows that were deleted already; of the oldest windows. */
RF_MUST_USE enum rf_status total_subtract_begin(struct total_subtract *t,
    struct store *s, const struct store_state *state, int64_t from_us,
    struct rf_error *err);
RF_MUST_USE enum rf_status total_subtract(
    struct total_subtract *t, const struct flow *row, struct rf_error *err);
void total_subtract_end(struct total_subtract *t);

#endif
