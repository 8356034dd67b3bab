/* SPDX-License-Identifier: Apache-2.0 */
/* backup: a copy of a database, while a collector goes on writing to it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/output_file.h"
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
		 "meanwhile. A damaged database is\nrefused, so that an "
		 "older copy stays. Needs as much free room beside the\n"
		 "database as that takes.",
	.examples =
	    "  ringfence backup --db flows.db -o copy.db\n\n"
	    "  # From the pod of a node's collector\n"
	    "  kubectl -n ringfence exec ringfence-x7k2p -- ringfence backup "
	    "-o - >node-1.db\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

/*
 * What SQLite keeps beside a database belongs to whatever bears its name, and
 * would be written into the copy: it is there while a database is in use, when
 * whoever wrote to it was killed, and, empty, where one was read.
 */
static enum rf_status
check_target(const char *path, struct rf_error *err)
{
	static const char *const beside[] = { "-wal", "-journal" };
	char *real = realpath(path, NULL), name[PATH_MAX];
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < 2; i++) {
		int n = snprintf(name, sizeof(name), "%s%s",
		    real != NULL ? real : path, beside[i]);

		if (n > 0 && n < (int)sizeof(name) && access(name, F_OK) == 0)
			st = rf_fail(err, RF_EXISTS,
			    "%s: %s is beside it, as of a database that a "
			    "collector writes to; name another file, or remove "
			    "both if none does",
			    path, name);
	}
	free(real);
	return st;
}

/* A database says who talks to whom: only its owner may read the copy. */
static enum rf_status
put(FILE *copy, const char *path, struct rf_error *err)
{
	struct output out;
	enum rf_status st = output_open(&out, path, true, err);

	if (st != RF_OK)
		return st;
	return output_close(&out, output_pour(&out, copy, err), err);
}

static int
run(const struct backup_options *o)
{
	struct rf_error err;
	enum rf_status st;
	FILE *copy;
	int fd;

	st =
	    output_is_stdout(o->output) ? RF_OK : check_target(o->output, &err);
	if (st == RF_OK && (st = store_backup(&fd, o->db, &err)) == RF_OK) {
		if ((copy = fdopen(fd, "r")) == NULL) {
			st = rf_fail(&err, RF_NOMEM, "%s", strerror(errno));
			(void)close(fd);
		} else {
			st = put(copy, o->output, &err);
			(void)fclose(copy);
		}
	}
	if (st == RF_OK)
		return STATUS_OK;
	fprintf(stderr, "ringfence backup: %s\n", err.msg);
	return STATUS_FAILURE;
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
	return dataset_check_output(&backup_spec, o->db, o->output);
}

int
cmd_backup(int argc, char **argv)
{
	struct backup_options o = { 0 };
	struct arena arena;
	int status;

	arena_init(&arena, 0);
	status = options_parse(&backup_spec, argc, argv, &o, &arena);
	if (status == OPTIONS_RUN)
		status = check(&o);
	if (status == OPTIONS_RUN)
		status = run(&o);
	arena_release(&arena);
	return status;
}
