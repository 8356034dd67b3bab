/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database that others make at the same moment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "tests/store/path_fixture.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* Several may make one file at once: each finds it whole. */
static void
test_many_open_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t pids[6];
	int status;

	for (size_t i = 0; i < NELEM(pids); i++) {
		assert_true((pids[i] = fork()) >= 0);
		if (pids[i] == 0) {
			struct store *s;
			enum rf_status st;

			st = store_open(&s, f->path, STORE_WRITE, &f->err);
			if (st != RF_OK)
				fprintf(stderr, "%s\n", f->err.msg);
			store_close(s);
			_exit(st == RF_OK ? 0 : 1);
		}
	}
	for (size_t i = 0; i < NELEM(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

/*
 * Another process that makes the database once it is told to: forked before
 * this one has a handle, for SQLite knows its locks by the process.
 */
struct maker {
	pid_t pid;
	int go;
};

static void
start_maker(struct maker *m, struct fixture *f)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	assert_true((m->pid = fork()) >= 0);
	if (m->pid == 0) {
		struct store *s = NULL;
		bool ok;

		(void)close(ends[1]);
		ok = read(ends[0], &byte, 1) == 1 &&
		    store_open(&s, f->path, STORE_WRITE, &f->err) == RF_OK;
		store_close(s);
		_exit(ok ? 0 : 1);
	}
	(void)close(ends[0]);
	m->go = ends[1];
}

/* Before the second question: the maker has time to end, unless it must wait
 * until all are answered. */
static int
make_between(unsigned event, void *arg, void *stmt, void *sql)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct maker *m = arg;
	siginfo_t info = { 0 };

	(void)event;
	(void)stmt;
	if (m->go < 0 || strcmp(sql, "PRAGMA user_version") != 0)
		return 0;
	assert_int_equal(write(m->go, "", 1), 1);
	(void)close(m->go);
	m->go = -1;
	for (int i = 0; i < 200 && info.si_pid == 0; i++) {
		(void)nanosleep(&ms, NULL);
		(void)waitid(
		    P_PID, (id_t)m->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	}
	return 0;
}

static struct maker *maker; /* of the one test that has one */

static int
watch_handle(sqlite3 *db, char **msg, const struct sqlite3_api_routines *api)
{
	(void)msg;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, make_between, maker);
}

/* What a file says of itself is read from one state of it. */
static void
test_made_while_it_is_read(void **state)
{
	struct fixture *f = *state;
	enum rf_status st;
	struct maker m;
	struct store *s;
	int status;

	start_maker(&m, f);
	maker = &m;
	(void)sqlite3_auto_extension((void (*)(void))watch_handle);
	st = store_open(&s, f->path, STORE_WRITE, &f->err);
	(void)sqlite3_cancel_auto_extension((void (*)(void))watch_handle);
	maker = NULL;
	assert_int_equal(m.go, -1); /* it was asked */
	if (st != RF_OK)
		fail_msg("%s", f->err.msg);
	assert_int_equal(waitpid(m.pid, &status, 0), m.pid);
	assert_int_equal(status, 0);
	store_close(s);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_many_open_at_once),
		T(test_made_while_it_is_read),
	};

	return cmocka_run_group_tests_name("open race", tests, NULL, NULL);
}
