/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as values: the only home of libyaml. Its document API is quadratic in
 * anchors and keys, so events are composed here, on a stack of bounded depth;
 * aliases are shared, not copied, and what they would expand to is counted.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "kube/value_internal.h"

#define ALIAS_NODES_MAX 100000

/* A value with what the limits need to know of it. */
struct node {
	struct value v;    /* first: a const struct value * is a node * */
	uint32_t size;     /* values in it, aliases expanded */
	uint8_t height;    /* levels below it */
	bool is_open;      /* its end was not read yet */
	bool is_merge_key; /* a plain << */
};

/* Pairs and items gather in memory that the next collection of this depth
 * uses again, and are copied when their number is known. */
struct frame {
	struct node *node;
	struct pair_builder pairs;
	const struct value **items;
	size_t cap_items;
	struct value_pair pending; /* key: NULL while none waits */
	bool is_merge;             /* the pending key is << */
};

struct composer {
	struct value_reader *r;
	yaml_parser_t parser;
	yaml_event_t event;
	uint32_t base_line;
	struct frame stack[VALUE_DEPTH_MAX];
	unsigned depth;
	struct node key; /* at hand: what is kept of it is its text */
	struct node *root;
	struct node **anchored;
	size_t cap_anchored;
	struct string_map anchors; /* name to place in anchored */
	uint32_t alias_nodes;
	unsigned n_docs; /* that this piece of the text began */
};

static uint32_t
line_of(const struct composer *k, const yaml_mark_t *m)
{
	return (uint32_t)m->line + k->base_line;
}

static uint32_t
event_line(const struct composer *k)
{
	return line_of(k, &k->event.start_mark);
}

static enum rf_status
refuse(struct composer *k, const char *what)
{
	return rf_fail(k->r->err, RF_CORRUPT, "line %u: %s",
	    (unsigned)event_line(k), what);
}

static void
start_node(struct composer *k, struct node *n, enum value_kind kind)
{
	*n = (struct node){ .v.kind = kind,
		.v.line = event_line(k),
		.v.column = (uint32_t)k->event.start_mark.column + 1,
		.size = 1 };
}

static struct node *
new_node(struct composer *k, enum value_kind kind)
{
	struct node *n = arena_alloc(k->r->arena, sizeof(*n));

	if (n != NULL)
		start_node(k, n, kind);
	return n;
}

/* Would a value that comes now be a key? */
static bool
is_key_next(const struct composer *k)
{
	const struct frame *f = &k->stack[k->depth == 0 ? 0 : k->depth - 1];

	return k->depth > 0 && f->node->v.kind == VALUE_MAP &&
	    f->pending.key == NULL;
}

/* Nobody looks at a key again, unless an alias does. */
static struct node *
new_scalar(struct composer *k)
{
	if (!is_key_next(k) || k->event.data.scalar.anchor != NULL)
		return new_node(k, VALUE_STRING);
	start_node(k, &k->key, VALUE_STRING);
	return &k->key;
}

/* Remember an anchor; a later one of the same name takes its place. */
static enum rf_status
set_anchor(struct composer *k, const yaml_char_t *anchor, struct node *n)
{
	const char *name = (const char *)anchor;
	void *v = k->anchored;
	size_t at = k->anchors.n;
	uint32_t *found;

	if (name == NULL)
		return RF_OK;
	if ((found = string_map_find(&k->anchors, name)) != NULL) {
		k->anchored[*found] = n;
		return RF_OK;
	}
	name = arena_strdup(k->r->arena, name);
	if (name == NULL ||
	    !arena_grow(
		k->r->arena, &v, at, &k->cap_anchored, sizeof(struct node *)) ||
	    !string_map_add(&k->anchors, k->r->arena, name, (uint32_t)at))
		return value_no_memory(k->r);
	k->anchored = v;
	k->anchored[at] = n;
	return RF_OK;
}

