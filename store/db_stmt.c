/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: bound, run, and read column by column. */
#include <string.h>

#include "core/flow.h"
#include "store/db.h"

struct db_stmt
db_stmt(sqlite3_stmt *stmt)
{
	return (struct db_stmt){ .stmt = stmt, .rc = SQLITE_OK };
}

void
db_bind_int(struct db_stmt *s, int at, int64_t value)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_int64(s->stmt, at, value);
}

void
db_bind_text(struct db_stmt *s, int at, const char *text)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_text(
		    s->stmt, at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

void
db_bind_ip(struct db_stmt *s, int at, const struct ip_addr *ip)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_blob(
		    s->stmt, at, ip->b, sizeof(ip->b), SQLITE_STATIC);
}

void
db_bind_blob(struct db_stmt *s, int at, const void *blob, size_t size)
{
	if (s->rc == SQLITE_OK)
		s->rc =
		    sqlite3_bind_blob64(s->stmt, at, blob, size, SQLITE_STATIC);
}

void
db_bind_null(struct db_stmt *s, int at)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_null(s->stmt, at);
}

void
db_end(struct db_stmt *s)
{
	(void)sqlite3_reset(s->stmt);
	(void)sqlite3_clear_bindings(s->stmt);
	s->rc = SQLITE_OK;
}

enum rf_status
db_row(struct db_stmt *s, bool *row, const char *what, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	*row = false;
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_step(s->stmt);
	if (s->rc == SQLITE_ROW) {
		*row = true;
		s->rc = SQLITE_OK;
		return RF_OK;
	}
	if (s->rc != SQLITE_DONE)
		st = db_fail(sqlite3_db_handle(s->stmt), s->rc, what, err);
	db_end(s);
	return st;
}

enum rf_status
db_run(struct db_stmt *s, const char *what, struct rf_error *err)
{
	enum rf_status st;
	bool row;

	do
		st = db_row(s, &row, what, err);
	while (st == RF_OK && row);
	return st;
}

int64_t
db_int(struct db_stmt *s, int col)
{
	return sqlite3_column_int64(s->stmt, col);
}

static void
damaged(struct db_stmt *s, int rc)
{
	if (s->rc == SQLITE_OK)
		s->rc = rc;
}

uint64_t
db_uint(struct db_stmt *s, int col, uint64_t max)
{
	int64_t v = sqlite3_column_int64(s->stmt, col);

	if (v >= 0 && (uint64_t)v <= max)
		return (uint64_t)v;
	damaged(s, SQLITE_CORRUPT);
	return 0;
}

uint8_t
db_protocol(struct db_stmt *s, int col)
{
	uint8_t v = (uint8_t)db_uint(s, col, UINT8_MAX);

	if (flow_protocol_name(v) == NULL)
		damaged(s, SQLITE_CORRUPT);
	return v;
}

bool
db_bool(struct db_stmt *s, int col)
{
	return db_uint(s, col, 1) != 0;
}

int64_t
db_time(struct db_stmt *s, int col)
{
	return (int64_t)db_uint(s, col, DB_TIME_MAX);
}

int64_t
db_end_of(struct db_stmt *s, int col, int64_t from_us)
{
	int64_t us = sqlite3_column_int64(s->stmt, col);

	if (us >= from_us)
		return us;
	damaged(s, SQLITE_CORRUPT);
	return from_us;
}

int64_t
db_last(struct db_stmt *s, int col, int64_t from_us)
{
	(void)db_time(s, col);
	return db_end_of(s, col, from_us);
}

const char *
db_text(struct db_stmt *s, int col)
{
	int type = sqlite3_column_type(s->stmt, col);
	const char *text = (const char *)sqlite3_column_text(s->stmt, col);

	if (text != NULL)
		return text;
	damaged(s, type == SQLITE_NULL ? SQLITE_CORRUPT : SQLITE_NOMEM);
	return "";
}

struct ip_addr
db_ip(struct db_stmt *s, int col)
{
	const void *blob = sqlite3_column_blob(s->stmt, col);
	struct ip_addr ip = { { 0 } };

	if (blob != NULL &&
	    sqlite3_column_bytes(s->stmt, col) == (int)sizeof(ip.b))
		memcpy(ip.b, blob, sizeof(ip.b));
	else
		damaged(s, SQLITE_CORRUPT);
	return ip;
}

enum rf_status
db_check(struct db_stmt *s, const char *what, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	if (s->rc != SQLITE_OK)
		st = db_fail(sqlite3_db_handle(s->stmt), s->rc, what, err);
	db_end(s);
	return st;
}

const void *
db_blob(struct db_stmt *s, int col, size_t *size)
{
	const void *blob = sqlite3_column_blob(s->stmt, col);

	*size = blob == NULL ? 0 : (size_t)sqlite3_column_bytes(s->stmt, col);
	return blob;
}
