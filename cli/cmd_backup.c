/* SPDX-License-Identifier: Apache-2.0 */
/* backup: a copy of a database, while a collector goes on writing to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "core/strbuf.h"
#include "store/backup.h"

struct backup_options {
	const char *db, *output;
};

static const struct option_spec table[] = {
	{ .name = "db",
	    .kind = OPTION_TEXT,
	    .arg = "PATH",
	    .env = "RINGFENCE_DB",
	    .offset = offsetof(struct backup_options, db),
	    .help = "The database to copy; else $RINGFENCE_DB." },
	{ .name = "output",
	    .letter = 'o',
	    .kind = OPTION_TEXT,
	    .arg = "FILE|-",
	    .offset = offsetof(struct backup_options, output),
	    .help = "File to write, replaced when all is well; - is standard "
		    "output." },
};

const struct command_spec backup_spec = {
	.name = "backup",
	.summary = "copy a database that a collector writes to",
	.synopsis = "[--db PATH] -o FILE|-",
	.about = "Copies a database as it is at one moment, into a file that "
		 "needs nothing\nbeside it. A collector may go on writing "
		 "meanwhile. Needs as much free room\nbeside the database as "
		 "that takes.",
	.examples =
	    "  ringfence backup --db flows.db -o copy.db\n\n"
	    "  # From the pod of a node's collector\n"
	    "  kubectl -n ringfence exec ringfence-x7k2p -- ringfence backup "
	    "-o - >node-1.db\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "ringfence backup: %s%s%s\n", what,
	    *why == '\0' ? "" : ": ", why);
	return STATUS_FAILURE;
}

/* From fd, where it stands, to its end. false: errno says why. */
static bool
pour(int fd, FILE *out)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (fwrite(buf, 1, (size_t)n, out) != (size_t)n)
			return false;
	return n == 0 && fflush(out) == 0;
}

/* A database says who talks to whom: only its owner may read the copy. */
static int
put_file(int fd, const char *path)
{
	struct strbuf name;
	int status = STATUS_OK, to;
	FILE *f = NULL;
	bool ok;

	strbuf_init(&name, 8192);
	strbuf_printf(&name, "%s.tmp-XXXXXX", path);
	if (strbuf_failed(&name)) {
		strbuf_release(&name);
		return fail("out of memory", "");
	}
	to = mkstemp(name.s);
	if (to < 0 || (f = fdopen(to, "w")) == NULL)
		status = fail(path, strerror(errno));
	if (f != NULL) {
		ok = pour(fd, f) && fsync(to) == 0;
		ok = fclose(f) == 0 && ok;
		if (!ok || rename(name.s, path) != 0)
			status = fail(path, strerror(errno));
	}
	if (status != STATUS_OK && to >= 0)
		(void)unlink(name.s);
	strbuf_release(&name);
	return status;
}

static int
check(const struct backup_options *o)
{
	if (o->db == NULL)
		return options_usage(&backup_spec, "which database? Give --db");
	if (o->output == NULL)
		return options_usage(&backup_spec, "where to? Give -o FILE");
	if (strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO) == 1)
		return options_usage(&backup_spec,
		    "standard output is a terminal; redirect it, or give -o "
		    "FILE");
	return OPTIONS_RUN;
}

int
cmd_backup(int argc, char **argv)
{
	struct backup_options o = { 0 };
	struct arena arena;
	struct rf_error err;
	int status, fd;

	arena_init(&arena, 0);
	status = options_parse(&backup_spec, argc, argv, &o, &arena);
	if (status == OPTIONS_RUN)
		status = check(&o);
	if (status != OPTIONS_RUN)
		goto out;
	if (store_backup(&fd, o.db, &err) != RF_OK) {
		status = fail(err.msg, "");
		goto out;
	}
	if (strcmp(o.output, "-") != 0)
		status = put_file(fd, o.output);
	else
		status = pour(fd, stdout)
		    ? STATUS_OK
		    : fail("standard output", strerror(errno));
	(void)close(fd);
out:
	arena_release(&arena);
	return status;
}
