/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream around the objects: finds where each item begins and ends, so
 * that only one of them is parsed and held at a time, and counts lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "kube/error_line.h"
#include "kube/json_text.h"
#include "kube/snapshot_internal.h"

#define READ_BYTES     65536
#define ITEM_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* An item whose kind will only be told behind the list. */
struct waiting {
	char *text;
	size_t len;
	uint32_t line;
};

struct scan {
	struct snapshot_builder *sb;
	FILE *f;
	const char *name;
	uint32_t line;
	size_t at, n;
	struct strbuf text; /* of the value in hand */
	struct waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct rf_error *err;
	char buf[READ_BYTES];
};

/* The next character, not taken; EOF at the end or on an error. */
static int
peek(struct scan *s)
{
	if (s->at == s->n) {
		s->at = 0;
		s->n = fread(s->buf, 1, sizeof(s->buf), s->f);
		if (s->n == 0)
			return EOF;
	}
	return (unsigned char)s->buf[s->at];
}

static int
peek_text(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\r' || c == '\n') {
		s->line += c == '\n';
		s->at++;
	}
	return c;
}

static enum rf_status
refuse(struct scan *s, const char *what)
{
	if (ferror(s->f))
		return rf_fail(
		    s->err, RF_IO, "%s: %s", s->name, strerror(errno));
	return rf_fail(
	    s->err, RF_CORRUPT, "%s:%u: %s", s->name, (unsigned)s->line, what);
}

static enum rf_status
expect(struct scan *s, char want)
{
	char what[] = "expected '?'";

	if (peek_text(s) != want) {
		what[sizeof(what) - 3] = want;
		return refuse(s, what);
	}
	s->at++;
	return RF_OK;
}

/* Where the value that is being copied stands. */
struct extent {
	unsigned depth;
	bool in_string, is_escaped;
};

/* Is the value complete with c? */
static bool
step(struct extent *x, char c)
{
	if (x->in_string) {
		if (x->is_escaped)
			x->is_escaped = false;
		else if (c == '\\')
			x->is_escaped = true;
		else if (c == '"')
			x->in_string = false;
		return !x->in_string && x->depth == 0;
	}
	if (c == '"')
		x->in_string = true;
	else if (c == '{' || c == '[')
		x->depth++;
	else if (c == '}' || c == ']')
		return --x->depth == 0;
	return false;
}

static bool
ends_scalar(char c)
{
	return strchr(",]} \t\r\n", c) != NULL;
}

/*
 * Copy one value to s->text; *line is where it begins. Whether it is JSON,
 * jansson says: here it must only have an end. At the end of the file it is
 * as long as it is.
 */
static enum rf_status
copy_value(struct scan *s, uint32_t *line)
{
	struct extent x = { 0 };
	int first = peek_text(s);
	bool is_scalar, is_done = first == EOF;

	*line = s->line;
	is_scalar = first != '{' && first != '[' && first != '"';
	strbuf_clear(&s->text);
	while (!is_done && peek(s) != EOF) {
		size_t from = s->at;

		for (; !is_done && s->at < s->n; s->at++) {
			char c = s->buf[s->at];

			if (is_scalar && ends_scalar(c)) {
				is_done = true;
				break;
			}
			s->line += c == '\n';
			is_done = !is_scalar && step(&x, c);
		}
		strbuf_add(&s->text, s->buf + from, s->at - from);
	}
	if (ferror(s->f))
		return refuse(s, "");
	if (strbuf_failed(&s->text) && !s->text.is_full)
		return rf_fail(s->err, RF_NOMEM, "out of memory");
	if (strbuf_failed(&s->text))
		return rf_fail(s->err, RF_LIMIT,
		    "%s:%u: a value of more than 64 MiB", s->name,
		    (unsigned)*line);
	return RF_OK;
}

static enum rf_status
parse_text(
    struct scan *s, const char *text, size_t len, uint32_t line, json_t **out)
{
	json_error_t je;

