/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID 1380338775 /* "RFLW"; sql/migration/0001 sets it */
#define BUSY_MS        5000
#define WAL_BYTES      "8388608"              /* two checkpoints of it */
#define URI_MAX        ((size_t)3 * PATH_MAX) /* all of it escaped */

static enum rf_status
status_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return RF_OK;
	case SQLITE_NOMEM:
		return RF_NOMEM;
	case SQLITE_CORRUPT:
		return RF_CORRUPT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
		return RF_INVAL;
	default:
		return RF_IO;
	}
}

/* SQLite says "corrupt" also where the disk cannot be read. */
static const char damaged[] =
    "the database is damaged, or its disk fails; restore a copy, or save "
    "what is left with: sqlite3 FILE .recover";

enum rf_status
db_damaged(struct rf_error *err, const char *fmt, ...)
{
	struct rf_error what;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what.msg, sizeof(what.msg), fmt, ap);
	va_end(ap);
	return rf_fail(err, RF_CORRUPT, "%.300s: %s", what.msg, damaged);
}

/* What surprises in a container, where capabilities are dropped. */
static const char *
about_root(void)
{
	return geteuid() == 0 ? "; root without the capability DAC_OVERRIDE "
				"writes only what is root's own: chown it"
			      : "";
}

enum rf_status
db_fail(sqlite3 *db, int rc, const char *what, struct rf_error *err)
{
	const char *why = sqlite3_errmsg(db);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		why = "another process writes to the database; try again, or "
		      "stop it";
		break;
	case SQLITE_NOTADB:
		why = "the file is not an SQLite database; give another path";
		break;
	case SQLITE_CORRUPT:
		why = damaged;
		break;
	case SQLITE_READONLY:
		return rf_fail(err, status_of(rc),
		    "%s: the file or its directory cannot be written, and "
		    "SQLite keeps -wal and -shm files there even to read; "
		    "copy the database elsewhere%s",
		    what, about_root());
	case SQLITE_CONSTRAINT:
		/* where memory lacks it says of good JSON that it is none */
		if (strstr(why, "json_valid") != NULL)
			break;
		return rf_fail(
		    err, status_of(rc), "%s: %.200s: %s", what, why, damaged);
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_NOMEM:
		why = sqlite3_errstr(rc);
		break;
	case SQLITE_CANTOPEN: /* a file beside it */
	case SQLITE_IOERR:
		return rf_fail(err, status_of(rc), "%s: %s: %s", what, why,
		    strerror(sqlite3_system_errno(db)));
	default:
		break;
	}
	return rf_fail(err, status_of(rc), "%s: %s", what, why);
}

enum rf_status
db_exec(sqlite3 *db, const char *sql, struct rf_error *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? RF_OK : db_fail(db, rc, "database", err);
}

/* The single number that a PRAGMA or a count answers. */
static int
ask(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW)
			*out = sqlite3_column_int64(s, 0);
		else if (rc == SQLITE_DONE)
			rc = SQLITE_ERROR;
	}
	(void)sqlite3_finalize(s);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* What a file says of itself. schema_version 0: nothing was ever created. */
struct identity {
	int64_t application_id, user_version, schema_version;
};

static enum rf_status
read_identity(sqlite3 *db, struct identity *id, struct rf_error *err)
{
	int rc = ask(db, "PRAGMA application_id", &id->application_id);

	if (rc == SQLITE_OK)
		rc = ask(db, "PRAGMA user_version", &id->user_version);
	if (rc == SQLITE_OK)
		rc = ask(db, "PRAGMA schema_version", &id->schema_version);
	return rc == SQLITE_OK ? RF_OK : db_fail(db, rc, "read", err);
}

/*
 * The same outside of a transaction: in one, or half of what is read was said
 * before another process made the database, and half after.
 */
static enum rf_status
read_identity_at_once(sqlite3 *db, struct identity *id, struct rf_error *err)
{
	enum rf_status st;

	if ((st = db_exec(db, "BEGIN", err)) != RF_OK)
		return st;
	if ((st = read_identity(db, id, err)) != RF_OK)
		return st; /* the handle is closed, and this ends with it */
	return db_exec(db, "COMMIT", err);
}

