/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_writer: JSON to a stream, in the order in which it is told.
 *
 * Nothing is gathered, so a report of any size takes no memory. Objects and
 * arrays are spread over lines unless they were opened inline, in which case
 * they and all inside take one line. Text becomes ASCII-safe JSON: quotes,
 * backslashes and control characters are escaped, invalid UTF-8 becomes
 * U+FFFD. The stream's own error flag says whether writing failed.
 */
#ifndef REPORT_JSON_WRITER_H
#define REPORT_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/ip.h"

#define JSON_WRITER_DEPTH 16

struct json_writer {
	FILE *out;
	unsigned depth;
	unsigned inline_from; /* depth of the outermost inline one; 0: none */
	bool has_member[JSON_WRITER_DEPTH + 1];
};

void json_writer_init(struct json_writer *w, FILE *out);

/* name is the key inside an object, NULL inside an array or at the top. */
void json_writer_object_begin(struct json_writer *w, const char *name);
void json_writer_array_begin(struct json_writer *w, const char *name);
void json_writer_object_begin_inline(struct json_writer *w, const char *name);
void json_writer_array_begin_inline(struct json_writer *w, const char *name);
void json_writer_object_end(struct json_writer *w);
void json_writer_array_end(struct json_writer *w);

/* text NULL: null. */
void json_writer_string(
    struct json_writer *w, const char *name, const char *text);
void json_writer_unsigned(struct json_writer *w, const char *name, uint64_t v);
void json_writer_null(struct json_writer *w, const char *name);
void json_writer_ip(
    struct json_writer *w, const char *name, const struct ip_addr *ip);
/* RFC 3339. */
void json_writer_time(struct json_writer *w, const char *name, int64_t us);

/* The newline that ends the document, or the line. */
void json_writer_end(struct json_writer *w);

#endif
