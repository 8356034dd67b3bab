/* SPDX-License-Identifier: Apache-2.0 */
/*
 * markdown: names from objects and from the wire, made safe for a comment.
 *
 * Every character that Markdown, its table, mention and link extensions or
 * HTML could take for more than itself becomes a character reference, which
 * none of them reads as structure; control characters become \xNN as
 * report/text.h says. So a name stays on its line, in its cell, and calls
 * nobody.
 */
#ifndef REPORT_MARKDOWN_H
#define REPORT_MARKDOWN_H

#include "core/strbuf.h"

/* Append text, for prose or a table's cell. */
void markdown_text(struct strbuf *out, const char *text);

/* The same within <code>, where mentions and issue numbers are not looked
 * for either. Nothing for "". */
void markdown_code(struct strbuf *out, const char *text);

#endif
