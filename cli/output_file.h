/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_file: a text that -o names a file for, whole or not at all.
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/error.h"
#include "core/strbuf.h"

/* Does -o mean standard output: NULL or "-"? */
bool output_is_stdout(const char *path);

/*
 * To standard output, or written beside path and renamed; a device, pipe
 * or link of that name is written to instead of replaced. On failure what stood
 * there still does.
 */
RF_MUST_USE enum rf_status output_write(
    const char *path, const struct strbuf *text, struct rf_error *err);

/*
 * As tmpfile(3), or in memory where no folder for temporary files can be
 * written, as in a container whose root is read-only. NULL: see errno.
 */
FILE *output_scratch(void);

#endif
