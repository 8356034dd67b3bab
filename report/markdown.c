/* SPDX-License-Identifier: Apache-2.0 */
#include "report/markdown.h"

#include <string.h>

#include "report/text.h"

/* What never means anything but itself, with letters, digits and all that is
 * not ASCII. */
#define HARMLESS " -/,;%?+="

static bool
is_harmless(const char *s, size_t i)
{
	unsigned char c = (unsigned char)s[i];

	if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	/* "www." and "http://" begin links. */
	if (c == '.')
		return i == 0 || (s[i - 1] != 'w' && s[i - 1] != 'W');
	if (c == ':')
		return s[i + 1] != '/';
	return strchr(HARMLESS, c) != NULL;
}

static void
add_escaped(struct strbuf *out, const char *s)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (is_harmless(s, i))
			strbuf_putc(out, s[i]);
		else
			strbuf_printf(out, "&#%u;", (unsigned char)s[i]);
	}
}

void
markdown_text(struct strbuf *out, const char *text)
{
	struct strbuf visible;

	strbuf_init(&visible, out->max);
	text_escape(&visible, text);
	add_escaped(out, strbuf_str(&visible));
	if (strbuf_failed(&visible))
		out->failed = true;
	strbuf_release(&visible);
}

void
markdown_code(struct strbuf *out, const char *text)
{
	if (*text == '\0')
		return;
	strbuf_puts(out, "<code>");
	markdown_text(out, text);
	strbuf_puts(out, "</code>");
}
