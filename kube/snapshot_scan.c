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
	const char *value;  /* that, or in buf */
	size_t value_len;
	struct json_tree members; /* of the outer object, but items */
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

/* What is wrong with a text that is no JSON: jansson has words for it. */
static enum rf_status
refuse_text(const struct scan *s, const char *text, size_t len, uint32_t line)
{
	json_error_t je = { .line = 1, .text = "not understood" };

	if (memchr(text, '\0', len) != NULL) /* jansson would just skip it */
		return rf_fail(s->err, RF_CORRUPT,
		    "%s:%u: not JSON: a NUL character", s->name,
		    (unsigned)line);
	json_decref(json_text_read(text, len, JSON_DECODE_ANY, &je));
	return rf_fail(s->err, json_text_status(&je), "%s:%u: not JSON: %s",
	    s->name,
	    (unsigned)(line + (uint32_t)(je.line > 0 ? je.line - 1 : 0)),
	    je.text);
}

static enum rf_status
parse_text(struct scan *s, struct json_tree *t, const char *text, size_t len,
    uint32_t line, const struct json_node **out)
{
	size_t used;
	enum rf_status st = json_tree_read(t, text, len, out, &used);

	if (st == RF_NOMEM)
		return rf_fail(s->err, st, "out of memory");
	if (st == RF_OK && json_is_space(text + used, len - used))
		return RF_OK;
	return refuse_text(s, text, len, line);
}

static uint32_t
count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t n = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		n++;
	}
	return n;
}

/* Most values lie in the buffer from one end to the other. */
static bool
parse_here(struct scan *s, struct json_tree *t, const struct json_node **out)
{
	size_t used;

	if (json_tree_read(t, s->buf + s->at, s->n - s->at, out, &used) !=
	    RF_OK)
		return false;
	s->value = s->buf + s->at;
	s->value_len = used;
	s->line += count_lines(s->value, used);
	s->at += used;
	return true;
}

/* A value is read where it lies. Where that does not go, because not all of it
 * is there or because it is wrong, it is put together first. */
static enum rf_status
parse_value(struct scan *s, struct json_tree *t, const struct json_node **out,
    uint32_t *line)
{
	int first = peek_text(s);
	enum rf_status st;

	*out = NULL;
	*line = s->line;
	if ((first == '{' || first == '[' || first == '"') &&
	    parse_here(s, t, out))
		return RF_OK;
	if ((st = copy_value(s, line)) != RF_OK)
		return st;
	s->value = strbuf_str(&s->text);
	s->value_len = s->text.len;
	return parse_text(s, t, s->value, s->value_len, *line, out);
}

static const char *
text_of(const struct json_node *j, const char *key)
{
	return json_node_text(json_node_get(j, key));
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
	w->text = malloc(s->value_len);
	if (w->text == NULL)
		return rf_fail(s->err, RF_NOMEM, "out of memory");
	memcpy(w->text, s->value, s->value_len);
	w->len = s->value_len;
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

/* An outer object while it is read: its members but items. */
struct outer {
	struct json_node *v;
	size_t n, cap;
	const char *kind, *api_version; /* as far as it has been read */
	bool is_list;
};

/* Whoever gathers Lists with jq puts them into each other. */
static enum rf_status
take_item(struct scan *s, const struct json_node *json, uint32_t line,
    const struct outer *list)
{
	const struct json_node *inner = json_node_get(json, "items");
	enum rf_status st = RF_OK;
	struct snapshot_item item = { .json = json,
		.file = s->name,
		.line = line,
		.kind = list->kind,
		.api_version = list->api_version,
		.in_list = true };

	if (!json_node_is(inner, JSON_NODE_LIST))
		return snapshot_take_item(s->sb, &item, s->err);
	item.kind = text_of(json, "kind");
	item.api_version = text_of(json, "apiVersion");
	for (size_t i = 0; st == RF_OK && i < json_node_size(inner); i++) {
		item.json = json_node_at(inner, i);
		if (!json_node_is(item.json, JSON_NODE_MAP))
			st = refuse(s, "items: expected an object");
		else
			st = snapshot_take_item(s->sb, &item, s->err);
	}
	return st;
}

static enum rf_status
read_item(struct scan *s, const struct outer *list)
{
	const struct json_node *json;
	enum rf_status st;
	uint32_t line;

	if (peek_text(s) != '{')
		return refuse(s, "items: expected an object");
	st = parse_value(s, &s->sb->tree, &json, &line);
	if (st == RF_OK && text_of(json, "kind") == NULL && list->kind == NULL)
		st = keep_waiting(s, line);
	else if (st == RF_OK)
		st = take_item(s, json, line, list);
	json_tree_clear(&s->sb->tree);
	return st;
}

static enum rf_status
read_items(struct scan *s, const struct outer *list)
{
	enum rf_status st;

	if (peek_text(s) == 'n') { /* null is an empty list */
		const struct json_node *json;
		uint32_t line;

		st = parse_value(s, &s->sb->tree, &json, &line);
		json_tree_clear(&s->sb->tree);
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
read_waiting(struct scan *s, const struct outer *list)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < s->n_waiting; i++) {
		const struct waiting *w = &s->waiting[i];
		const struct json_node *json;

		st = parse_text(
		    s, &s->sb->tree, w->text, w->len, w->line, &json);
		if (st == RF_OK)
			st = take_item(s, json, w->line, list);
		json_tree_clear(&s->sb->tree);
	}
	drop_waiting(s);
	return st;
}

static enum rf_status
add_member(struct scan *s, struct outer *o, const char *key,
    const struct json_node *value)
{
	size_t len = strlen(key);

	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 16 : o->cap * 2;
		struct json_node *v = reallocarray(o->v, cap, sizeof(*v));

		if (v == NULL)
			return rf_fail(s->err, RF_NOMEM, "out of memory");
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n] = *value;
	o->v[o->n].key = key;
	o->v[o->n++].key_len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
	if (strcmp(key, "kind") == 0)
		o->kind = json_node_text(value);
	if (strcmp(key, "apiVersion") == 0)
		o->api_version = json_node_text(value);
	return RF_OK;
}