	*out = NULL;
	if (memchr(text, '\0', len) != NULL) /* jansson would just skip it */
		return rf_fail(s->err, RF_CORRUPT,
		    "%s:%u: not JSON: a NUL character", s->name,
		    (unsigned)line);
	*out = json_text_read(text, len, JSON_DECODE_ANY, &je);
	if (*out != NULL)
		return RF_OK;
	return rf_fail(s->err, json_text_status(&je), "%s:%u: not JSON: %s",
	    s->name,
	    (unsigned)(line + (uint32_t)(je.line > 0 ? je.line - 1 : 0)),
	    je.text);
}

static enum rf_status
parse_value(struct scan *s, json_t **out, uint32_t *line)
{
	enum rf_status st = copy_value(s, line);

	*out = NULL;
	if (st != RF_OK)
		return st;
	return parse_text(s, strbuf_str(&s->text), s->text.len, *line, out);
}

static const char *
text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static enum rf_status
keep_waiting(struct scan *s, uint32_t line)
{
	struct waiting *w;

	if (s->n_waiting == s->cap_waiting) {
		size_t cap = s->cap_waiting == 0 ? 64 : s->cap_waiting * 2;

		w = reallocarray(s->waiting, cap, sizeof(*w));
		if (w == NULL)
			return rf_fail(s->err, RF_NOMEM, "out of memory");
		s->waiting = w;
		s->cap_waiting = cap;
	}
	w = &s->waiting[s->n_waiting];
	w->text = malloc(s->text.len + 1);
	if (w->text == NULL)
		return rf_fail(s->err, RF_NOMEM, "out of memory");
	memcpy(w->text, strbuf_str(&s->text), s->text.len);
	w->len = s->text.len;
	w->line = line;
	s->n_waiting++;
	return RF_OK;
}

static void
drop_waiting(struct scan *s)
{
	for (size_t i = 0; i < s->n_waiting; i++)
		free(s->waiting[i].text);
	s->n_waiting = 0;
}

/* Whoever gathers Lists with jq puts them into each other. */
static enum rf_status
take_item(struct scan *s, json_t *json, uint32_t line, const json_t *list)
{
	const json_t *inner = json_object_get(json, "items");
	enum rf_status st = RF_OK;
	struct snapshot_item item = { .json = json,
		.file = s->name,
		.line = line,
		.kind = text_of(list, "kind"),
		.api_version = text_of(list, "apiVersion"),
		.in_list = true };

	if (!json_is_array(inner))
		return snapshot_take_item(s->sb, &item, s->err);
	item.kind = text_of(json, "kind");
	item.api_version = text_of(json, "apiVersion");
	for (size_t i = 0; st == RF_OK && i < json_array_size(inner); i++) {
		item.json = json_array_get(inner, i);
		if (!json_is_object(item.json))
			st = refuse(s, "items: expected an object");
		else
			st = snapshot_take_item(s->sb, &item, s->err);
	}
	return st;
}

static enum rf_status
read_item(struct scan *s, const json_t *list)
{
	enum rf_status st;
	json_t *json;
	uint32_t line;

	if (peek_text(s) != '{')
		return refuse(s, "items: expected an object");
	if ((st = parse_value(s, &json, &line)) != RF_OK)
		return st;
	if (text_of(json, "kind") == NULL && text_of(list, "kind") == NULL)
		st = keep_waiting(s, line);
	else
		st = take_item(s, json, line, list);
	json_decref(json);
	return st;
}

static enum rf_status
read_items(struct scan *s, const json_t *list)
{
	enum rf_status st;

	if (peek_text(s) == 'n') { /* null is an empty list */
		json_t *json;
		uint32_t line;

		st = parse_value(s, &json, &line);
		json_decref(json);
		return st;
	}
	if ((st = expect(s, '[')) != RF_OK)
		return st;
	if (peek_text(s) == ']') {
		s->at++;
		return RF_OK;
	}
	for (;;) {
		if ((st = read_item(s, list)) != RF_OK)
			return st;
		if (peek_text(s) != ',')
			return expect(s, ']');
		s->at++;
	}
}

static enum rf_status
read_waiting(struct scan *s, const json_t *list)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < s->n_waiting; i++) {
		const struct waiting *w = &s->waiting[i];
		json_t *json;

		st = parse_text(s, w->text, w->len, w->line, &json);
		if (st == RF_OK)
			st = take_item(s, json, w->line, list);
		json_decref(json);
	}
	drop_waiting(s);
	return st;
}

/* One member of the outer object: items are read on the spot, all else is
 * gathered in outer. */
