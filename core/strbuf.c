/* SPDX-License-Identifier: Apache-2.0 */
#include "core/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
strbuf_init(struct strbuf *sb, size_t max)
{
	*sb = (struct strbuf){ .max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4 };
}

void
strbuf_release(struct strbuf *sb)
{
	free(sb->s);
	strbuf_init(sb, sb->max);
}

void
strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->is_full)
		sb->failed = sb->is_full = false;
	if (sb->s != NULL)
		sb->s[0] = '\0';
}

/* Room for n more bytes and a NUL, or the failed mark. */
static bool
reserve(struct strbuf *sb, size_t n)
{
	size_t want;
	char *p;

	if (!sb->failed && n > sb->max - sb->len)
		sb->failed = sb->is_full = true;
	if (sb->failed)
		return false;
	want = sb->len + n + 1;
	if (want <= sb->cap)
		return true;
	if (want < sb->cap * 2)
		want = sb->cap * 2;
	if (want < 128)
		want = 128;
	p = realloc(sb->s, want);
	if (p == NULL) {
		sb->failed = true;
		return false;
	}
	sb->s = p;
	sb->cap = want;
	return true;
}

void
strbuf_add(struct strbuf *sb, const char *s, size_t n)
{
	if (!reserve(sb, n))
		return;
	memcpy(sb->s + sb->len, s, n);
	sb->len += n;
	sb->s[sb->len] = '\0';
}

void
strbuf_puts(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void
strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void
strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		sb->failed = true;
	else if (reserve(sb, (size_t)n)) {
		(void)vsnprintf(sb->s + sb->len, (size_t)n + 1, fmt, again);
		sb->len += (size_t)n;
	}
	va_end(again);
}

bool
strbuf_failed(const struct strbuf *sb)
{
	return sb->failed;
}

const char *
strbuf_str(const struct strbuf *sb)
{
	return sb->s != NULL ? sb->s : "";
}
