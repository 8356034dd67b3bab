/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back a database that was made for nothing. */
#include <unistd.h>

#include "store/internal.h"

/* Whatever is put comes with its coverage. */
static bool
is_empty(struct store *s)
{
	struct db_stmt q = store_stmt(s, SQL_COVERAGE_ANY);
	enum rf_status st;
	bool row;

	st = db_row(&q, &row, "look for coverage", NULL);
	db_end(&q);
	return st == RF_OK && !row;
}

/* Nobody else has it open: only then does SQLite leave WAL mode. */
static bool
is_alone(struct store *s)
{
	if (s->in_tx ||
	    db_exec(s->db, "PRAGMA journal_mode=DELETE", NULL) != RF_OK)
		return false;
	return db_exec(s->db, "BEGIN EXCLUSIVE", NULL) == RF_OK;
}

void
store_discard(struct store *s)
{
	const char *path;

	if (s == NULL)
		return;
	path = sqlite3_db_filename(s->db, "main");
	if (s->mode == STORE_WRITE && path != NULL && is_alone(s) &&
	    is_empty(s))
		(void)unlink(path); /* while nobody can have begun with it */
	store_close(s);
}
