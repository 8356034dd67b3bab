/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
output_is_stdout(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

bool
output_is_special(const char *path)
{
	struct stat sb;

	return lstat(path, &sb) == 0 && !S_ISREG(sb.st_mode) &&
	    !S_ISDIR(sb.st_mode);
}

bool
output_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

static enum rf_status
fail(const struct output *o, const char *what, struct rf_error *err)
{
	if (o->f == stdout)
		return RF_OK; /* main tells */
	return rf_fail(err, RF_IO, "%s %s: %s", what, o->path, strerror(errno));
}

/* mkstemp makes files that nobody else may read. */
static void
set_mode(int fd, const char *path)
{
	mode_t mask = umask(0);
	struct stat sb;

	(void)umask(mask);
	if (stat(path, &sb) == 0)
		(void)fchmod(fd, sb.st_mode & 0777);
	else
		(void)fchmod(fd, 0666 & ~mask);
}

enum rf_status
output_open(
    struct output *o, const char *path, bool is_private, struct rf_error *err)
{
	enum rf_status st;
	int fd;

	*o = (struct output){ .path = path, .beside.fd = -1 };
	if (output_is_stdout(path)) {
		o->f = stdout;
		return RF_OK;
	}
	if (output_is_special(path)) {
		o->f = fopen(path, "we");
		return o->f != NULL ? RF_OK : fail(o, "open", err);
	}
	if ((st = beside_begin(&o->beside, path, err)) != RF_OK)
		return st;
	if (!is_private)
		set_mode(o->beside.fd, path);
	fd = fcntl(o->beside.fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && (o->f = fdopen(fd, "w+")) != NULL)
		return RF_OK;
	st = fail(o, "create", err);
	if (fd >= 0)
		(void)close(fd);
	beside_end(&o->beside);
	return st;
}

enum rf_status
output_close(struct output *o, enum rf_status st, struct rf_error *err)
{
	bool is_beside = o->beside.fd >= 0;

	if (o->f == stdout) /* main finds out whether that went well */
		return st;
	if (st == RF_OK &&
	    (fflush(o->f) != 0 || (is_beside && fsync(fileno(o->f)) != 0)))
		st = fail(o, "write", err);
	if (fclose(o->f) != 0 && st == RF_OK)
		st = fail(o, "write", err);
	if (is_beside && st == RF_OK)
		st = beside_rename(&o->beside, o->path, err);
	beside_end(&o->beside);
	return st;
}

enum rf_status
output_pour(struct output *o, FILE *f, struct rf_error *err)
{
	char buf[65536];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		if (fwrite(buf, 1, n, o->f) != n)
			return fail(o, "write", err);
	if (!ferror(f))
		return RF_OK;
	return rf_fail(err, RF_IO, "read a copy: %s", strerror(errno));
}

enum rf_status
output_write(const char *path, const struct strbuf *text, struct rf_error *err)
{
	enum rf_status st;
	struct output o;

	if ((st = output_open(&o, path, false, err)) != RF_OK)
		return st;
	if (fwrite(strbuf_str(text), 1, text->len, o.f) != text->len)
		st = fail(&o, "write", err);
	return output_close(&o, st, err);
}

FILE *
output_scratch(void)
{
	FILE *f = tmpfile();
	int fd;

	if (f != NULL || (fd = memfd_create("scratch", MFD_CLOEXEC)) < 0)
		return f;
	if ((f = fdopen(fd, "w+")) == NULL)
		(void)close(fd);
	return f;
}
