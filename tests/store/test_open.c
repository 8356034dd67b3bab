/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: files made, migrated, refused and left untouched; two handles at
 * once; a writer that is killed. Two that make one: test_open_race.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sql.h"
#include "store/store.h"
#include "tests/store/path_fixture.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) != RF_OK)                                           \
			fail_msg("%s: %s", #call, (f)->err.msg);               \
	} while (0)

static struct store *
open_store(struct fixture *f, enum store_mode mode)
{
	struct store *s;

	OK(f, store_open(&s, f->path, mode, &f->err));
	return s;
}

/* Run SQL on the file as some other program would. */
static void
run_sql(struct fixture *f, const char *sql)
{
	char *msg = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK)
		fail_msg("%s: %s", sql, msg);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The first column of the first row, as text in buf. */
static const char *
ask_sql(struct fixture *f, const char *sql, char *buf, size_t size)
{
	const unsigned char *text;
	sqlite3_stmt *q;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	text = sqlite3_column_text(q, 0);
	(void)snprintf(
	    buf, size, "%s", text != NULL ? (const char *)text : "NULL");
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	return buf;
}

static char *
read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct stat sb;
	char *data;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &sb), 0);
	*n = (size_t)sb.st_size;
	assert_non_null(data = malloc(*n + 1));
	assert_int_equal(fread(data, 1, *n, f), *n);
	(void)fclose(f);
	return data;
}

static void
put_one(struct fixture *f, struct store *s, uint16_t port)
{
	const struct endpoint ends[] = {
		{ ENDPOINT_EXTERNAL, { { 1 } }, 0, 0, 0 },
		{ ENDPOINT_EXTERNAL, { { 2 } }, 0, 0, 0 },
	};
	const struct flow flow = { .dst = 1,
		.service = FLOW_NONE,
		.port = port,
		.protocol = FLOW_TCP,
		.connections = 1 };

	OK(f, store_put_flows(s, ends, 2, &flow, 1, &f->err));
}

static size_t
count_flows(struct fixture *f, struct store *s)
{
	struct arena arena = { 0 };
	struct flow_set set;
	struct cluster *c;

	OK(f, store_get_cluster(s, &c, &f->err));
	OK(f, store_get_flows(s, c, NULL, &arena, &set, &f->err));
	cluster_free(c);
	arena_release(&arena);
	return set.n_flows;
}

static void
test_made_from_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char have[64], want[64];

	put_one(f, s, 80);
	store_close(s);
	(void)snprintf(want, sizeof(want), "%d", SQL_MIGRATION_COUNT);
	assert_string_equal(
	    ask_sql(f, "PRAGMA user_version", have, sizeof(have)), want);
	assert_string_equal(
	    ask_sql(f, "PRAGMA application_id", have, sizeof(have)),
	    "1380338775");
	assert_string_equal(
	    ask_sql(f, "PRAGMA journal_mode", have, sizeof(have)), "wal");
	assert_string_equal(
	    ask_sql(f, "PRAGMA integrity_check", have, sizeof(have)), "ok");
	s = open_store(f, STORE_WRITE); /* and again: nothing to migrate */
	assert_int_equal(count_flows(f, s), 1);
	store_close(s);
	s = open_store(f, STORE_READ);
	assert_int_equal(count_flows(f, s), 1);
	store_close(s);
}

static void
test_empty_file_is_taken(void **state)
{
	struct fixture *f = *state;
	struct store *s;
	FILE *file = fopen(f->path, "wb");

	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(
	    store_open(&s, f->path, STORE_READ, &f->err), RF_CORRUPT);
	assert_non_null(strstr(f->err.msg, "empty"));
	s = open_store(f, STORE_WRITE);
	put_one(f, s, 80);
	store_close(s);
}

/* clang-format off */
static const struct refuse_case {
	const char *name;
	bool ours;       /* made by us before sql runs */
	const char *sql; /* NULL: text is the whole file */
	const char *text;
	enum rf_status want;
	const char *says;
} refuse_cases[] = {
	{ "newer", true, "PRAGMA user_version = 9999", NULL, RF_VERSION,
	    "newer" },
	{ "other application", true, "PRAGMA application_id = 7", NULL,
	    RF_CORRUPT, "not one of ringfence" },
	{ "no application id", false, "CREATE TABLE t (a); "
	    "INSERT INTO t VALUES (1)", NULL, RF_CORRUPT,
	    "not one of ringfence" },
	{ "no table but a version", false, "PRAGMA user_version = 1", NULL,
	    RF_CORRUPT, "not one of ringfence" },
	{ "our id without a version", true, "PRAGMA user_version = 0", NULL,
	    RF_CORRUPT, "without a schema version" },
	{ "negative version", true, "PRAGMA user_version = -1", NULL,
	    RF_CORRUPT, "without a schema version" },
	{ "emptied table of another", false,
	    "CREATE TABLE t (a); DROP TABLE t", NULL, RF_CORRUPT,
	    "not one of ringfence" },
	{ "text file", false, NULL, "{\"apiVersion\": \"v1\", \"items\": []}\n",
	    RF_IO, "not an SQLite database" },
	{ "two bytes", false, NULL, "x\n", RF_IO, "not an SQLite database" },
};
/* clang-format on */