/* Is it ours, or may it become ours? Says so without touching the file. */
static enum rf_status
check_identity(const struct identity *id, bool write, struct rf_error *err)
{
	bool empty = id->application_id == 0 && id->user_version == 0 &&
	    id->schema_version == 0;

	if (empty && write)
		return RF_OK;
	if (empty)
		return rf_fail(err, RF_CORRUPT,
		    "the database is empty; fill it with ringfence collect");
	if (id->application_id != APPLICATION_ID)
		return rf_fail(err, RF_CORRUPT,
		    "an SQLite database, but not one of ringfence "
		    "(application_id %lld); give another path",
		    (long long)id->application_id);
	if (id->user_version > SQL_MIGRATION_COUNT)
		return rf_fail(err, RF_VERSION,
		    "written by a newer ringfence (schema %lld, this one "
		    "speaks %d); upgrade ringfence",
		    (long long)id->user_version, SQL_MIGRATION_COUNT);
	if (id->user_version < 1)
		return rf_fail(err, RF_CORRUPT,
		    "a database of ringfence without a schema version "
		    "(user_version %lld)",
		    (long long)id->user_version);
	return RF_OK;
}

/* The version is read again under the lock: somebody may have been faster. */
static enum rf_status
migrate(sqlite3 *db, struct rf_error *err)
{
	struct identity id = { 0 };
	enum rf_status st;
	int rc;

	if ((st = db_exec(db, "BEGIN IMMEDIATE", err)) != RF_OK)
		return st;
	if ((st = read_identity(db, &id, err)) != RF_OK)
		goto out;
	if ((st = check_identity(&id, true, err)) != RF_OK)
		goto out;
	for (int64_t i = id.user_version; i < SQL_MIGRATION_COUNT; i++) {
		rc = sqlite3_exec(db, sql_migration[i], NULL, NULL, NULL);
		if (rc == SQLITE_ERROR) {
			/* ALTER TABLE checks the rows, and says "CHECK
			 * constraint failed" of those that it could not. */
			st = rf_fail(err, RF_CORRUPT,
			    "migrate: %s (a damaged database, or out of "
			    "memory)",
			    sqlite3_errmsg(db));
			goto out;
		}
		if (rc != SQLITE_OK) {
			st = db_fail(db, rc, "migrate", err);
			goto out;
		}
	}
	st = db_exec(db, "COMMIT", err);
out:
	if (st != RF_OK)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Where two change the mode of a new file at once, SQLite tells one that it is
 * busy without asking the handler that waits: so we wait.
 */
static int
step_when_free(sqlite3_stmt *s)
{
	int64_t until = monotonic_ms() + BUSY_MS;
	int rc;

	while (((rc = sqlite3_step(s)) & 0xff) == SQLITE_BUSY &&
	    monotonic_ms() < until) {
		(void)sqlite3_reset(s);
		(void)sqlite3_sleep(10);
	}
	return rc;
}

/* WAL lets readers proceed; :memory: knows no WAL and needs none. */
static enum rf_status
set_wal(sqlite3 *db, struct rf_error *err)
{
	sqlite3_stmt *s = NULL;
	enum rf_status st = RF_OK;
	const char *mode;
	int rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = step_when_free(s);
	if (rc != SQLITE_ROW) {
		st = db_fail(db, rc, "journal_mode", err);
		goto out;
	}
	mode = (const char *)sqlite3_column_text(s, 0);
	if (mode == NULL ||
	    (strcmp(mode, "wal") != 0 && strcmp(mode, "memory") != 0))
		st = rf_fail(err, RF_IO,
		    "the file system cannot hold a database in WAL mode "
		    "(journal_mode stays %s); use a local disk",
		    mode != NULL ? mode : "unknown");
out:
	(void)sqlite3_finalize(s);
	return st;
}

enum rf_status
db_leave_wal(sqlite3 *db, struct rf_error *err)
{
	sqlite3_stmt *s = NULL;
	enum rf_status st = RF_OK;
	const char *mode = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=DELETE", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		mode = (const char *)sqlite3_column_text(s, 0);
	if (rc != SQLITE_ROW)
		st = db_fail(db, rc, "complete", err);
	else if (mode == NULL || strcmp(mode, "wal") == 0)
		st = rf_fail(
		    err, RF_IO, "complete: the journal cannot be written back");
	(void)sqlite3_finalize(s);
	return st;
}

static bool
is_out_of_files(sqlite3 *db)
{
	int why = sqlite3_system_errno(db);

	return why == EMFILE || why == ENFILE;
}

/* Is there a directory that the file is, or would be, in? */
static bool
has_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[PATH_MAX];
	struct stat sb;

	if (slash == NULL || (size_t)(slash - path) >= sizeof(name))
		return true;
	(void)snprintf(name, sizeof(name), "%.*s/", (int)(slash - path), path);
	return stat(name, &sb) == 0 || errno != ENOENT;
}

