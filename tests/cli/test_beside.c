/* SPDX-License-Identifier: Apache-2.0 */
/* A file beside its output: what was left goes, what is in use stays, and
 * SQLite can lock it, also where a lock of a file is one of its bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/beside.h"

static char folder[64], output[96];
static bool is_nfs;

/* As the kernel's client of NFS has it. */
int
flock(int fd, int operation)
{
	struct flock bytes = { .l_type = (operation & LOCK_UN) != 0 ? F_UNLCK
								    : F_WRLCK,
		.l_whence = SEEK_SET };

	if (!is_nfs)
		return (int)syscall(SYS_flock, fd, operation);
	return fcntl(fd, F_OFD_SETLK, &bytes);
}

/* As SQLite locks it, by a handle of its own. */
static bool
can_lock(const char *path)
{
	struct flock bytes = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && fcntl(fd, F_SETLK, &bytes) == 0;

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Another process begins one for the same output, and is killed. */
static void
be_killed(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct beside b;

		if (beside_begin(&b, output, NULL) != RF_OK)
			_exit(1);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Count the files that are there, and remove them if wanted. */
static size_t
count(bool and_remove)
{
	char path[sizeof(folder) + 257];
	const struct dirent *e;
	size_t n = 0;
	DIR *dir;

	assert_non_null(dir = opendir(folder));
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (and_remove)
			assert_int_equal(unlink(path), 0);
	}
	(void)closedir(dir);
	return n;
}

static size_t
count_left(void)
{
	return count(false);
}

static void
check(bool nfs, size_t left)
{
	struct beside b;

	is_nfs = nfs;
	be_killed();
	assert_int_equal(count_left(), 1);
	assert_int_equal(beside_begin(&b, output, NULL), RF_OK);
	assert_int_equal(count_left(), 1 + left);
	assert_true(can_lock(b.path));
	be_killed();
	assert_true(is_there(b.path));
	assert_int_equal(beside_rename(&b, output, NULL), RF_OK);
	beside_end(&b);
	assert_true(is_there(output));
	assert_int_equal(unlink(output), 0);
}

static void
test_local(void **state)
{
	struct beside b;

	(void)state;
	check(false, 0);
	assert_int_equal(beside_begin(&b, output, NULL), RF_OK);
	beside_end(&b);
	assert_int_equal(count_left(), 0);
}

/* Nobody can tell there what is left from what is in use. */
static void
test_nfs(void **state)
{
	(void)state;
	check(true, 1);
	assert_int_equal(count_left(), 2);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/beside-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(output, sizeof(output), "%s/out", folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)count(true);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_local, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nfs, setup, teardown),
	};

	return cmocka_run_group_tests_name("beside", tests, NULL, NULL);
}