static void
make_refused(struct fixture *f, const struct refuse_case *c)
{
	FILE *file;

	if (c->ours)
		store_close(open_store(f, STORE_WRITE));
	if (c->sql != NULL) {
		run_sql(f, c->sql);
		return;
	}
	assert_non_null(file = fopen(f->path, "wb"));
	assert_int_equal(
	    fwrite(c->text, 1, strlen(c->text), file), strlen(c->text));
	(void)fclose(file);
}

static void
test_refused_untouched(void **state)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE };
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(refuse_cases); i++) {
		const struct refuse_case *c = &refuse_cases[i];
		char *was, *is;
		size_t n_was, n_is;

		make_refused(f, c);
		was = read_file(f->path, &n_was);
		for (size_t m = 0; m < NELEM(modes); m++) {
			struct store *s = (struct store *)&s;
			enum rf_status st;

			st = store_open(&s, f->path, modes[m], &f->err);
			if (st != c->want ||
			    strstr(f->err.msg, c->says) == NULL ||
			    strstr(f->err.msg, f->path) == NULL)
				fail_msg("%s: status %d: %s", c->name, st,
				    st == RF_OK ? "" : f->err.msg);
			assert_null(s);
		}
		is = read_file(f->path, &n_is);
		assert_int_equal(n_is, n_was);
		assert_memory_equal(is, was, n_was);
		free(was);
		free(is);
		assert_int_equal(unlink(f->path), 0);
	}
}

static void
test_cannot_open(void **state)
{
	struct fixture *f = *state;
	char path[320];
	struct store *s;

	assert_int_equal(store_open(&s, f->path, STORE_READ, &f->err), RF_IO);
	assert_non_null(strstr(f->err.msg, "No such file"));
	assert_int_not_equal(access(f->path, F_OK), 0); /* READ makes none */
	assert_int_equal(store_open(&s, f->dir, STORE_WRITE, &f->err), RF_IO);
	assert_non_null(strstr(f->err.msg, "directory"));
	(void)snprintf(path, sizeof(path), "%s/none/flows.db", f->dir);
	assert_int_equal(store_open(&s, path, STORE_WRITE, &f->err), RF_IO);
	assert_non_null(strstr(f->err.msg, path));
	assert_non_null(strstr(f->err.msg, "no such directory"));
	assert_int_equal(store_open(&s, path, STORE_WRITE, NULL), RF_IO);
}

static void
test_damage_is_told(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	enum rf_status st;
	FILE *file;

	put_one(f, s, 80);
	store_close(s);
	file = fopen(f->path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, 100, SEEK_SET), 0);
	for (int i = 0; i < 4000; i++)
		(void)fputc(0xff, file);
	(void)fclose(file);
	st = store_open(&s, f->path, STORE_READ, &f->err);
	assert_int_equal(st, RF_CORRUPT);
	assert_non_null(strstr(f->err.msg, "damaged"));
}

static void
test_read_handle_cannot_write(void **state)
{
	const struct cluster empty = { .has_policies = true };
	const struct coverage cov = { .node = "n", .source = "s" };
	const struct endpoint end = { .type = ENDPOINT_EXTERNAL };
	const struct flow flow = { .service = FLOW_NONE, .protocol = FLOW_TCP };
	const struct dns_name name = { .name = "a" };
	struct fixture *f = *state;
	struct store *s;

	store_close(open_store(f, STORE_WRITE));
	s = open_store(f, STORE_READ);
	assert_int_equal(store_put_cluster(s, &empty, &f->err), RF_INVAL);
	assert_int_equal(store_put_coverage(s, &cov, &f->err), RF_INVAL);
	assert_int_equal(
	    store_put_flows(s, &end, 1, &flow, 1, &f->err), RF_INVAL);
	assert_int_equal(store_put_names(s, &name, 1, &f->err), RF_INVAL);
	assert_int_equal(store_put_source(s, 1, 1, "x", 1, &f->err), RF_INVAL);
	assert_non_null(strstr(f->err.msg, "reading"));
	assert_int_equal(count_flows(f, s), 0);
	store_close(s);
}

/* Readers see what was committed, while the writer is in the middle. */
static void
test_reader_beside_writer(void **state)
{
	struct fixture *f = *state;
	struct store *w = open_store(f, STORE_WRITE), *r;

	put_one(f, w, 1);
	OK(f, store_begin(w, &f->err));
	put_one(f, w, 2);
	r = open_store(f, STORE_READ);
	assert_int_equal(count_flows(f, r), 1);
	OK(f, store_commit(w, &f->err));
	assert_int_equal(count_flows(f, r), 2);
	store_close(r);
	store_close(w);
}

