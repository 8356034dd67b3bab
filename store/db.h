/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: SQLite with this house's habits. Opens, checks and migrates a file,
 * prepares what sql/ holds, and turns SQLite's results into an rf_status.
 *
 * Private to store/. A statement that failed or ended is reset, and its
 * bindings, which are borrowed memory, are cleared before anyone returns.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/ip.h"
#include "sql.h" /* generated: enum sql_query, sql_query[] */

/* Open path, check that it is ours, and for write migrate it (store.h). */
RF_MUST_USE enum rf_status db_open(
    sqlite3 **out, const char *path, bool write, struct rf_error *err);

/* Write the journal back, so that the one file is all there is. */
RF_MUST_USE enum rf_status db_leave_wal(sqlite3 *db, struct rf_error *err);

/* Prepare every query of sql/query into stmt[SQL_QUERY_COUNT]. */
RF_MUST_USE enum rf_status db_prepare_all(
    sqlite3 *db, sqlite3_stmt **stmt, struct rf_error *err);

/* BEGIN, COMMIT, ROLLBACK, SAVEPOINT and PRAGMA; nothing else. */
RF_MUST_USE enum rf_status db_exec(
    sqlite3 *db, const char *sql, struct rf_error *err);

/* Record "what: SQLite's words" under the status that rc stands for. */
enum rf_status db_fail(
    sqlite3 *db, int rc, const char *what, struct rf_error *err);

/* Record that what is told does not hold together, and what to do. */
enum rf_status db_damaged(struct rf_error *err, const char *fmt, ...)
    RF_PRINTF(2, 3);

/* A statement that is being bound; the first failure sticks until it runs. */
struct db_stmt {
	sqlite3_stmt *stmt;
	int rc;
};

struct db_stmt db_stmt(sqlite3_stmt *stmt);
void db_bind_int(struct db_stmt *s, int at, int64_t value);
void db_bind_text(struct db_stmt *s, int at, const char *text); /* NULL: "" */
void db_bind_ip(struct db_stmt *s, int at, const struct ip_addr *ip);
void db_bind_blob(struct db_stmt *s, int at, const void *blob, size_t size);
void db_bind_null(struct db_stmt *s, int at);

/* Run to its end. what names the object for the error's text. */
RF_MUST_USE enum rf_status db_run(
    struct db_stmt *s, const char *what, struct rf_error *err);

/* Next row, or *row is false and the statement is reset. */
RF_MUST_USE enum rf_status db_row(
    struct db_stmt *s, bool *row, const char *what, struct rf_error *err);

/* Reset and clear; after leaving a loop of db_row early. */
void db_end(struct db_stmt *s);

/*
 * Column values; text is never NULL and borrowed until the next row. A value
 * that the schema forbids reads as 0, "" or ::, and the row is damaged: the
 * next db_row fails, and db_check before that.
 */
int64_t db_int(struct db_stmt *s, int col); /* 0 where it is NULL */
uint64_t db_uint(struct db_stmt *s, int col, uint64_t max); /* 0 to max */
uint8_t db_protocol(struct db_stmt *s, int col);
bool db_bool(struct db_stmt *s, int col);
/* When something was seen: from the epoch on, up to where the difference of two
 * and a bit more do not overflow. */
#define DB_TIME_MAX (INT64_MAX / 4)
int64_t db_time(struct db_stmt *s, int col);
/* One that is not before from_us; and for what may go on: also TIME_MAX_US. */
int64_t db_last(struct db_stmt *s, int col, int64_t from_us);
int64_t db_end_of(struct db_stmt *s, int col, int64_t from_us);
const char *db_text(struct db_stmt *s, int col);
struct ip_addr db_ip(struct db_stmt *s, int col);
const void *db_blob(struct db_stmt *s, int col, size_t *size); /* or NULL */

/* Was what was read of this row as it may be? For the only row of a query:
 * reset in either case. */
RF_MUST_USE enum rf_status db_check(
    struct db_stmt *s, const char *what, struct rf_error *err);

#endif
