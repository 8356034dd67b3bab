/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: names from objects and from the wire, made safe to show.
 *
 * Such a name can hold anything: quotes, newlines, escape sequences that
 * rewrite a terminal, bytes that are no UTF-8. Every writer of report/ passes
 * it through here or through json_writer.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/strbuf.h"

#define TEXT_INVALID UINT32_MAX

/*
 * Decode the code point at s, which is not at its end; *len receives the
 * bytes it takes. TEXT_INVALID and 1 where they are no UTF-8 (overlong forms,
 * surrogates and what lies beyond U+10FFFF included).
 */
uint32_t text_decode(const char *s, size_t *len);

/*
 * Would it move the cursor, colour, reorder or break the line: C0, DEL, C1,
 * line and paragraph separators, direction marks?
 */
bool text_is_control(uint32_t rune);

/*
 * Append s with every byte of a control character or of invalid UTF-8 as
 * \xNN. A backslash stays as it is: this is for eyes, not for parsers.
 */
void text_escape(struct strbuf *out, const char *s);

/* Print the line, escaped, and empty it; safe is overwritten. */
void text_print(FILE *out, struct strbuf *line, struct strbuf *safe);

/*
 * How many columns of a terminal an escaped text takes: one for a character,
 * two for those of East Asia and pictures, none for a mark above or below the
 * one before. Of the first n bytes, which end with a character.
 */
size_t text_columns(const char *s);
size_t text_columns_of(const char *s, size_t n);

/* How many bytes the characters take that fit into so many columns; and where
 * those begin that fit at the end. */
size_t text_head(const char *s, size_t columns);
size_t text_tail(const char *s, size_t columns);

#endif
