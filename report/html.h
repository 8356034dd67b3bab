/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html: names from objects and from the wire, made safe for a page.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "core/strbuf.h"

/*
 * Append text so that HTML, SVG and XML show it and take none of it for
 * markup, neither as text nor as the value of a quoted attribute. Control
 * characters, also those that reorder text, and what is no UTF-8 become
 * \xNN as report/text.h says.
 */
void html_text(struct strbuf *out, const char *text);

/* The same, shortened to max characters, at least 3. More is kept of the end,
 * for what belongs together begins alike: release-chart-component. */
void html_short(struct strbuf *out, const char *text, size_t max);

#endif
