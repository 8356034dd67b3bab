/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/value.h"

#include <stdio.h>
#include <string.h>

#include "kube/error_line.h"
#include "kube/value_internal.h"

#define TEXT_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define FEW_PAIRS      8

const struct value *
value_get(const struct value *map, const char *key)
{
	if (map == NULL || map->kind != VALUE_MAP)
		return NULL;
	for (size_t i = map->n; i > 0; i--)
		if (strcmp(map->pairs[i - 1].key, key) == 0)
			return map->pairs[i - 1].value;
	return NULL;
}

const char *
value_kind_name(enum value_kind kind)
{
	switch (kind) {
	case VALUE_NULL:
		return "null";
	case VALUE_BOOL:
		return "boolean";
	case VALUE_INT:
		return "integer";
	case VALUE_FLOAT:
		return "number";
	case VALUE_STRING:
		return "string";
	case VALUE_LIST:
		return "list";
	case VALUE_MAP:
		return "map";
	}
	return "unknown";
}

static void
notice_duplicate(
    struct value_reader *r, const struct value_pair *p, uint32_t first_line)
{
	char text[160];

	if (r->notice == NULL)
		return;
	(void)snprintf(text, sizeof(text),
	    "duplicate key \"%.80s\" (first on line %u); the last one counts",
	    p->key, (unsigned)first_line);
	r->notice(r->notice_arg, p->line, text);
}

/* Is the key there already, and where? Most maps have a few keys: only those
 * with more are worth an index. */
static bool
find_pair(const struct pair_builder *b, const char *key, size_t *at)
{
	const uint32_t *found;

	if (b->n > FEW_PAIRS) {
		found = string_map_find(&b->index, key);
		*at = found == NULL ? 0 : *found;
		return found != NULL;
	}
	for (*at = 0; *at < b->n; (*at)++)
		if (strcmp(b->v[*at].key, key) == 0)
			return true;
	return false;
}

static bool
append_pair(struct value_reader *r, struct pair_builder *b,
    const struct value_pair *p, bool merged)
{
	void *v = b->v, *m = b->merged;
	size_t from = b->n == FEW_PAIRS ? 0 : b->n;

	if (!arena_grow(r->arena, &v, b->n, &b->cap, sizeof(*b->v)) ||
	    !arena_grow(r->arena, &m, b->n, &b->cap_merged, sizeof(*b->merged)))
		return false;
	b->v = v;
	b->merged = m;
	b->merged[b->n] = merged;
	b->v[b->n++] = *p;
	for (size_t i = from; b->n > FEW_PAIRS && i < b->n; i++)
		if (!string_map_add(
			&b->index, r->arena, b->v[i].key, (uint32_t)i))
			return false;
	return true;
}

enum rf_status
value_put(struct value_reader *r, struct pair_builder *b,
    const struct value_pair *p, bool merged)
{
	size_t at;

	if (!find_pair(b, p->key, &at))
		return append_pair(r, b, p, merged) ? RF_OK
						    : value_no_memory(r);
	if (!merged && !b->merged[at])
		notice_duplicate(r, p, b->v[at].line);
	b->v[at] = *p;
	b->merged[at] = merged;
	return RF_OK;
}

enum rf_status
value_add_doc(struct value_reader *r, const struct value *doc)
{
	void *v = r->docs;

	if (doc == NULL || doc->kind == VALUE_NULL)
		return RF_OK;
	if (!arena_grow(
		r->arena, &v, r->n_docs, &r->cap_docs, sizeof(*r->docs)))
		return value_no_memory(r);
	r->docs = v;
	r->docs[r->n_docs++] = doc;
	return RF_OK;
}

enum rf_status
value_no_memory(struct value_reader *r)
{
	return rf_fail(r->err, RF_NOMEM, "out of memory");
}

/* The first character that is no white space decides, as in kubectl. */
static bool
is_json(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && text[i] != '\0' && strchr(" \t\r\n\v\f", text[i]))
		i++;
	return i < len && text[i] == '{';
}

enum rf_status
value_read(struct value_docs *out, struct arena *arena, const char *text,
    size_t len, value_notice *notice, void *notice_arg, struct rf_error *err)
{
	struct value_reader r = { .arena = arena,
		.notice = notice,
		.notice_arg = notice_arg,
		.err = err };
	enum rf_status st = RF_OK;
	uint32_t line = 1;
	size_t used = 0;

	*out = (struct value_docs){ 0 };
	if (len > TEXT_BYTES_MAX)
		return rf_fail(err, RF_LIMIT, "larger than 64 MiB");
	if (is_json(text, len))
		st = value_read_json(&r, text, len, &used);
	for (size_t i = 0; i < used; i++)
		line += text[i] == '\n';
	if (st == RF_OK && used < len)
		st = value_read_yaml(&r, text + used, len - used, line);
	if (st != RF_OK) {
		error_keep_one_line(err);
		return st;
	}
	*out = (struct value_docs){ r.docs, r.n_docs };
	return RF_OK;
}
