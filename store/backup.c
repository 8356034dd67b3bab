/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"

/*
 * Bytes 18 and 19 of a file say how it is written and read: 2 is WAL, 1 a
 * file by itself (sqlite.org/fileformat2.html#file_format_version_numbers).
 */
#define VERSIONS_AT 18

static enum rf_status
copy_pages(sqlite3 *to, sqlite3 *from, struct rf_error *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int step, rc;

	if (b == NULL)
		return db_fail(to, sqlite3_errcode(to), "copy", err);
	/* All pages in one step are those of one moment. */
	step = sqlite3_backup_step(b, -1);
	rc = sqlite3_backup_finish(b);
	if (rc == SQLITE_OK && step != SQLITE_DONE)
		rc = step; /* busy: finish() does not call that a failure */
	return rc == SQLITE_OK ? RF_OK : db_fail(to, rc, "copy", err);
}

/*
 * The copy is a file by itself. What SQLite read of it before is forgotten:
 * that says otherwise.
 */
static enum rf_status
stand_alone(int fd, sqlite3 *db, struct rf_error *err)
{
	static const unsigned char alone[] = { 1, 1 };

	(void)sqlite3_db_release_memory(db);
	if (pwrite(fd, alone, sizeof(alone), VERSIONS_AT) ==
	    (ssize_t)sizeof(alone))
		return RF_OK;
	return rf_fail(err, RF_IO, "copy: %s", strerror(errno));
}

/* SQLite's first finding: a line, sometimes below one that names the file. */
static enum rf_status
found_damage(const char *found, struct rf_error *err)
{
	const char *line = strchr(found, '\n');

	return db_damaged(err, "%.200s", line != NULL ? line + 1 : found);
}

/*
 * What is damaged must not take the place of a copy that is not. Asked of the
 * copy, for SQLite looks at the bounds of values only where it may write.
 */
static enum rf_status
check_whole(sqlite3 *db, struct rf_error *err)
{
	sqlite3_stmt *q = NULL;
	enum rf_status st = RF_OK;
	const char *found;
	int rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc != SQLITE_ROW)
		st = db_fail(db, rc, "check the copy", err);
	else if ((found = (const char *)sqlite3_column_text(q, 0)) == NULL)
		st = rf_fail(err, RF_NOMEM, "check the copy: out of memory");
	else if (strcmp(found, "ok") != 0)
		st = found_damage(found, err);
	(void)sqlite3_finalize(q);
	return st;
}

/* The file has no name by then, so nothing may ask for one: no journal. */
static enum rf_status
copy_into(int fd, const char *name, sqlite3 *from, struct rf_error *err)
{
	sqlite3 *to = NULL;
	enum rf_status st = RF_OK;
	int rc = sqlite3_open_v2(
	    name, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	(void)unlink(name);
	if (rc != SQLITE_OK)
		st = rf_fail(err, RF_IO, "copy: %s", sqlite3_errstr(rc));
	if (st == RF_OK)
		st = db_exec(to,
		    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
	if (st == RF_OK)
		st = copy_pages(to, from, err);
	if (st == RF_OK)
		st = stand_alone(fd, to, err);
	if (st == RF_OK)
		st = check_whole(to, err);
	rc = sqlite3_close(to);
	if (st == RF_OK && rc != SQLITE_OK)
		st = rf_fail(err, RF_IO, "copy: %s", sqlite3_errstr(rc));
	return st;
}

enum rf_status
store_backup(int *fd, const char *path, struct rf_error *err)
{
	static const char tail[] = ".copy-XXXXXX";
	size_t size = strlen(path) + sizeof(tail);
	char *name = malloc(size);
	sqlite3 *from = NULL;
	enum rf_status st;

	*fd = -1;
	if (name == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	if ((st = db_open(&from, path, false, err)) != RF_OK)
		goto out;
	(void)snprintf(name, size, "%s%s", path, tail);
	*fd = mkstemp(name);
	if (*fd < 0) {
		st = rf_fail(
		    err, RF_IO, "a copy beside %s: %s", path, strerror(errno));
		goto out;
	}
	st = copy_into(*fd, name, from, err);
	if (st == RF_OK && lseek(*fd, 0, SEEK_SET) != 0)
		st = rf_fail(err, RF_IO, "copy: %s", strerror(errno));
	if (st != RF_OK) {
		(void)close(*fd);
		*fd = -1;
		st = rf_wrap(err, st, "%s", path);
	}
out:
	(void)sqlite3_close(from);
	free(name);
	return st;
}