static enum rf_status
read_member(struct scan *s, json_t *outer, bool *is_list)
{
	enum rf_status st;
	json_t *key, *value = NULL;
	uint32_t line;

	if (peek_text(s) != '"')
		return refuse(s, "expected a member's name");
	if ((st = parse_value(s, &key, &line)) != RF_OK)
		return st;
	if ((st = expect(s, ':')) != RF_OK)
		goto out;
	if (strcmp(json_string_value(key), "items") == 0) {
		*is_list = true;
		snapshot_list_begin(s->sb);
		st = read_items(s, outer);
		goto out;
	}
	st = parse_value(s, &value, &line);
	if (st == RF_OK &&
	    json_object_set(outer, json_string_value(key), value) != 0)
		st = rf_fail(s->err, RF_NOMEM, "out of memory");
	json_decref(value);
out:
	json_decref(key);
	return st;
}

static bool
is_page(const json_t *list)
{
	const char *more =
	    text_of(json_object_get(list, "metadata"), "continue");

	return more != NULL && *more != '\0';
}

static enum rf_status
take_event(struct scan *s, const json_t *outer, uint32_t line)
{
	const char *type = text_of(outer, "type");
	struct snapshot_item item = { .json = json_object_get(outer, "object"),
		.file = s->name,
		.line = line };

	s->sb->stats.events++;
	if (strcmp(type, "BOOKMARK") == 0 || strcmp(type, "ERROR") == 0) {
		s->sb->stats.skipped++;
		return RF_OK;
	}
	if (strcmp(type, "DELETED") == 0)
		item.is_deleted_event = true;
	else if (strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0)
		return rf_fail(s->err, RF_CORRUPT,
		    "%s:%u: unknown event type \"%.40s\"", s->name,
		    (unsigned)line, type);
	return snapshot_take_item(s->sb, &item, s->err);
}

static enum rf_status
take_outer(struct scan *s, json_t *outer, uint32_t line, bool is_list)
{
	struct snapshot_item item = {
		.json = outer, .file = s->name, .line = line
	};
	enum rf_status st;

	if (is_list) {
		st = read_waiting(s, outer);
		if (st == RF_OK)
			snapshot_list_end(
			    s->sb, text_of(outer, "kind"), is_page(outer));
		return st;
	}
	if (text_of(outer, "type") != NULL &&
	    json_is_object(json_object_get(outer, "object")))
		return take_event(s, outer, line);
	return snapshot_take_item(s->sb, &item, s->err);
}

/* A comma, behind which another member must follow. */
static enum rf_status
read_comma(struct scan *s)
{
	enum rf_status st = expect(s, ',');

	if (st == RF_OK && peek_text(s) != '"')
		st = refuse(s, "expected a member's name");
	return st;
}

static enum rf_status
read_outer(struct scan *s)
{
	uint32_t line = s->line;
	json_t *outer = json_object();
	bool is_list = false;
	enum rf_status st;

	if (outer == NULL)
		return rf_fail(s->err, RF_NOMEM, "out of memory");
	if ((st = expect(s, '{')) != RF_OK)
		goto out;
	while (st == RF_OK && peek_text(s) != '}') {
		st = read_member(s, outer, &is_list);
		if (st == RF_OK && peek_text(s) != '}')
			st = read_comma(s);
	}
	if (st != RF_OK)
		goto out;
	s->at++;
	st = take_outer(s, outer, line, is_list);
out:
	json_decref(outer);
	return st;
}

enum rf_status
snapshot_read(struct snapshot_builder *sb, FILE *f, const char *name,
    struct rf_error *err)
{
	struct scan *s = calloc(1, sizeof(*s));
	enum rf_status st = RF_OK;

	if (s == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	s->sb = sb;
	s->f = f;
	s->name = name;
	s->err = err;
	s->line = 1;
	strbuf_init(&s->text, ITEM_BYTES_MAX);
	while (st == RF_OK && peek_text(s) != EOF)
		st = read_outer(s);
	if (st == RF_OK && ferror(f))
		st = refuse(s, "");
	if (st != RF_OK)
		error_keep_one_line(err);
	drop_waiting(s);
	free(s->waiting);
	strbuf_release(&s->text);
	free(s);
	return st;
}