/* All pairs of a merged map, as if they were written here. */
static enum rf_status
merge_map(struct composer *k, struct frame *f, const struct value *map)
{
	if (map->kind != VALUE_MAP)
		return refuse(k, "<< wants a map or a list of maps");
	for (size_t i = 0; i < map->n; i++) {
		enum rf_status st =
		    value_put(k->r, &f->pairs, &map->pairs[i], true);

		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Of a list of maps the first wins, hence backwards. */
static enum rf_status
merge(struct composer *k, struct frame *f, const struct value *v)
{
	if (v->kind != VALUE_LIST)
		return merge_map(k, f, v);
	for (size_t i = v->n; i > 0; i--) {
		enum rf_status st = merge_map(k, f, v->items[i - 1]);

		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
add_item(struct composer *k, struct frame *f, const struct value *v)
{
	void *items = f->items;
	struct value *list = &f->node->v;

	if (!arena_grow(
		k->r->arena, &items, list->n, &f->cap_items, sizeof(*f->items)))
		return value_no_memory(k->r);
	f->items = items;
	f->items[list->n++] = v;
	return RF_OK;
}

static enum rf_status
set_key(struct composer *k, struct frame *f, const struct node *n)
{
	if (n->v.kind == VALUE_MAP || n->v.kind == VALUE_LIST)
		return refuse(k, "a map or list as key (a template?)");
	if (n->v.kind == VALUE_NULL)
		return refuse(k, "null as key");
	f->is_merge = n->is_merge_key;
	f->pending.line = event_line(k);
	f->pending.key = value_key_text(&n->v, k->r->arena);
	return f->pending.key == NULL ? value_no_memory(k->r) : RF_OK;
}

/* Hand a finished value to the collection that it stands in. */
static enum rf_status
deliver(struct composer *k, struct node *n)
{
	struct frame *f;
	enum rf_status st;

	if (k->depth == 0) {
		k->root = n;
		return RF_OK;
	}
	f = &k->stack[k->depth - 1];
	f->node->size += n->size;
	if (f->node->height <= n->height)
		f->node->height = (uint8_t)(n->height + 1);
	if (f->node->v.kind == VALUE_LIST)
		return add_item(k, f, &n->v);
	if (f->pending.key == NULL)
		return set_key(k, f, n);
	f->pending.value = &n->v;
	if (f->is_merge)
		st = merge(k, f, &n->v);
	else
		st = value_put(k->r, &f->pairs, &f->pending, false);
	f->pending.key = NULL;
	return st;
}

static enum rf_status
on_scalar(struct composer *k)
{
	const char *tag = (const char *)k->event.data.scalar.tag;
	bool plain = k->event.data.scalar.plain_implicit != 0;
	size_t len = k->event.data.scalar.length;
	struct node *n = new_scalar(k);
	const char *why = "";
	enum rf_status st;

	if (n == NULL)
		return value_no_memory(k->r);
	n->v.text = arena_strndup(
	    k->r->arena, (const char *)k->event.data.scalar.value, len);
	if (n->v.text == NULL)
		return value_no_memory(k->r);
	n->v.text_len = len;
	if ((tag != NULL || plain) &&
	    !value_resolve(&n->v, tag == NULL ? "" : tag, k->r->arena, &why))
		return refuse(k, why);
	n->is_merge_key = (plain && strcmp(n->v.text, "<<") == 0) ||
	    (tag != NULL && strcmp(tag, "tag:yaml.org,2002:merge") == 0);
	if (n->v.kind == VALUE_FLOAT && n->v.number - n->v.number != 0 &&
	    !is_key_next(k))
		return refuse(k, "JSON has no such number");
	st = set_anchor(k, k->event.data.scalar.anchor, n);
	return st == RF_OK ? deliver(k, n) : st;
}

static enum rf_status
on_alias(struct composer *k)
{
	const uint32_t *at = string_map_find(
	    &k->anchors, (const char *)k->event.data.alias.anchor);
	struct node *n;

	if (at == NULL)
		return refuse(k, "unknown anchor");
	n = k->anchored[*at];
	if (n->is_open)
		return refuse(k, "an alias to what it stands in");
	if (n->size > ALIAS_NODES_MAX - k->alias_nodes ||
	    k->depth + n->height > VALUE_DEPTH_MAX)
		return rf_fail(k->r->err, RF_LIMIT,
		    "line %u: excessive aliasing", (unsigned)event_line(k));
	k->alias_nodes += n->size;
	return deliver(k, n);
}

static enum rf_status
on_start(struct composer *k, enum value_kind kind, const yaml_char_t *anchor)
{
	struct frame *f;
	struct node *n;

	if (k->depth == VALUE_DEPTH_MAX)
		return rf_fail(k->r->err, RF_LIMIT,
		    "line %u: nested deeper than %d", (unsigned)event_line(k),
		    VALUE_DEPTH_MAX);
	if ((n = new_node(k, kind)) == NULL)
		return value_no_memory(k->r);
	n->is_open = true;
	f = &k->stack[k->depth++];
	f->node = n;
	f->pairs.n = 0;
	f->pairs.index = (struct string_map){ 0 };
	f->pending = (struct value_pair){ 0 };
	return set_anchor(k, anchor, n);
}

static void *
keep(struct composer *k, const void *v, size_t n, size_t size)
{
	void *p = arena_calloc(k->r->arena, n, size);

	return p == NULL || n == 0 ? p : memcpy(p, v, n * size);
}

static enum rf_status
on_end(struct composer *k)
{
	struct frame *f = &k->stack[--k->depth];
	struct value *v = &f->node->v;

	f->node->is_open = false;
	if (v->kind == VALUE_MAP) {
		v->n = f->pairs.n;
		v->pairs = keep(k, f->pairs.v, v->n, sizeof(*v->pairs));
	} else {
		v->items = keep(k, f->items, v->n, sizeof(*v->items));
	}
	if (v->pairs == NULL && v->items == NULL)
		return value_no_memory(k->r);
	return deliver(k, f->node);
}

static enum rf_status
on_document_start(struct composer *k)
{
	if (k->event.data.document_start.version_directive != NULL ||
	    k->event.data.document_start.tag_directives.start !=
		k->event.data.document_start.tag_directives.end)
		return refuse(k, "a % directive, which kubectl refuses");
	k->root = NULL;
	k->anchors = (struct string_map){ 0 };
	k->n_docs++;
	return RF_OK;
}

static enum rf_status
on_event(struct composer *k)
{
	switch (k->event.type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(k);
	case YAML_ALIAS_EVENT:
		return on_alias(k);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(
		    k, VALUE_LIST, k->event.data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return on_start(
		    k, VALUE_MAP, k->event.data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(k);
	case YAML_DOCUMENT_START_EVENT:
		return on_document_start(k);
	case YAML_DOCUMENT_END_EVENT:
		return value_add_doc(
		    k->r, k->root == NULL ? NULL : &k->root->v);
	default:
		return RF_OK;
	}
}

static const char *
line_start(const char *text, size_t len, size_t line)
{
	for (; line > 0; line--) {
		const char *nl = memchr(text, '\n', len);

		if (nl == NULL)
			return NULL;
		len -= (size_t)(nl + 1 - text);
		text = nl + 1;
	}
	return text;
}

/* Was it a tab in the indentation? libyaml's words do not say so. */
static bool
is_tab_at(const char *text, size_t len, size_t line)
{
	const char *s = line_start(text, len, line);
	const char *end = text + len;

	if (s == NULL)
		return false;
	while (s < end && (*s == ' ' || *s == '-'))
		s++;
	return s < end && *s == '\t';
}

static enum rf_status
parser_error(struct composer *k, const char *text, size_t len)
{
	const yaml_parser_t *p = &k->parser;
	const char *context = p->context == NULL ? "" : p->context;
	uint32_t line = line_of(k, &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return value_no_memory(k->r);
	if (p->error == YAML_READER_ERROR) {
		line = k->base_line;
		for (size_t i = 0; i < p->problem_offset && i < len; i++)
			line += text[i] == '\n';
		return rf_fail(k->r->err, RF_CORRUPT, "line %u: %s",
		    (unsigned)line, p->problem);
	}
	if (is_tab_at(text, len, p->problem_mark.line))
		return rf_fail(k->r->err, RF_CORRUPT,
		    "line %u: a tab in the indentation", (unsigned)line);
	return rf_fail(k->r->err, RF_CORRUPT, "line %u: %s%s%s", (unsigned)line,
	    p->problem, *context == '\0' ? "" : ", ", context);
}

static bool
is_utf16(const char *text, size_t len)
{
	return len >= 2 &&
	    (memcmp(text, "\xff\xfe", 2) == 0 ||
		memcmp(text, "\xfe\xff", 2) == 0);
}

static void
notice_ignored(struct composer *k, uint32_t line)
{
	if (k->r->notice != NULL)
		k->r->notice(k->r->notice_arg, line,
		    "content after \"...\" is ignored, as kubectl does");
}

/* Nothing but blank lines, comments and "..." from text on? Else the first
 * line (from 0) that holds more. */
static bool
is_only_blank(const char *text, size_t len, size_t *line)
{
	const char *end = text + len;

	for (*line = 0; text < end; (*line)++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl == NULL ? end : nl;

		if (*line > 0 && stop - text >= 3 &&
		    memcmp(text, "...", 3) == 0)
			text += 3;
		while (text < stop && (*text == ' ' || *text == '\r'))
			text++;
		if (text < stop && *text != '#')
			return false;
		text = nl == NULL ? end : nl + 1;
	}
	return true;
}

/* What stands behind the "..." that the event just ended with. */
static void
notice_rest(struct composer *k, const char *text, size_t len)
{
	size_t line = k->event.end_mark.line, skipped, left;
	size_t column = k->event.end_mark.column;
	const char *rest = line_start(text, len, line);

	if (rest == NULL)
		return;
	left = (size_t)(text + len - rest);
	if (column > left) /* lines that only libyaml saw end */
		column = left;
	if (!is_only_blank(rest + column, left - column, &skipped))
		notice_ignored(k, (uint32_t)(line + skipped) + k->base_line);
}

/* kubectl reads one document a piece. UTF-16 it cannot split: read it all. */
static enum rf_status
compose(struct composer *k, const char *text, size_t len)
{
	bool is_whole = is_utf16(text, len), is_done = false;
	enum rf_status st = RF_OK;

	yaml_parser_set_input_string(
	    &k->parser, (const unsigned char *)text, len);
	while (st == RF_OK && !is_done) {
		if (!yaml_parser_parse(&k->parser, &k->event))
			return parser_error(k, text, len);
		if (k->event.type == YAML_DOCUMENT_START_EVENT &&
		    k->n_docs == 1 && !is_whole) {
			notice_ignored(k, event_line(k));
			is_done = true;
		} else {
			st = on_event(k);
			is_done = k->event.type == YAML_STREAM_END_EVENT;
		}
		if (k->event.type == YAML_DOCUMENT_END_EVENT && !is_whole &&
		    !k->event.data.document_end.implicit) {
			notice_rest(k, text, len);
			is_done = true;
		}
		yaml_event_delete(&k->event);
	}
	return st;
}

static enum rf_status
read_piece(
    struct value_reader *r, const char *text, size_t len, uint32_t base_line)
{
	struct composer *k;
	enum rf_status st;

	/* Too large for the stack. */
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return value_no_memory(r);
	k->r = r;
	k->base_line = base_line;
	if (yaml_parser_initialize(&k->parser)) {
		st = compose(k, text, len);
		yaml_parser_delete(&k->parser);
	} else {
		st = value_no_memory(r);
	}
	free(k);
	return st;
}

/* What kubectl sees in a line, before any YAML. */
enum line_kind {
	LINE_TEXT,
	LINE_BLANK,
	LINE_SEPARATOR,
	LINE_BAD,
	LINE_PERCENT
};

static enum line_kind
classify(const char *line, size_t len)
{
	const char *c = line, *end = line + len;
	bool is_separator = len >= 3 && memcmp(line, "---", 3) == 0;

	if (is_separator)
		c += 3;
	/* A carriage return alone breaks lines too, but not for kubectl. */
	while (c < end &&
	    (*c == ' ' || *c == '\r' || (is_separator && *c == '\t')))
		c++;
	if (is_separator)
		return c == end || *c == '#' ||
			memchr(line, '\r', (size_t)(c - line)) != NULL
		    ? LINE_SEPARATOR
		    : LINE_BAD;
	if (c == end || *c == '#')
		return LINE_BLANK;
	return *line == '%' ? LINE_PERCENT : LINE_TEXT;
}

struct piece {
	const char *start;
	uint32_t line;
	bool has_text;
};

/* Look at one line; a separator ends the piece before it. */
static enum rf_status
take_line(struct value_reader *r, struct piece *p, const char *line, size_t len,
    uint32_t number)
{
	enum line_kind kind = classify(line, len);
	enum rf_status st = RF_OK;

	if (kind == LINE_BAD)
		return rf_fail(r->err, RF_CORRUPT,
		    "line %u: content on the --- line, which kubectl refuses",
		    (unsigned)number);
	if (kind == LINE_PERCENT && !p->has_text)
		return rf_fail(r->err, RF_CORRUPT,
		    "line %u: a %% directive, which kubectl refuses",
		    (unsigned)number);
	if (kind == LINE_SEPARATOR) {
		if (p->has_text)
			st = read_piece(
			    r, p->start, (size_t)(line - p->start), p->line);
		*p = (struct piece){ line, number, false };
	}
	if (kind == LINE_TEXT || kind == LINE_PERCENT)
		p->has_text = true;
	return st;
}

enum rf_status
value_read_yaml(
    struct value_reader *r, const char *text, size_t len, uint32_t base_line)
{
	const char *end = text + len, *s = text;
	struct piece p = { text, base_line, false };
	enum rf_status st = RF_OK;

	if (is_utf16(text, len))
		return read_piece(r, text, len, base_line);
	for (; st == RF_OK && s < end; base_line++) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		const char *stop = nl == NULL ? end : nl;

		st = take_line(r, &p, s, (size_t)(stop - s), base_line);
		s = nl == NULL ? end : nl + 1;
	}
	if (st == RF_OK && p.has_text)
		st = read_piece(r, p.start, (size_t)(end - p.start), p.line);
	return st;
}
