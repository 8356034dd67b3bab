/* SPDX-License-Identifier: Apache-2.0 */
/* The handle: opening, closing, transactions. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"

/* A tenth of a second or two, so that a flush stays short. */
#define ROLL_ROWS 50000

enum rf_status
store_open(struct store **out, const char *path, enum store_mode mode,
    struct rf_error *err)
{
	enum rf_status st;
	struct store *s;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return rf_fail(err, RF_NOMEM, "%s: out of memory", path);
	s->mode = mode;
	s->roll_max = ROLL_ROWS;
	st = db_open(&s->db, path, mode == STORE_WRITE, err);
	if (st != RF_OK)
		goto out;
	(void)stat(sqlite3_db_filename(s->db, "main"), &s->file);
	st = db_prepare_all(s->db, s->stmt, err);
	if (st != RF_OK) {
		st = rf_wrap(err, st, "%s", path);
		goto out;
	}
	*out = s;
	s = NULL;
out:
	store_close(s);
	return st;
}

enum rf_status
store_in_place(struct store *s, struct rf_error *err)
{
	const char *path = sqlite3_db_filename(s->db, "main");
	struct stat now;

	if (s->file.st_nlink == 0)
		return RF_OK;
	if (stat(path, &now) != 0) {
		if (errno != ENOENT) /* a user who may not look there */
			return RF_OK;
	} else if (now.st_dev == s->file.st_dev &&
	    now.st_ino == s->file.st_ino) {
		return RF_OK;
	}
	return rf_fail(err, RF_IO,
	    "database: it was removed or renamed while in use; put it back, "
	    "or start the command again");
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_ids_release(&s->put);
	store_indices_release(&s->got);
	for (size_t i = 0; i < SQL_QUERY_COUNT; i++)
		(void)sqlite3_finalize(s->stmt[i]);
	(void)sqlite3_close(s->db);
	free(s);
}

void
store_ids_release(struct store_ids *ids)
{
	free(ids->nodes);
	free(ids->workloads);
	free(ids->pods);
	free(ids->services);
	*ids = (struct store_ids){ 0 };
}

void
store_indices_release(struct store_indices *got)
{
	id_map_release(&got->nodes);
	id_map_release(&got->workloads);
	id_map_release(&got->pods);
	id_map_release(&got->services);
	*got = (struct store_indices){ 0 };
}

/* SQLite ends a transaction by itself when the disk is full or fails. */
static bool
tx_is_lost(const struct store *s)
{
	return s->in_tx && (s->spoiled || sqlite3_get_autocommit(s->db) != 0);
}

/* A ROLLBACK that found no memory is made up for first. */
static enum rf_status
begin(struct store *s, const char *sql, struct rf_error *err)
{
	enum rf_status st;

	if (sqlite3_get_autocommit(s->db) == 0 &&
	    (st = db_exec(s->db, "ROLLBACK", err)) != RF_OK)
		return st;
	s->spoiled = false;
	return db_exec(s->db, sql, err);
}

static enum rf_status
fail_lost(struct rf_error *err)
{
	return rf_fail(err, RF_IO,
	    "database: the transaction was lost to an earlier error");
}

enum rf_status
store_begin(struct store *s, struct rf_error *err)
{
	enum rf_status st;

	if (s->in_tx)
		return rf_fail(
		    err, RF_INVAL, "database: a transaction is open already");
	s->snapshot = false;
	st =
	    begin(s, s->mode == STORE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
	s->in_tx = st == RF_OK;
	s->put.in_tx = false;
	return st;
}

enum rf_status
store_commit(struct store *s, struct rf_error *err)
{
	enum rf_status st;

	if (!s->in_tx)
		return rf_fail(
		    err, RF_INVAL, "database: no transaction is open");
	st = tx_is_lost(s) ? fail_lost(err) : db_exec(s->db, "COMMIT", err);
	if (st != RF_OK)
		return st;
	s->in_tx = false;
	s->put.in_tx = false;
	return RF_OK;
}

void
store_rollback(struct store *s)
{
	if (!s->in_tx)
		return;
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->in_tx = false;
	if (s->put.in_tx)
		store_ids_release(&s->put);
}

uint64_t
store_work(struct store *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SQL_QUERY_COUNT; i++)
		n += (uint64_t)sqlite3_stmt_status(
		    s->stmt[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	return n;
}

enum rf_status
store_enter(struct store *s, struct rf_error *err)
{
	if (s->mode != STORE_WRITE)
		return rf_fail(err, RF_INVAL,
		    "database: opened for reading, cannot be written");
	if (tx_is_lost(s))
		return fail_lost(err);
	return s->in_tx ? db_exec(s->db, "SAVEPOINT put", err)
			: begin(s, "BEGIN IMMEDIATE", err);
}

enum rf_status
store_leave(struct store *s, enum rf_status st, struct rf_error *err)
{
	if (st == RF_OK)
		st = db_exec(s->db, s->in_tx ? "RELEASE put" : "COMMIT", err);
	if (st == RF_OK || sqlite3_get_autocommit(s->db) != 0)
		return st;
	/* What could not be taken back must not be committed. */
	s->spoiled = sqlite3_exec(s->db,
			 s->in_tx ? "ROLLBACK TO put; RELEASE put" : "ROLLBACK",
			 NULL, NULL, NULL) != SQLITE_OK;
	return st;
}
