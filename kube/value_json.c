/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as values. jansson says whether a text is JSON; what it accepted is
 * then walked here, because its trees know neither lines nor duplicate keys.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "kube/json_text.h"
#include "kube/utf8.h"
#include "kube/value_internal.h"

#define TWO_TO_63 9223372036854775808.0

/* The walk: all syntax is known to be right. */
struct walk {
	struct value_reader *r;
	const char *p, *line_start;
	uint32_t line;
	unsigned depth;
	enum rf_status status; /* the first failure sticks */
};

static void
skip_space(struct walk *w)
{
	for (; strchr(" \t\r\n", *w->p) != NULL && *w->p != '\0'; w->p++)
		if (*w->p == '\n') {
			w->line++;
			w->line_start = w->p + 1;
		}
}

static struct value *
new_value(struct walk *w)
{
	struct value *v = arena_alloc(w->r->arena, sizeof(*v));

	if (v == NULL) {
		w->status = value_no_memory(w->r);
		return NULL;
	}
	v->line = w->line;
	v->column = (uint32_t)(w->p - w->line_start) + 1;
	return v;
}

static uint32_t
take_hex(struct walk *w)
{
	char hex[5] = { 0 };

	memcpy(hex, w->p + 2, 4);
	w->p += 6;
	return (uint32_t)strtoul(hex, NULL, 16);
}

static char *
take_escape(struct walk *w, char *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = strchr(from, w->p[1]);
	uint32_t c;

	if (w->p[1] != 'u') {
		*out++ = at != NULL ? to[at - from] : w->p[1];
		w->p += 2;
		return out;
	}
	c = take_hex(w);
	if (c >= 0xd800 && c < 0xdc00) /* jansson refused lone ones */
		c = 0x10000 + ((c - 0xd800) << 10) + (take_hex(w) - 0xdc00);
	return utf8_put(out, c);
}

/* The content of the string at w->p; it is never longer than its text. */
static char *
take_string(struct walk *w, size_t *len)
{
	const char *end = w->p + 1;
	char *text, *out;

	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	text = out = arena_alloc(w->r->arena, (size_t)(end - w->p));
	if (text == NULL) {
		w->status = value_no_memory(w->r);
		return NULL;
	}
	w->p++;
	while (*w->p != '"') {
		if (*w->p == '\\')
			out = take_escape(w, out);
		else
			*out++ = *w->p++;
	}
	w->p++;
	*out = '\0';
	*len = (size_t)(out - text);
	return text;
}

static void
take_number(struct walk *w, struct value *v)
{
	size_t n = strspn(w->p, "+-.0123456789eE");
	char *end;

	v->text = arena_strndup(w->r->arena, w->p, n);
	if (v->text == NULL) {
		w->status = value_no_memory(w->r);
		return;
	}
	v->text_len = n;
	v->number = strtod(v->text, NULL);
	w->p += n;
	errno = 0;
	v->integer = strtoll(v->text, &end, 10);
	v->kind = VALUE_INT;
	if (*end == '\0' && errno == 0)
		return;
	if (v->number >= -TWO_TO_63 && v->number < TWO_TO_63 &&
	    (double)(int64_t)v->number == v->number)
		v->integer = (int64_t)v->number;
	else
		v->kind = VALUE_FLOAT;
}

static void
take_word(struct walk *w, struct value *v)
{
	v->text = *w->p == 't' ? "true" : *w->p == 'f' ? "false" : "null";
	v->text_len = strlen(v->text);
	v->kind = *w->p == 'n' ? VALUE_NULL : VALUE_BOOL;
	v->boolean = *w->p == 't';
	w->p += v->text_len;
}

static const struct value *take_value(struct walk *w);

static void
take_list(struct walk *w, struct value *v)
{
	const struct value **items = NULL;
	size_t cap = 0;
	void *grown = NULL;

	v->kind = VALUE_LIST;
	w->p++;
	for (skip_space(w); w->status == RF_OK && *w->p != ']'; skip_space(w)) {
		if (*w->p == ',') {
			w->p++;
			continue;
		}
		if (!arena_grow(
			w->r->arena, &grown, v->n, &cap, sizeof(*items))) {
			w->status = value_no_memory(w->r);
			return;
		}
		items = grown;
		items[v->n++] = take_value(w);
	}
	w->p++;
	v->items = items;
}

static void
take_map(struct walk *w, struct value *v)
{
	struct pair_builder b = { 0 };

	v->kind = VALUE_MAP;
	w->p++;
	for (skip_space(w); w->status == RF_OK && *w->p != '}'; skip_space(w)) {
		struct value_pair p = { .line = w->line };
		size_t len;

		if (*w->p == ',') {
			w->p++;
			continue;
		}
		p.key = take_string(w, &len);
		if (p.key == NULL)
			return;
		skip_space(w);
		w->p++; /* the colon */
		p.value = take_value(w);
		if (w->status == RF_OK)
			w->status = value_put(w->r, &b, &p, false);
	}
	w->p++;
	v->pairs = b.v;
	v->n = b.n;
}

static const struct value *
take_value(struct walk *w)
{
	struct value *v;

	skip_space(w);
	if (++w->depth > VALUE_DEPTH_MAX)
		w->status = rf_fail(w->r->err, RF_LIMIT,
		    "line %u: nested deeper than %d", (unsigned)w->line,
		    VALUE_DEPTH_MAX);
	if (w->status != RF_OK || (v = new_value(w)) == NULL)
		return NULL;
	if (*w->p == '{')
		take_map(w, v);
	else if (*w->p == '[')
		take_list(w, v);
	else if (*w->p == '"') {
		v->kind = VALUE_STRING;
		v->text = take_string(w, &v->text_len);
	} else if (strchr("tfn", *w->p) != NULL)
		take_word(w, v);
	else
		take_number(w, v);
	w->depth--;
	return v;
}

/* Check one document; its length, or 0 when it is not JSON. */
static size_t
check_document(struct walk *w, const char *end)
{
	json_error_t je;
	json_t *j = json_text_read(w->p, (size_t)(end - w->p),
	    JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &je);

	if (j == NULL) {
		w->status = rf_fail(w->r->err, json_text_status(&je),
		    "line %u: not JSON: %s",
		    (unsigned)(w->line + (uint32_t)je.line - 1), je.text);
		return 0;
	}
	json_decref(j);
	return (size_t)je.position;
}

enum rf_status
value_read_json(
    struct value_reader *r, const char *text, size_t len, size_t *used)
{
	/* The walk needs a NUL to stop at, which the caller's text lacks. */
	char *copy = arena_strndup(r->arena, text, len);
	struct walk w = { .r = r, .p = copy, .line_start = copy, .line = 1 };

	*used = len;
	if (copy == NULL)
		return value_no_memory(r);
	if (strlen(copy) != len) { /* jansson would just skip it */
		for (const char *c = copy; *c != '\0'; c++)
			w.line += *c == '\n';
		return rf_fail(r->err, RF_CORRUPT,
		    "line %u: not JSON: a NUL character", (unsigned)w.line);
	}
	for (skip_space(&w); w.p < copy + len; skip_space(&w)) {
		const struct value *doc;

		if (w.p > copy && w.p == w.line_start &&
		    strncmp(w.p, "---", 3) == 0) {
			*used = (size_t)(w.p - copy);
			break;
		}
		if (check_document(&w, copy + len) == 0)
			return w.status;
		doc = take_value(&w);
		if (w.status == RF_OK)
			w.status = value_add_doc(r, doc);
		if (w.status != RF_OK)
			return w.status;
	}
	return RF_OK;
}
