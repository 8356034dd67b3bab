/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_io: the calls by which SQLite's VFS, and we, use the file system.
 *
 * stdio makes its system calls inside of the C library, where nothing can
 * take their place, so here it is its own functions that fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "tests/fault/fault.h"

/* The next definition of this function behind ours, found once. */
#define NEXT(name)                                                             \
	static __typeof__(name) *next_##name;                                  \
	if (next_##name == NULL)                                               \
	*(void **)&next_##name = dlsym(RTLD_NEXT, #name)

/* needs_room: does it take space on a disk? */
static bool
fails(bool needs_room)
{
	if (fault_hits(FAULT_EIO)) {
		errno = EIO;
		return true;
	}
	if (needs_room && fault_hits(FAULT_FULL)) {
		errno = ENOSPC;
		return true;
	}
	if (fault_hits(FAULT_KILL))
		(void)raise(SIGKILL);
	return false;
}

int
open(const char *path, int flags, ...)
{
	NEXT(open);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails((flags & O_CREAT) != 0) ? -1
					     : next_open(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	NEXT(open64);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails((flags & O_CREAT) != 0) ? -1
					     : next_open64(path, flags, mode);
}

ssize_t
read(int fd, void *buf, size_t n)
{
	NEXT(read);

	return fails(false) ? -1 : next_read(fd, buf, n);
}

ssize_t
pread64(int fd, void *buf, size_t n, off64_t at)
{
	NEXT(pread64);

	return fails(false) ? -1 : next_pread64(fd, buf, n, at);
}

ssize_t
pread(int fd, void *buf, size_t n, off_t at)
{
	NEXT(pread);

	return fails(false) ? -1 : next_pread(fd, buf, n, at);
}

/* A disk that fills takes half of it first. */
ssize_t
write(int fd, const void *buf, size_t n)
{
	NEXT(write);

	/* stdio may come here, too, and what went wrong must get out. */
	if (fd == STDERR_FILENO || !fails(true))
		return next_write(fd, buf, n);
	if (errno == ENOSPC && n > 1) {
		(void)!next_write(fd, buf, n / 2);
		errno = ENOSPC;
	}
	return -1;
}

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
	NEXT(pwrite64);

	if (!fails(true))
		return next_pwrite64(fd, buf, n, at);
	if (errno == ENOSPC && n > 1) {
		(void)!next_pwrite64(fd, buf, n / 2, at);
		errno = ENOSPC;
	}
	return -1;
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return pwrite64(fd, buf, n, at);
}

int
ftruncate64(int fd, off64_t size)
{
	NEXT(ftruncate64);

	return fails(true) ? -1 : next_ftruncate64(fd, size);
}

int
ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

int
fsync(int fd)
{
	NEXT(fsync);

	return fails(true) ? -1 : next_fsync(fd);
}

int
syncfs(int fd)
{
	NEXT(syncfs);

	return fails(true) ? -1 : next_syncfs(fd);
}

int
fdatasync(int fd)
{
	NEXT(fdatasync);

	return fails(true) ? -1 : next_fdatasync(fd);
}

int
rename(const char *from, const char *to)
{
	NEXT(rename);

	return fails(true) ? -1 : next_rename(from, to);
}

int
mkdir(const char *path, mode_t mode)
{
	NEXT(mkdir);

	return fails(true) ? -1 : next_mkdir(path, mode);
}

/* On a disk that fails for good nobody could remove anything. */
int
unlink(const char *path)
{
	NEXT(unlink);

	if (fault_state != NULL && fault_state->forever)
		return next_unlink(path);
	return fails(false) ? -1 : next_unlink(path);
}

FILE *
fopen(const char *path, const char *mode)
{
	NEXT(fopen);

	return fails(*mode == 'w') ? NULL : next_fopen(path, mode);
}

/* Not of memory (open_memstream), which no disk can fail. */
static bool
is_on_disk(FILE *f)
{
	return f == NULL || fileno(f) >= 0;
}

int
fflush(FILE *f)
{
	NEXT(fflush);

	return is_on_disk(f) && fails(true) ? EOF : next_fflush(f);
}

int
fclose(FILE *f)
{
	NEXT(fclose);
	bool on_disk = is_on_disk(f);
	int rc = next_fclose(f);

	return on_disk && fails(true) ? EOF : rc;
}
