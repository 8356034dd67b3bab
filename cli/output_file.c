/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
output_is_stdout(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

/* What must not be replaced by a file: a device, a pipe, a link such as
 * /dev/stdout. */
static bool
is_special(const char *path)
{
	struct stat sb;

	return lstat(path, &sb) == 0 && !S_ISREG(sb.st_mode) &&
	    !S_ISDIR(sb.st_mode);
}

/* to is path, or what is renamed to it. */
static enum rf_status
put(const char *path, const char *to, const struct strbuf *text,
    struct rf_error *err)
{
	FILE *f = fopen(to, "we");
	enum rf_status st;
	bool ok;

	if (f == NULL)
		return rf_fail(
		    err, RF_IO, "create %s: %s", path, strerror(errno));
	ok = fwrite(strbuf_str(text), 1, text->len, f) == text->len;
	ok &= fclose(f) == 0;
	if (ok && (to == path || rename(to, path) == 0))
		return RF_OK;
	st = rf_fail(err, RF_IO, "write %s: %s", path, strerror(errno));
	if (to != path)
		(void)unlink(to);
	return st;
}

enum rf_status
output_write(const char *path, const struct strbuf *text, struct rf_error *err)
{
	struct strbuf beside;
	enum rf_status st;

	if (output_is_stdout(path)) {
		/* main finds out whether that went well. */
		(void)fwrite(strbuf_str(text), 1, text->len, stdout);
		return RF_OK;
	}
	if (is_special(path))
		return put(path, path, text, err);
	strbuf_init(&beside, 8192);
	strbuf_printf(&beside, "%s.tmp", path);
	st = strbuf_failed(&beside)
	    ? rf_fail(err, RF_IO, "create %s: the name is too long", path)
	    : put(path, strbuf_str(&beside), text, err);
	strbuf_release(&beside);
	return st;
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
