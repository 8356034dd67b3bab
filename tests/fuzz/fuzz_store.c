/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_store: a database in which any values stand at any places, whatever the
 * schema forbids. It is read and written as commands and collectors do: either
 * it is refused, or what comes out could have been written.
 *
 * An input is up to eight changes, each four bytes and a value: the column (of
 * all tables), of which row, the value's kind, its length.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/support/store_world.h"

#define COLUMNS_MAX 256
#define CHANGES_MAX 8
#define ROWS_ALL    255 /* not of one row, but of all */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct store *store;
static struct world world;
static struct column {
	char table[32], name[32];
} columns[COLUMNS_MAX];
static size_t n_columns;

static void
build_store(void)
{
	static const char sql[] =
	    "SELECT m.name, c.name FROM sqlite_master AS m, "
	    "pragma_table_info(m.name) AS c WHERE m.type = 'table' "
	    "ORDER BY m.rowid, c.cid";
	sqlite3_stmt *q = NULL;

	if (store != NULL)
		return;
	store = store_world_new(&world);
	store_world_spoil(store);
	store_world_must(
	    sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) == SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		struct column *c = &columns[n_columns++];

		store_world_must(n_columns < COLUMNS_MAX);
		(void)snprintf(c->table, sizeof(c->table), "%s",
		    (const char *)sqlite3_column_text(q, 0));
		(void)snprintf(c->name, sizeof(c->name), "%s",
		    (const char *)sqlite3_column_text(q, 1));
	}
	(void)sqlite3_finalize(q);
}

static int64_t
number_of(const uint8_t *v, size_t n)
{
	uint64_t x = n > 0 && v[0] >= 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n && i < 8; i++)
		x = x << 8 | v[i];
	return (int64_t)x;
}

static void
bind(sqlite3_stmt *q, uint8_t kind, const uint8_t *v, size_t n)
{
	if (kind % 4 == 0)
		(void)sqlite3_bind_int64(q, 1, number_of(v, n));
	else if (kind % 4 == 1)
		(void)sqlite3_bind_text(
		    q, 1, (const char *)v, (int)n, SQLITE_STATIC);
	else if (kind % 4 == 2)
		(void)sqlite3_bind_blob(q, 1, v, (int)n, SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(q, 1);
}

/* What the table's types do not take stays as it is. */
static void
change(const uint8_t head[4], const uint8_t *v, size_t n)
{
	const struct column *c = &columns[head[0] % n_columns];
	sqlite3_stmt *q = NULL;
	char sql[512];

	if (head[1] == ROWS_ALL)
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE OR REPLACE %s SET %s = ?1", c->table, c->name);
	else if (head[1] == ROWS_ALL - 1)
		(void)snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s = ?1",
		    c->table, c->name);
	else
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE OR REPLACE %s SET %s = ?1 WHERE %s = (SELECT %s "
		    "FROM %s ORDER BY %s LIMIT 1 OFFSET %u)",
		    c->table, c->name, c->name, c->name, c->table, c->name,
		    head[1] % 8u);
	if (sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) == SQLITE_OK) {
		bind(q, head[2], v, n);
		(void)sqlite3_step(q);
	}
	(void)sqlite3_finalize(q);
}

static void
change_all(const uint8_t *data, size_t size)
{
	size_t n;

	for (int i = 0; i < CHANGES_MAX && size >= 4; i++) {
		n = data[3] < size - 4 ? data[3] : size - 4;
		change(data, data + 4, n);
		data += 4 + n;
		size -= 4 + n;
	}
}

static void
check_reason(enum rf_status st, const struct rf_error *err)
{
	store_world_must(st == RF_OK || *err->msg != '\0');
}

static void
expire_all(int64_t before_us)
{
	bool more = true;

	for (int i = 0; i < 6 && more; i++)
		if (store_expire(store, before_us, 3, &more, NULL) != RF_OK)
			break;
}

/* As a collector that goes on with it, and keeps nothing for long: first what
 * the totals have more of, then with a clock that was put back. */
static void
write_on(void)
{
	const int64_t hour_us = 3600000000;

	(void)!store_world_put(store, &world);
	expire_all(STORE_WORLD_US + hour_us);
	(void)!store_rewind(store, STORE_WORLD_US + hour_us, NULL);
	expire_all(STORE_WORLD_US + 3 * hour_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rf_error err = { 0 };
	enum rf_status st;

	build_store();
	store_world_must(store_begin(store, &err) == RF_OK);
	change_all(data, size);
	st = store_world_read(store, &err);
	check_reason(st, &err);
	write_on();
	st = store_world_read(store, &err);
	check_reason(st, &err);
	store_rollback(store);
	return 0;
}