/* The flows that are read belong to the cluster that was read. */
static void
test_reader_holds_its_state(void **state)
{
	struct fixture *f = *state;
	struct store *w = open_store(f, STORE_WRITE);
	struct store *r = open_store(f, STORE_READ);
	struct arena arena = { 0 };
	struct flow_set set;
	struct cluster *c;

	put_one(f, w, 1);
	OK(f, store_get_cluster(r, &c, &f->err));
	put_one(f, w, 2);
	for (int i = 0; i < 2; i++) {
		OK(f, store_get_flows(r, c, NULL, &arena, &set, &f->err));
		assert_int_equal(set.n_flows, 1);
	}
	cluster_free(c);
	OK(f, store_get_cluster(r, &c, &f->err));
	OK(f, store_get_flows(r, c, NULL, &arena, &set, &f->err));
	assert_int_equal(set.n_flows, 2);
	cluster_free(c);
	arena_release(&arena);
	/* An own transaction does the same for as long as it lasts. */
	OK(f, store_begin(r, &f->err));
	assert_int_equal(count_flows(f, r), 2);
	put_one(f, w, 3);
	assert_int_equal(count_flows(f, r), 2);
	OK(f, store_commit(r, &f->err));
	assert_int_equal(count_flows(f, r), 3);
	store_close(r);
	store_close(w);
}

static void
test_second_writer_waits_or_fails(void **state)
{
	struct fixture *f = *state;
	struct store *w = open_store(f, STORE_WRITE);
	struct store *other = NULL;

	OK(f, store_begin(w, &f->err));
	assert_int_equal(
	    store_open(&other, f->path, STORE_WRITE, &f->err), RF_IO);
	assert_null(other);
	assert_non_null(strstr(f->err.msg, "another process writes"));
	OK(f, store_commit(w, &f->err));
	OK(f, store_open(&other, f->path, STORE_WRITE, &f->err));
	put_one(f, w, 1);
	put_one(f, other, 2);
	assert_int_equal(count_flows(f, w), 2);
	store_close(other);
	store_close(w);
}

/* In the child: commit some, be in the middle of more, tell, and wait. */
static void
write_until_killed(struct fixture *f, int ready)
{
	struct store *s = open_store(f, STORE_WRITE);

	put_one(f, s, 1);
	put_one(f, s, 2);
	OK(f, store_begin(s, &f->err));
	for (unsigned port = 3; port < 5000; port++)
		put_one(f, s, (uint16_t)port);
	if (write(ready, "", 1) == 1)
		for (;;)
			(void)pause();
	_exit(1);
}

static void
test_killed_writer(void **state)
{
	struct fixture *f = *state;
	int status, ends[2];
	char have[64], byte;
	struct store *s;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		write_until_killed(f, ends[1]);
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	(void)close(ends[0]);
	s = open_store(f, STORE_READ);
	assert_int_equal(count_flows(f, s), 2);
	store_close(s);
	assert_string_equal(
	    ask_sql(f, "PRAGMA integrity_check", have, sizeof(have)), "ok");
	s = open_store(f, STORE_WRITE);
	put_one(f, s, 3);
	assert_int_equal(count_flows(f, s), 3);
	store_close(s);
}

#define NAMES 8000

static off_t
wal_bytes(const struct fixture *f)
{
	char path[320];
	struct stat sb;

	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	assert_int_equal(stat(path, &sb), 0);
	return sb.st_size;
}

/* Long names, later each time: every page of them is written anew. */
static void
put_names(struct fixture *f, struct store *s, int64_t last_us)
{
	static struct dns_name v[NAMES];
	char name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (uint32_t i = 0; i < NAMES; i++) {
		memcpy(v[i].ip.b, &i, sizeof(i));
		v[i].name = name;
		v[i].first_us = 1;
		v[i].last_us = last_us;
	}
	OK(f, store_put_names(s, v, NAMES, &f->err));
}

/* A reader that takes long makes the journal grow; it shrinks behind it. */
static void
test_journal_shrinks(void **state)
{
	struct fixture *f = *state;
	struct store *w = open_store(f, STORE_WRITE), *r;
	const off_t most = (off_t)9 * 1024 * 1024;
	struct cluster *c;

	put_names(f, w, 1);
	r = open_store(f, STORE_READ);
	OK(f, store_get_cluster(r, &c, &f->err));
	for (int64_t i = 2; i < 30 && wal_bytes(f) < most * 3 / 2; i++)
		put_names(f, w, i);
	assert_true(wal_bytes(f) >= most * 3 / 2);
	cluster_free(c);
	store_close(r);
	for (int64_t i = 100; i < 103; i++)
		put_names(f, w, i);
	assert_true(wal_bytes(f) <= most);
	store_close(w);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_made_from_nothing),
		T(test_empty_file_is_taken),
		T(test_refused_untouched),
		T(test_cannot_open),
		T(test_damage_is_told),
		T(test_read_handle_cannot_write),
		T(test_reader_beside_writer),
		T(test_reader_holds_its_state),
		T(test_second_writer_waits_or_fails),
		T(test_killed_writer),
		T(test_journal_shrinks),
	};

	return cmocka_run_group_tests_name("open", tests, NULL, NULL);
}
