/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text: jansson's reader and writer, made safe against want of memory.
 *
 * jansson itself calls that a mistake in the text, wherever it just was, and
 * where a long token has to grow it drops a character of it and goes on:
 * "matchExpressions" comes out as "matchExpressios"; elsewhere it crashes. What
 * it writes then may lack a key, and nothing is said. So nobody else calls
 * json_loadb(), json_dumps() and their like (tests/lint/arrows.sh).
 */
#ifndef KUBE_JSON_TEXT_H
#define KUBE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/strbuf.h"

/* As json_loadb(3); why may not be NULL. */
json_t *json_text_read(
    const char *text, size_t len, size_t flags, json_error_t *why);

/* RF_NOMEM or RF_CORRUPT, after json_text_read gave NULL. */
enum rf_status json_text_status(const json_error_t *why);

/* As json_dumps(3); the caller frees. NULL: out of memory. */
char *json_text_write(const json_t *j, size_t flags);

/* Add s as jansson writes a string. false: it is not UTF-8, or sb failed. */
bool json_text_quote(struct strbuf *sb, const char *s);

#endif
