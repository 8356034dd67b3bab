/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include <string.h>

#include "report/text.h"

#define SCRATCH_MAX ((size_t)1 << 24)

static void
add_safe(struct strbuf *out, char c)
{
	switch (c) {
	case '&':
		strbuf_puts(out, "&amp;");
		break;
	case '<':
		strbuf_puts(out, "&lt;");
		break;
	case '>':
		strbuf_puts(out, "&gt;");
		break;
	case '"':
		strbuf_puts(out, "&quot;");
		break;
	default:
		strbuf_puts(out, "&#39;");
	}
}

/* Names are nearly always plain: those go through in one piece. */
static size_t
plain_length(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] < 0x7f && strchr("&<>\"'", s[n]) == NULL)
		n++;
	return n;
}

/* U+FFFE, U+FFFF and their like are no characters, and XML refuses them. */
static bool
is_shown(uint32_t rune)
{
	return rune != TEXT_INVALID && !text_is_control(rune) &&
	    (rune & 0xfffe) != 0xfffe;
}

void
html_text(struct strbuf *out, const char *text)
{
	while (*text != '\0') {
		size_t n = plain_length(text);

		strbuf_add(out, text, n);
		text += n;
		if (*text == '\0')
			break;
		if (strchr("&<>\"'", *text) != NULL) {
			add_safe(out, *text++);
			continue;
		}
		if (is_shown(text_decode(text, &n)))
			strbuf_add(out, text, n);
		else
			for (size_t i = 0; i < n; i++)
				strbuf_printf(out, "\\x%02x",
				    (unsigned)(unsigned char)text[i]);
		text += n;
	}
}

void
html_short(struct strbuf *out, const char *text, size_t max)
{
	struct strbuf safe, part;
	size_t n, head = max / 3, tail = max - head - 1;

	strbuf_init(&safe, SCRATCH_MAX);
	strbuf_init(&part, SCRATCH_MAX);
	text_escape(&safe, text);
	n = text_columns(strbuf_str(&safe));
	if (n <= max) {
		html_text(out, text);
	} else {
		strbuf_add(&part, strbuf_str(&safe),
		    text_head(strbuf_str(&safe), head));
		strbuf_puts(&part, "\xe2\x80\xa6");
		strbuf_puts(&part,
		    strbuf_str(&safe) + text_tail(strbuf_str(&safe), tail));
		html_text(out, strbuf_str(&part));
	}
	out->failed |= strbuf_failed(&safe) || strbuf_failed(&part);
	strbuf_release(&safe);
	strbuf_release(&part);
}
