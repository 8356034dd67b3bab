/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/beside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG      ".ringfence-"
#define RANDOM   6 /* characters that mkostemp finds */
#define TRIES    16
#define SUFFIXES 4

/* SQLite keeps more files beside a database while it is open. */
static const char *const suffixes[SUFFIXES] = { "-wal", "-shm", "-journal",
	"" };

/* All names of the one that there is, for a signal's handler. */
static char names[SUFFIXES][PATH_MAX];
static volatile sig_atomic_t is_begun;

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM };

#define N_ENDING (sizeof(ending) / sizeof(ending[0]))

/* Only what may be called in a handler. The signal then does what it does. */
static void
on_signal(int sig)
{
	static const char words[] =
	    "ringfence: interrupted; what -o names is as it was\n";
	int saved = errno;

	if (is_begun) {
		for (size_t i = 0; i < SUFFIXES; i++)
			(void)unlink(names[i]);
		(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	}
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	errno = saved;
}

/* One that is ignored, as by nohup, stays so. */
static void
watch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal }, old;

	(void)sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < N_ENDING; i++)
		if (sigaction(ending[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)sigaction(ending[i], &act, NULL);
}

static void
leave_signals(void)
{
	struct sigaction old;

	for (size_t i = 0; i < N_ENDING; i++)
		if (sigaction(ending[i], NULL, &old) == 0 &&
		    old.sa_handler == on_signal)
			(void)signal(ending[i], SIG_DFL);
}

static void
remove_all(const char *path)
{
	char name[PATH_MAX + 8];

	for (size_t i = 0; i < SUFFIXES; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

/* Is a lock of the file none of its bytes? On NFS and SMB it is one, and SQLite
 * would wait for it, although it is ours. */
static bool
locks_no_bytes(int fd)
{
	struct flock bytes = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &bytes) == 0 && bytes.l_type == F_UNLCK;
}

/* Whoever made it holds its lock for as long as it lives. */
static void
remove_if_left(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat sb;

	if (fd < 0)
		return;
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && locks_no_bytes(fd))
		remove_all(path);
	(void)close(fd);
}

/* Is name base, the tag and what mkostemp finds? */
static bool
is_of(const char *name, const char *base)
{
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0 ||
	    strncmp(name + n, TAG, sizeof(TAG) - 1) != 0)
		return false;
	name += n + sizeof(TAG) - 1;
	for (n = 0; isalnum((unsigned char)name[n]) != 0; n++)
		;
	return n == RANDOM && name[n] == '\0';
}

static void
remove_left(const char *output)
{
	const char *slash = strrchr(output, '/');
	const char *base = slash != NULL ? slash + 1 : output;
	int n = (int)(base - output);
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	if ((size_t)n >= sizeof(path))
		return;
	(void)snprintf(path, sizeof(path), "%.*s", n, output);
	if ((dir = opendir(n > 0 ? path : ".")) == NULL)
		return;
	while ((e = readdir(dir)) != NULL)
		if (is_of(e->d_name, base) &&
		    snprintf(path, sizeof(path), "%.*s%s", n, output,
			e->d_name) < (int)sizeof(path))
			remove_if_left(path);
	(void)closedir(dir);
}

/* Where files know no such locks nothing is taken for left. false: somebody has
 * the lock, to remove the file. */
static bool
lock_file(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno != EWOULDBLOCK;
	if (!locks_no_bytes(fd))
		(void)flock(fd, LOCK_UN);
	return true;
}

/* One whose name is not somebody else's by the time it is locked. -1: errno. */
static int
make_locked(char *path, size_t len)
{
	for (int i = 0; i < TRIES; i++) {
		struct stat sb;
		int fd;

		memset(path + len - RANDOM, 'X', RANDOM);
		if ((fd = mkostemp(path, O_CLOEXEC)) < 0)
			return -1;
		if (lock_file(fd) && fstat(fd, &sb) == 0 && sb.st_nlink > 0)
			return fd;
		(void)close(fd);
	}
	errno = EBUSY;
	return -1;
}

/* A signal comes before there is one, or when its names are known. */
static bool
make_watched(struct beside *b, size_t len)
{
	sigset_t set, old;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < N_ENDING; i++)
		(void)sigaddset(&set, ending[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, &old);
	b->fd = make_locked(b->path, len);
	for (size_t i = 0; b->fd >= 0 && i < SUFFIXES; i++)
		(void)snprintf(
		    names[i], sizeof(names[i]), "%s%s", b->path, suffixes[i]);
	is_begun = b->fd >= 0;
	if (is_begun)
		watch_signals();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return b->fd >= 0;
}

enum rf_status
beside_begin(struct beside *b, const char *output, struct rf_error *err)
{
	int max = (int)(sizeof(b->path) - sizeof("-journal"));
	int n = snprintf(b->path, (size_t)max, "%s" TAG "XXXXXX", output);

	b->fd = -1;
	if (n >= max)
		return rf_fail(
		    err, RF_IO, "create %s: the name is too long", output);
	remove_left(output);
	if (make_watched(b, (size_t)n))
		return RF_OK;
	return rf_fail(err, RF_IO, "create %s: %s", output, strerror(errno));
}

enum rf_status
beside_rename(struct beside *b, const char *output, struct rf_error *err)
{
	if (rename(b->path, output) != 0)
		return rf_fail(
		    err, RF_IO, "write %s: %s", output, strerror(errno));
	return RF_OK;
}

void
beside_end(struct beside *b)
{
	if (b->fd < 0)
		return;
	remove_all(b->path);
	is_begun = 0;
	leave_signals();
	(void)close(b->fd);
	b->fd = -1;
}
