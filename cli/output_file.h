/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_file: what -o names a file for, whole or not at all.
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/beside.h"
#include "core/strbuf.h"

/* Does -o mean standard output: NULL or "-"? */
bool output_is_stdout(const char *path);

/*
 * What must not be replaced by a file: a device, a pipe, a link such as
 * /dev/stdout. It is written to, like standard output.
 */
bool output_is_special(const char *path);

/* Do both name one file, which is there? */
bool output_is_same(const char *a, const char *b);

/* Being written: beside its path, unless that is special. */
struct output {
	FILE *f;
	const char *path;
	struct beside beside; /* its fd is -1: f is what path names */
};

/*
 * Begin a file. A new one gets the usual permissions and one that replaces
 * another keeps those, but with is_private only its owner may read it.
 */
RF_MUST_USE enum rf_status output_open(
    struct output *o, const char *path, bool is_private, struct rf_error *err);

/*
 * st RF_OK: what was written takes its place, safe from a crash of the
 * machine. Else, and where that fails, what stood there still does. Returns
 * st, or what went wrong.
 */
RF_MUST_USE enum rf_status output_close(
    struct output *o, enum rf_status st, struct rf_error *err);

/* All of f from where it stands, to o. */
RF_MUST_USE enum rf_status output_pour(
    struct output *o, FILE *f, struct rf_error *err);

/* To standard output, or a file of its own. */
RF_MUST_USE enum rf_status output_write(
    const char *path, const struct strbuf *text, struct rf_error *err);

/*
 * As tmpfile(3), or in memory where no folder for temporary files can be
 * written, as in a container whose root is read-only. NULL: see errno.
 */
FILE *output_scratch(void);

#endif