/* SQLite only says "unable to open database file". */
static enum rf_status
fail_open(
    sqlite3 *db, int rc, const char *path, bool write, struct rf_error *err)
{
	struct stat sb;

	if ((rc & 0xff) != SQLITE_CANTOPEN)
		return db_fail(db, rc, "open", err);
	if (is_out_of_files(db))
		return rf_fail(err, RF_IO, "open: %s", strerror(EMFILE));
	if (stat(path, &sb) != 0 && !(write && errno == ENOENT))
		return rf_fail(err, RF_IO, "open: %s%s", strerror(errno),
		    write ? "" : "; fill one with ringfence collect");
	if (!has_folder(path))
		return rf_fail(err, RF_IO, "open: there is no such directory");
	return rf_fail(err, RF_IO,
	    "open: the file, or the -wal and -shm files that SQLite keeps "
	    "beside it, cannot be opened; check the directory's permissions%s",
	    about_root());
}

/*
 * An older schema is read as if it were this one, by tables and views of this
 * connection alone: the file may be one that cannot be written, or that its
 * older program still writes.
 */
static enum rf_status
configure_read(sqlite3 *db, int64_t version, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	if (version < SQL_MIGRATION_COUNT)
		st = db_exec(db, "PRAGMA temp_store=MEMORY", err);
	for (int64_t i = version; i < SQL_MIGRATION_COUNT && st == RF_OK; i++)
		st = db_exec(db, sql_reading[i - 1], err);
	return st != RF_OK ? st : db_exec(db, "PRAGMA query_only=ON", err);
}

static enum rf_status
configure_write(sqlite3 *db, struct rf_error *err)
{
	enum rf_status st;

	if ((st = set_wal(db, err)) != RF_OK)
		return st;
	if ((st = db_exec(db, "PRAGMA synchronous=NORMAL", err)) != RF_OK)
		return st;
	if ((st = db_exec(db, "PRAGMA foreign_keys=ON", err)) != RF_OK)
		return st;
	/* What a reader that took long made of the -wal file goes again. */
	st = db_exec(db, "PRAGMA journal_size_limit=" WAL_BYTES, err);
	if (st != RF_OK)
		return st;
	if ((st = migrate(db, err)) != RF_OK)
		return st;
	(void)sqlite3_db_config(
	    db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	return RF_OK;
}

static bool
is_absent(const char *path, const char *suffix, bool or_empty)
{
	char name[PATH_MAX];
	struct stat sb;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >=
	    (int)sizeof(name))
		return false;
	return stat(name, &sb) != 0 ? errno == ENOENT
				    : or_empty && sb.st_size == 0;
}

/*
 * Can nobody write the file, as on media that are read only, and is it all
 * there is? Only then may SQLite read it without a -shm file beside it. Where
 * there is one, another mount of the same files may be one that can write.
 */
static bool
is_frozen(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0 &&
	    is_absent(path, "-wal", true) && is_absent(path, "-shm", false);
}

/* The URI of a file that does not change; anything that is not plain in a path
 * is escaped (sqlite.org/uri.html). false: it is too long. */
