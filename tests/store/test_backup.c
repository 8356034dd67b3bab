/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a database that somebody writes to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/backup.h"
#include "store/store.h"

#define PATH_SIZE 64
#define NAMES     2000

struct fixture {
	char dir[32], db[PATH_SIZE], copy[PATH_SIZE];
	struct rf_error err;
};

#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) != RF_OK)                                           \
			fail_msg("%s: %s", #call, (f)->err.msg);               \
	} while (0)

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/rf-backup-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
	(void)snprintf(f->copy, sizeof(f->copy), "%s/copy.db", f->dir);
}

/* How SQLite's own answers: somebody else has the database to himself. */
static bool is_busy;

int
sqlite3_backup_step(sqlite3_backup *b, int n)
{
	int (*own)(sqlite3_backup *, int);

	if (is_busy)
		return SQLITE_BUSY;
	*(void **)&own = dlsym(RTLD_NEXT, "sqlite3_backup_step");
	return own(b, n);
}

/* Remove the folder; returns how many files it held. */
static unsigned
teardown(struct fixture *f)
{
	unsigned n = 0;
	DIR *d = opendir(f->dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char path[sizeof(f->dir) + sizeof(e->d_name) + 1];

		if (e->d_name[0] == '.')
			continue;
		n++;
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		(void)unlink(path);
	}
	(void)closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
	return n;
}

/* Names first to first + n - 1. */
static void
put_names(struct fixture *f, struct store *s, unsigned first, unsigned n)
{
	char text[32];
	struct dns_name name = { .name = text, .last_us = 1 };

	for (unsigned i = first; i < first + n; i++) {
		(void)snprintf(text, sizeof(text), "%u.example", i);
		OK(f, store_put_names(s, &name, 1, &f->err));
	}
}

static size_t
count_names(struct fixture *f, const char *path)
{
	struct store *s;
	struct cluster *c = NULL;
	struct arena arena;
	struct flow_set set;
	size_t n;

	arena_init(&arena, 0);
	OK(f, store_open(&s, path, STORE_READ, &f->err));
	OK(f, store_get_cluster(s, &c, &f->err));
	OK(f, store_get_flows(s, c, NULL, &arena, &set, &f->err));
	n = set.n_names;
	cluster_free(c);
	arena_release(&arena);
	store_close(s);
	return n;
}

static void
save(struct fixture *f, int fd)
{
	FILE *out = fopen(f->copy, "w");
	char buf[4096];
	ssize_t n;

	assert_non_null(out);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		assert_int_equal(fwrite(buf, 1, (size_t)n, out), (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(fclose(out), 0);
	(void)close(fd);
}

/* What was committed is there, what was not is not, and writing goes on. */
static void
test_while_writing(void **state)
{
	struct fixture f;
	struct store *s;
	int fd;

	(void)state;
	setup(&f);
	OK(&f, store_open(&s, f.db, STORE_WRITE, &f.err));
	OK(&f, store_begin(s, &f.err));
	put_names(&f, s, 0, NAMES);
	OK(&f, store_commit(s, &f.err));
	OK(&f, store_begin(s, &f.err));
	put_names(&f, s, NAMES, NAMES);
	OK(&f, store_backup(&fd, f.db, &f.err));
	OK(&f, store_commit(s, &f.err));
	save(&f, fd);
	assert_int_equal(count_names(&f, f.copy), NAMES);
	assert_int_equal(count_names(&f, f.db), 2 * NAMES);
	store_close(s);
	/* a.db and copy.db, with nothing beside the copy. */
	assert_int_equal(teardown(&f), 2);
}

/* Unlike a database in use, the copy can be read where nothing is written. */
static void
test_stands_alone(void **state)
{
	struct fixture f;
	struct store *s;
	unsigned char versions[2];
	int fd;

	(void)state;
	setup(&f);
	OK(&f, store_open(&s, f.db, STORE_WRITE, &f.err));
	put_names(&f, s, 0, 1);
	OK(&f, store_backup(&fd, f.db, &f.err));
	assert_int_equal(pread(fd, versions, 2, 18), 2);
	assert_int_equal(versions[0], 1);
	assert_int_equal(versions[1], 1);
	save(&f, fd);
	store_close(s);
	/* And it can be written to again. */
	OK(&f, store_open(&s, f.copy, STORE_WRITE, &f.err));
	put_names(&f, s, 1, 1);
	store_close(s);
	assert_int_equal(count_names(&f, f.copy), 2);
	(void)teardown(&f);
}

static void
test_refusals(void **state)
{
	struct fixture f;
	FILE *out;
	int fd;

	(void)state;
	setup(&f);
	assert_int_equal(store_backup(&fd, f.db, &f.err), RF_IO);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(f.err.msg, f.db));
	out = fopen(f.db, "w");
	assert_non_null(out);
	(void)fputs("not a database, and long enough to be looked at", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(store_backup(&fd, f.db, &f.err), RF_IO);
	assert_int_equal(fd, -1);
	assert_int_equal(teardown(&f), 1);
}

/* What could not be copied is no copy, though SQLite finishes without a word.
 */
static void
test_busy(void **state)
{
	struct fixture f;
	struct store *s;
	int fd;

	(void)state;
	setup(&f);
	OK(&f, store_open(&s, f.db, STORE_WRITE, &f.err));
	put_names(&f, s, 0, 1);
	is_busy = true;
	assert_int_equal(store_backup(&fd, f.db, &f.err), RF_IO);
	is_busy = false;
	assert_int_equal(fd, -1);
	assert_non_null(strstr(f.err.msg, "another process"));
	store_close(s);
	assert_int_equal(teardown(&f), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_while_writing),
		cmocka_unit_test(test_stands_alone),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
