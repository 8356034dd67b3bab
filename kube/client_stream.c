/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_stream.h"

#include <string.h>

#define VALUE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define OUTER_BYTES_MAX ((size_t)1024 * 1024)

void
client_stream_init(
    struct client_stream *s, bool is_watch, stream_taker *take, void *arg)
{
	*s = (struct client_stream){
		.is_watch = is_watch, .take = take, .arg = arg
	};
	strbuf_init(&s->value, VALUE_BYTES_MAX);
	strbuf_init(&s->outer, OUTER_BYTES_MAX);
}

void
client_stream_release(struct client_stream *s)
{
	strbuf_release(&s->value);
	strbuf_release(&s->outer);
}

bool
client_stream_is_whole(const struct client_stream *s)
{
	return s->depth == 0 && !s->in_string;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The depth at which what is handed over stands. */
static unsigned
level(const struct client_stream *s)
{
	return s->is_watch ? 0 : s->in_items ? 2 : 0;
}

/* Inside a string: c is part of it. A key of the outer object is kept. */
static void
step_string(struct client_stream *s, char c)
{
	if (s->is_escaped)
		s->is_escaped = false;
	else if (c == '\\')
		s->is_escaped = true;
	else if (c == '"')
		s->in_string = false;
	if (!s->in_string || s->depth != 1)
		return;
	if (s->key_len < sizeof(s->key))
		s->key[s->key_len] = c;
	s->key_len++;
}

static bool
opens_items(const struct client_stream *s, char c)
{
	return !s->is_watch && !s->in_items && s->depth == 1 && c == '[' &&
	    s->key_len == 5 && memcmp(s->key, "items", 5) == 0;
}

static enum rf_status
bad(struct rf_error *err, const char *what)
{
	return rf_fail(err, RF_CORRUPT, "the answer is no JSON: %s", what);
}

/* Outside of strings: a bracket may open or close what is handed over. */
static enum rf_status
step_bracket(struct client_stream *s, char c, struct rf_error *err)
{
	if (c == '"') {
		s->in_string = true;
		if (s->depth == 1)
			s->key_len = 0;
		return RF_OK;
	}
	if (c == '{' || c == '[') {
		if (opens_items(s, c))
			s->in_items = true;
		s->depth++;
		return RF_OK;
	}
	if (c != '}' && c != ']')
		return RF_OK;
	if (s->depth == 0)
		return bad(err, "a bracket closes that never opened");
	s->depth--;
	if (s->in_items && s->depth == 1)
		s->in_items = false;
	return RF_OK;
}

static enum rf_status
too_large(struct rf_error *err)
{
	return rf_fail(err, RF_LIMIT,
	    "the answer has a value that does not fit into memory");
}

static enum rf_status
hand_over(struct client_stream *s, struct rf_error *err)
{
	struct strbuf *text =
	    s->depth == 2 || s->is_watch ? &s->value : &s->outer;
	enum stream_part part = s->is_watch ? STREAM_EVENT
	    : s->depth == 2                 ? STREAM_ITEM
					    : STREAM_OUTER;
	enum rf_status st;

	if (strbuf_failed(text))
		return too_large(err);
	st = s->take(s->arg, part, strbuf_str(text), text->len, err);
	strbuf_clear(text);
	s->is_over = part == STREAM_OUTER;
	return st;
}

/* Between values only blanks and, among items, commas may stand. */
static enum rf_status
check_gap(struct client_stream *s, char c, struct rf_error *err)
{
	if (c == '{' || is_blank(c))
		return s->is_over && c == '{' ? bad(err, "more follows it")
					      : RF_OK;
	if (s->depth == 2 && (c == ',' || c == ']'))
		return RF_OK;
	return bad(err, "expected an object");
}

/*
 * One character. It belongs to the value in hand if it stands deeper than
 * what is handed over before or after it.
 */
static enum rf_status
step(struct client_stream *s, char c, struct rf_error *err)
{
	bool was_items = s->in_items;
	unsigned base = level(s), before = s->depth;
	enum rf_status st = RF_OK;

	if (!s->in_string && s->depth == base)
		st = check_gap(s, c, err);
	if (st == RF_OK && s->in_string)
		step_string(s, c);
	else if (st == RF_OK)
		st = step_bracket(s, c, err);
	if (st != RF_OK)
		return st;
	if (was_items || s->is_watch) {
		if (before > base || s->depth > base)
			strbuf_add(&s->value, &c, 1);
		else if (s->depth < base) /* the end of items */
			strbuf_putc(&s->outer, c);
	} else if (before > 0 || s->depth > 0) {
		strbuf_putc(&s->outer, c);
	}
	if (before > base && s->depth == base && !s->in_string)
		return hand_over(s, err);
	return RF_OK;
}

/* How many bytes from data on are plain text of the value in hand: no quote,
 * no bracket, no escape. They are most of what comes. */
static size_t
plain_run(const struct client_stream *s, const char *data, size_t n)
{
	size_t len = 0;

	if (s->is_escaped || s->depth <= level(s) ||
	    (!s->is_watch && s->depth <= 2))
		return 0;
	if (s->in_string)
		while (len < n && data[len] != '"' && data[len] != '\\')
			len++;
	else
		while (len < n && strchr("\"{}[]", data[len]) == NULL)
			len++;
	return len;
}

enum rf_status
client_stream_add(
    struct client_stream *s, const char *data, size_t n, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < n;) {
		size_t run = plain_run(s, data + i, n - i);

		if (run > 0) {
			strbuf_add(
			    s->in_items || s->is_watch ? &s->value : &s->outer,
			    data + i, run);
			i += run;
			continue;
		}
		st = step(s, data[i++], err);
	}
	if (st == RF_OK &&
	    (strbuf_failed(&s->value) || strbuf_failed(&s->outer)))
		st = too_large(err);
	return st;
}
