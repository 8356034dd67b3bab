/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of windows that have not begun came by a clock that was wrong. While
 * the totals reach as far as these, all that comes later would be written
 * twice, as a row and into a total: so they go back to now, and those windows
 * are younger again.
 */
#include "store/total.h"

static enum rf_status
rewind_totals(struct store *s, int64_t now_us, struct rf_error *err)
{
	struct db_stmt clear = store_stmt(s, SQL_TOTAL_CLEAR);
	struct db_stmt state = store_stmt(s, SQL_STATE_ROLLED);
	enum rf_status st;
	int64_t newest_us;

	if ((st = total_newest(s, now_us, &newest_us, err)) != RF_OK ||
	    (st = db_run(&clear, "clear the totals", err)) != RF_OK)
		return st;
	db_bind_int(&state, 1, INT64_MIN);
	if ((st = db_run(&state, "write the state", err)) != RF_OK)
		return st;
	return total_roll(s, INT64_MIN, newest_us, s->roll_max, err);
}

enum rf_status
store_rewind(struct store *s, int64_t now_us, struct rf_error *err)
{
	enum rf_status st = store_enter(s, err);
	struct store_state state;

	if (st != RF_OK)
		return st;
	st = state_get(s, &state, err);
	if (st == RF_OK && state.rolled_us > now_us)
		st = rewind_totals(s, now_us, err);
	return store_leave(s, st, err);
}
