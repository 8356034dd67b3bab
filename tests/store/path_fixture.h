/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a database that is not there yet, for each test. */
#ifndef TESTS_STORE_PATH_FIXTURE_H
#define TESTS_STORE_PATH_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

/* Fixture: a directory of its own, and the path of a database in it. */
struct fixture {
	char dir[256], path[300];
	struct rf_error err;
};

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/rf-store-%ld",
	    tmp != NULL ? tmp : P_tmpdir, (long)getpid());
	if (mkdir(f->dir, 0700) != 0)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/flows.db", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
		"-journal" };
	struct fixture *f = *state;
	char path[320];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", f->path, suffixes[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

#endif