/* One member of the outer object: items are read on the spot. */
static enum rf_status
read_member(struct scan *s, struct outer *o)
{
	const struct json_node *key, *value;
	enum rf_status st;
	uint32_t line;

	if (peek_text(s) != '"')
		return refuse(s, "expected a member's name");
	if ((st = parse_value(s, &s->members, &key, &line)) != RF_OK)
		return st;
	if ((st = expect(s, ':')) != RF_OK)
		return st;
	if (strcmp(key->text, "items") == 0) {
		o->is_list = true;
		snapshot_list_begin(s->sb);
		return read_items(s, o);
	}
	st = parse_value(s, &s->members, &value, &line);
	return st == RF_OK ? add_member(s, o, key->text, value) : st;
}

/* Does more of it follow? A token that is no text is wrong. */
static enum rf_status
read_page(struct scan *s, const struct json_node *list, bool *is_page)
{
	const struct json_node *token =
	    json_node_get(json_node_get(list, "metadata"), "continue");
	const char *more = json_node_text(token);

	*is_page = more != NULL && *more != '\0';
	if (token != NULL && more == NULL &&
	    !json_node_is(token, JSON_NODE_NULL))
		return refuse(s, "metadata.continue: wants a string");
	return RF_OK;
}

static enum rf_status
take_event(struct scan *s, const struct json_node *outer, uint32_t line)
{
	const char *type = text_of(outer, "type");
	struct snapshot_item item = { .json = json_node_get(outer, "object"),
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
take_outer(struct scan *s, struct outer *o, uint32_t line)
{
	struct json_node map = { 0 };
	const struct snapshot_item item = {
		.json = &map, .file = s->name, .line = line
	};
	enum rf_status st = json_tree_map(o->v, o->n, &map);
	bool is_page;

	if (st != RF_OK)
		return rf_fail(s->err, st, "out of memory");
	if (o->is_list) {
		if ((st = read_waiting(s, o)) == RF_OK)
			st = read_page(s, &map, &is_page);
		if (st == RF_OK)
			snapshot_list_end(
			    s->sb, text_of(&map, "kind"), is_page);
		return st;
	}
	if (text_of(&map, "type") != NULL &&
	    json_node_is(json_node_get(&map, "object"), JSON_NODE_MAP))
		return take_event(s, &map, line);
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
	struct outer o = { 0 };
	enum rf_status st = expect(s, '{');

	while (st == RF_OK && peek_text(s) != '}') {
		st = read_member(s, &o);
		if (st == RF_OK && peek_text(s) != '}')
			st = read_comma(s);
	}
	if (st == RF_OK) {
		s->at++;
		st = take_outer(s, &o, line);
	}
	json_tree_clear(&s->members);
	free(o.v);
	return st;
}

/* Pass over a byte order mark, and refuse what cannot be a snapshot. */
static enum rf_status
read_head(struct scan *s)
{
	const char *why;

	(void)peek(s);
	s->at += snapshot_head_mark(s->buf, s->n);
	why = snapshot_head_explain(s->buf + s->at, s->n - s->at);
	if (why != NULL)
		return refuse(s, why);
	/* What a kubectl that failed leaves would be a cluster of nothing. */
	if (peek_text(s) == EOF)
		return refuse(s, "empty, where kubectl's objects should be");
	return RF_OK;
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
	st = read_head(s);
	while (st == RF_OK && peek_text(s) != EOF)
		st = peek_text(s) == '{'
		    ? read_outer(s)
		    : refuse(s, "expected '{', as kubectl's -o json prints");
	if (st == RF_OK && ferror(f))
		st = refuse(s, "");
	if (st != RF_OK)
		error_keep_one_line(err);
	drop_waiting(s);
	free(s->waiting);
	strbuf_release(&s->text);
	json_tree_release(&s->members);
	free(s);
	return st;
}
