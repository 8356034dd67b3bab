/* SPDX-License-Identifier: Apache-2.0 */
#include "report/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES  100
#define TRY_MS 100

enum rf_status
folder_make(const char *path, struct rf_error *err)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return RF_OK;
	return rf_fail(err, RF_IO, "create %s: %s", path, strerror(errno));
}

enum rf_status
folder_make_all(const char *path, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	char *part = strdup(path);

	if (part == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	for (char *p = part + 1; st == RF_OK && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		st = folder_make(part, err);
		*p = '/';
	}
	if (st == RF_OK)
		st = folder_make(part, err);
	free(part);
	return st;
}

enum rf_status
folder_lock(int *out, const char *path, struct rf_error *err)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*out = -1;
	if (fd < 0)
		return rf_fail(
		    err, RF_IO, "open %s: %s", path, strerror(errno));
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			break; /* no locks here */
		if (i == TRIES) {
			(void)close(fd);
			return rf_fail(err, RF_IO,
			    "%s: another ringfence writes there; try again, or "
			    "stop it",
			    path);
		}
		(void)nanosleep(&pause, NULL);
	}
	*out = fd;
	return RF_OK;
}
