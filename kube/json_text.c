/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/json_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/utf8.h"

#define RESERVE_BYTES ((size_t)64 << 10)

static const char no_memory[] = "out of memory";

/*
 * A thread's reading. Where there is no memory jansson is given some of the
 * reserve, which only has to last until it has read what it holds of the text
 * (a chunk of 1024 bytes): the text ends there, and nothing of it is kept. No
 * page of the reserve exists until then.
 */
static _Thread_local struct reading {
	const char *text;
	size_t len;
	bool going, was_refused;
	size_t used; /* of the reserve */
	_Alignas(max_align_t) char reserve[RESERVE_BYTES];
} reading;

static void *
allocate(size_t size)
{
	struct reading *r = &reading;
	void *p = malloc(size);

	if (p != NULL)
		return p;
	r->was_refused = true;
	if (!r->going)
		return NULL;
	if (size > RESERVE_BYTES - r->used)
		return NULL;
	p = r->reserve + r->used;
	r->used += size;
	r->used += -r->used & (_Alignof(max_align_t) - 1);
	return p;
}

static void
release(void *p)
{
	const struct reading *r = &reading;

	if ((uintptr_t)p < (uintptr_t)r->reserve ||
	    (uintptr_t)p >= (uintptr_t)r->reserve + RESERVE_BYTES)
		free(p);
}

/* Before main, for jansson must not change its mind later. */
__attribute__((constructor)) static void
install(void)
{
	json_set_alloc_funcs(allocate, release);
}

static size_t
next_chunk(void *buffer, size_t size, void *arg)
{
	struct reading *r = arg;
	size_t n = r->len < size ? r->len : size;

	if (r->was_refused)
		return 0;
	memcpy(buffer, r->text, n);
	r->text += n;
	r->len -= n;
	return n;
}

json_t *
json_text_read(const char *text, size_t len, size_t flags, json_error_t *why)
{
	struct reading *r = &reading;
	json_t *j;

	r->text = text;
	r->len = len;
	r->going = true;
	r->was_refused = false;
	r->used = 0;
	j = json_load_callback(next_chunk, r, flags, why);
	r->going = false;
	if (!r->was_refused)
		return j;
	json_decref(j); /* a token of it may lack a character */
	(void)snprintf(why->text, sizeof(why->text), "%s", no_memory);
	return NULL;
}

enum rf_status
json_text_status(const json_error_t *why)
{
	return strcmp(why->text, no_memory) == 0 ? RF_NOMEM : RF_CORRUPT;
}

char *
json_text_write(const json_t *j, size_t flags)
{
	char *text;

	reading.was_refused = false;
	text = json_dumps(j, flags);
	if (!reading.was_refused)
		return text;
	free(text);
	return NULL;
}

static void
quote_odd(struct strbuf *sb, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = strchr(from, c);

	if (at != NULL)
		strbuf_printf(sb, "\\%c", to[at - from]);
	else
		strbuf_printf(sb, "\\u%04X", c);
}

bool
json_text_quote(struct strbuf *sb, const char *s)
{
	const char *from = s, *end = s + strlen(s);

	strbuf_putc(sb, '"');
	while (s < end) {
		unsigned char c = (unsigned char)*s;
		size_t n = c < 0x80 ? 1 : utf8_bytes(s, end);

		if (n == 0)
			return false;
		if (c >= 0x20 && c != '"' && c != '\\') {
			s += n;
			continue;
		}
		strbuf_add(sb, from, (size_t)(s - from));
		quote_odd(sb, c);
		from = ++s;
	}
	strbuf_add(sb, from, (size_t)(s - from));
	strbuf_putc(sb, '"');
	return !strbuf_failed(sb);
}
