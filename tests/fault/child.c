/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/child.h"

#include <assert.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/live.h"

#define WORDS_MAX 64

const char *__asan_default_options(void);

/* Statuses that are nobody else's; a leak of a child is found at its exit.
 * What asks for too much gets NULL, as it would outside. */
const char *
__asan_default_options(void)
{
	return "exitcode=99:allocator_may_return_null=1";
}

const char *__lsan_default_suppressions(void);

/* OpenSSL, which curl starts, loses some of its own when it cannot; what the
 * loader keeps of the unwinder's library is out of the sanitizer's sight. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libcrypto\nleak:_dl_map_object_deps\n";
}

/* The words with the folders in the place of their marks. */
static int
split(char **argv, const struct child_places *places, const char *words)
{
	static char copy[1024];
	char *save = NULL;
	int argc = 0;

	assert(places != NULL);
	if (snprintf(copy, sizeof(copy), "%s", words) >= (int)sizeof(copy))
		abort();
	argv[argc++] = (char *)(uintptr_t) "ringfence";
	for (char *w = strtok_r(copy, " ", &save);
	     w != NULL && argc < WORDS_MAX - 1;
	     w = strtok_r(NULL, " ", &save)) {
		const char *folder = *w == '@' ? places->fixtures
		    : *w == '%'                ? places->base
		    : *w == '#'                ? places->own
					       : NULL;

		argv[argc] = w;
		if (folder != NULL &&
		    asprintf(&argv[argc], "%s/%s", folder, w + 1) < 0)
			abort();
		argc++;
	}
	argv[argc] = NULL;
	return argc;
}

static void
redirect(int fd, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		abort();
	(void)close(file);
}

static void
arm(const struct child_fault *fault, void *outer)
{
	struct fault_state *s = fault_state;

	atomic_store(&s->count, 0);
	atomic_store(&s->fired, 0);
	if (fault == NULL)
		return;
	s->kind = fault->kind;
	s->forever = fault->forever;
	s->trace = fault->trace;
	s->paths_max = fault->paths ? CHILD_PATHS : 0;
	s->path = fault->path;
	s->path_from = fault->path_from;
	s->outer = outer;
	atomic_store(&s->nth, fault->nth);
	atomic_store(&s->armed, true);
}

/* The words leak on purpose: the command may keep pointers into them. */
static _Noreturn __attribute__((noinline)) void
be_the_child(const struct child_places *places, const char *words,
    const struct child_fault *fault)
{
	static char *argv[WORDS_MAX];
	int argc = split(argv, places, words);
	int status;

	(void)alarm(CHILD_SECONDS);
	redirect(STDIN_FILENO, "/dev/null");
	redirect(STDOUT_FILENO, places->out);
	redirect(STDERR_FILENO, places->err);
	arm(fault, __builtin_return_address(0));
	status = argc > 1 && strcmp(argv[1], "live") == 0
	    ? live_main(argc, argv)
	    : ringfence_main(argc, argv);
	atomic_store(&fault_state->armed, false);
	exit(status);
}

/* Of parent and children. */
static void *
share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static int
wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
child_run(const struct child_places *places, const char *words,
    const struct child_fault *fault)
{
	pid_t pid;
	int status;

	if (fault_state == NULL) {
		fault_state = share(sizeof(*fault_state));
		fault_state->paths = share(CHILD_PATHS * sizeof(uint64_t));
		/* The first call loads a library, which no child shall do. */
		(void)backtrace(&(void *){ NULL }, 1);
	}
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_the_child(places, words, fault);
	status = wait_for(pid);
	atomic_store(&fault_state->armed, false); /* it may have been killed */
	return status;
}

unsigned long long
child_calls(void)
{
	return atomic_load(&fault_state->count);
}

const uint64_t *
child_paths(void)
{
	return fault_state->paths;
}

bool
child_failed_some(void)
{
	return atomic_load(&fault_state->fired) != 0;
}

static int
is_ok(void *arg, int n, char **values, char **names)
{
	(void)names;
	*(bool *)arg =
	    n == 1 && values[0] != NULL && strcmp(values[0], "ok") == 0;
	return 0;
}

/* In a process of its own, so that SQLite starts anew in each child. */
bool
child_database_is_whole(const char *path)
{
	sqlite3 *db = NULL;
	bool ok = false;
	pid_t pid;

	if (access(path, F_OK) != 0)
		return true;
	(void)fflush(NULL);
	pid = fork();
	if (pid != 0)
		return wait_for(pid) == 0;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) ==
	    SQLITE_OK)
		(void)sqlite3_exec(
		    db, "PRAGMA integrity_check", is_ok, &ok, NULL);
	(void)sqlite3_close(db);
	_exit(ok ? 0 : 1);
}