static bool
frozen_uri(const char *path, char uri[static URI_MAX])
{
	static const char plain[] = "/.-_";
	size_t n = (size_t)snprintf(uri, URI_MAX, "file:");

	for (; *path != '\0' && n + 4 < URI_MAX; path++) {
		unsigned char c = (unsigned char)*path;

		if (isascii(c) && (isalnum(c) || strchr(plain, c) != NULL))
			uri[n++] = (char)c;
		else
			n += (size_t)snprintf(uri + n, 4, "%%%02X", c);
	}
	return *path == '\0' &&
	    snprintf(uri + n, URI_MAX - n, "?immutable=1") < (int)(URI_MAX - n);
}

/*
 * A database says who talks to whom, so one that is made is its owner's alone
 * to read; the files that SQLite keeps beside it are as it is. One that is
 * there is left as it is, and not even opened: to close it would end locks.
 */
static void
make_private(const char *path)
{
	int fd;

	if (*path == '\0' || strcmp(path, ":memory:") == 0)
		return;
	fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd >= 0)
		(void)close(fd);
}

/* A pipe would never open, and of a device SQLite says what is not so. */
static enum rf_status
check_kind(const char *path, struct rf_error *err)
{
	struct stat sb;

	if (stat(path, &sb) != 0 || S_ISREG(sb.st_mode))
		return RF_OK;
	return rf_fail(err, RF_IO, "open: %s; give another path",
	    S_ISDIR(sb.st_mode) ? "is a directory" : "is no file");
}

/* A handle that belongs to one thread; *out is to be closed, whatever comes of
 * it. */
static enum rf_status
open_handle(sqlite3 **out, const char *path, bool write, struct rf_error *err)
{
	int flags = SQLITE_OPEN_NOMUTEX |
	    (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		   : SQLITE_OPEN_READONLY);
	char uri[URI_MAX];
	int rc;

	if (write)
		make_private(path);
	if (!write && is_frozen(path) && frozen_uri(path, uri))
		rc = sqlite3_open_v2(uri, out, flags | SQLITE_OPEN_URI, NULL);
	else
		rc = sqlite3_open_v2(path, out, flags, NULL);
	if (*out == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	if (rc != SQLITE_OK)
		return fail_open(*out, rc, path, write, err);
	(void)sqlite3_extended_result_codes(*out, 1);
	(void)sqlite3_busy_timeout(*out, BUSY_MS);
	/* Until it is known to be ours, closing must not change the file. */
	(void)sqlite3_db_config(
	    *out, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	return RF_OK;
}

enum rf_status
db_open(sqlite3 **out, const char *path, bool write, struct rf_error *err)
{
	struct identity id = { 0 };
	sqlite3 *db = NULL;
	enum rf_status st;
	int rc;

	*out = NULL;
	if ((st = check_kind(path, err)) != RF_OK ||
	    (st = open_handle(&db, path, write, err)) != RF_OK)
		goto out;
	rc = ask(db, "PRAGMA schema_version", &id.schema_version);
	if ((rc & 0xff) == SQLITE_CANTOPEN) {
		st = fail_open(db, rc, path, write, err);
		goto out;
	}
	if ((st = read_identity_at_once(db, &id, err)) != RF_OK)
		goto out;
	if ((st = check_identity(&id, write, err)) != RF_OK)
		goto out;
	st = write ? configure_write(db, err)
		   : configure_read(db, id.user_version, err);
	if (st != RF_OK)
		goto out;
	*out = db;
	db = NULL;
out:
	(void)sqlite3_close(db);
	return st == RF_OK ? RF_OK : rf_wrap(err, st, "%s", path);
}

enum rf_status
db_prepare_all(sqlite3 *db, sqlite3_stmt **stmt, struct rf_error *err)
{
	int rc;

	for (size_t i = 0; i < SQL_QUERY_COUNT; i++) {
		rc = sqlite3_prepare_v3(db, sql_query[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &stmt[i], NULL);
		if (rc == SQLITE_ERROR) /* a table or column is not there */
			return db_damaged(err, "%s: %s", sql_query_name[i],
			    sqlite3_errmsg(db));
		if (rc != SQLITE_OK)
			return db_fail(db, rc, sql_query_name[i], err);
	}
	return RF_OK;
}
