/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strbuf: text that grows, up to a maximum that is fixed at its birth.
 *
 * The first failure (memory or maximum) sticks: later calls do nothing and
 * strbuf_failed says so, so that a writer of a hundred pieces checks once.
 */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

struct strbuf {
	char *s;    /* NUL-terminated; never NULL once something was added */
	size_t len; /* without the NUL */
	size_t cap, max;
	bool failed, is_full; /* is_full: it failed because of max */
};

/* Caller storage; nothing is allocated yet. max bounds len, in bytes. */
void strbuf_init(struct strbuf *sb, size_t max);
void strbuf_release(struct strbuf *sb);

/* Empty it, keep the memory. That max was passed is forgotten; that there was
 * no memory is not, so that a writer of many lines checks once. */
void strbuf_clear(struct strbuf *sb);

void strbuf_add(struct strbuf *sb, const char *s, size_t n);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) RF_PRINTF(2, 3);

bool strbuf_failed(const struct strbuf *sb);

/* The text so far; "" when empty. Borrowed until the next change. */
const char *strbuf_str(const struct strbuf *sb);

#endif
