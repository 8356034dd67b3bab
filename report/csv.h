/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv: RFC 4180 to a stream: CRLF after each record, quotes where they are
 * needed. Control characters are escaped as report/text.h says, so a record
 * is always one line.
 */
#ifndef REPORT_CSV_H
#define REPORT_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"
#include "core/strbuf.h"

struct csv {
	FILE *out;
	bool has_field; /* in the record that is being written */
	struct strbuf scratch;
};

void csv_init(struct csv *c, FILE *out);
void csv_release(struct csv *c);

/* One field; NULL and "" are empty. */
void csv_text(struct csv *c, const char *text);
void csv_unsigned(struct csv *c, uint64_t v);
void csv_record_end(struct csv *c);

/* Did every field fit into memory? */
bool csv_failed(const struct csv *c);

#endif
