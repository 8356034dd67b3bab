/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of an object, with errors that name the object and the field. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "core/strbuf.h"
#include "kube/snapshot_internal.h"

#define SELECTOR_PATH_MAX 96

/* "status.podIPs[]" with the indices of the moment. */
static void
put_path(struct strbuf *sb, const struct object *o, const char *path)
{
	unsigned level = 0;

	for (const char *s = path; *s != '\0'; s++) {
		if (s[0] == '[' && s[1] == ']' && level < 2) {
			strbuf_printf(sb, "[%u]", o->index[level++]);
			s++;
		} else {
			strbuf_putc(sb, *s);
		}
	}
}

void
object_fail(
    struct object *o, const char *path, const char *key, const char *fmt, ...)
{
	struct strbuf field;
	char what[160];
	va_list ap;

	if (o->status != RF_OK)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	strbuf_init(&field, 256);
	put_path(&field, o, path);
	if (*path != '\0' && key != NULL)
		strbuf_putc(&field, '.');
	if (key != NULL)
		strbuf_puts(&field, key);
	o->status = rf_fail(o->err, RF_CORRUPT, "%s:%u: %s %s%s%s: %s: %s",
	    o->file, (unsigned)o->line, o->kind, o->namespace,
	    *o->namespace == '\0' ? "" : "/", o->name, strbuf_str(&field),
	    what);
	strbuf_release(&field);
}

void
object_no_memory(struct object *o)
{
	if (o->status == RF_OK)
		o->status = rf_fail(o->err, RF_NOMEM, "out of memory");
}

void *
object_alloc(struct object *o, size_t n, size_t size)
{
	void *p = arena_calloc(&o->sb->cluster->arena, n, size);

	if (p == NULL)
		object_no_memory(o);
	return p;
}

const char *
snapshot_intern(struct snapshot_builder *sb, const char *s)
{
	const uint32_t *at = string_map_find(&sb->strings, s);
	char *copy;

	if (at != NULL)
		return sb->strings.keys[at - sb->strings.numbers];
	copy = arena_strdup(&sb->cluster->arena, s);
	if (copy == NULL ||
	    !string_map_add(&sb->strings, &sb->scratch, copy, 0))
		return NULL;
	return copy;
}

static const char *
intern(struct object *o, const char *s)
{
	const char *kept = snapshot_intern(o->sb, s);

	if (kept == NULL)
		object_no_memory(o);
	return kept == NULL ? "" : kept;
}

static const char *
type_name(const struct json_node *j)
{
	switch (j == NULL ? JSON_NODE_NULL : (enum json_node_kind)j->kind) {
	case JSON_NODE_MAP:
		return "a map";
	case JSON_NODE_LIST:
		return "a list";
	case JSON_NODE_TEXT:
		return "a string";
	case JSON_NODE_INTEGER:
	case JSON_NODE_REAL:
		return "a number";
	case JSON_NODE_NULL:
		return "null";
	default:
		return "a boolean";
	}
}

/* The member, unless it is absent or null; wants is for the message. */
static const struct json_node *
member(struct object *o, const struct json_node *parent, const char *path,
    const char *key, enum json_node_kind kind)
{
	static const char *const wants[] = { [JSON_NODE_MAP] = "a map",
		[JSON_NODE_LIST] = "a list",
		[JSON_NODE_TEXT] = "a string",
		[JSON_NODE_INTEGER] = "an integer" };
	const struct json_node *j = json_node_get(parent, key);

	if (j == NULL || json_node_is(j, JSON_NODE_NULL))
		return NULL;
	if (j->kind != kind) {
		object_fail(
		    o, path, key, "wants %s, is %s", wants[kind], type_name(j));
		return NULL;
	}
	return j;
}

const struct json_node *
object_map(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	return member(o, parent, path, key, JSON_NODE_MAP);
}

static const struct json_node *
list_of(struct object *o, const struct json_node *parent, const char *path,
    const char *key, enum json_node_kind kind)
{
	const struct json_node *list =
	    member(o, parent, path, key, JSON_NODE_LIST);

	for (size_t i = 0; i < json_node_size(list); i++) {
		const struct json_node *j = json_node_at(list, i);

		if (j->kind != kind) {
			object_fail(o, path, key, "wants %ss, entry %zu is %s",
			    kind == JSON_NODE_MAP ? "map" : "string", i,
			    type_name(j));
			return NULL;
		}
	}
	return list;
}

const struct json_node *
object_maps(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	return list_of(o, parent, path, key, JSON_NODE_MAP);
}

const struct json_node *
object_texts(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	return list_of(o, parent, path, key, JSON_NODE_TEXT);
}

const char *
object_text(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	const struct json_node *j =
	    member(o, parent, path, key, JSON_NODE_TEXT);

	if (j == NULL || *j->text == '\0')
		return NULL;
	return intern(o, j->text);
}

bool
object_bool(struct object *o, const struct json_node *parent, const char *path,
    const char *key, bool missing)
{
	const struct json_node *j = json_node_get(parent, key);

	if (j == NULL || json_node_is(j, JSON_NODE_NULL))
		return missing;
	if (j->kind != JSON_NODE_TRUE && j->kind != JSON_NODE_FALSE)
		object_fail(
		    o, path, key, "wants a boolean, is %s", type_name(j));
	return j->kind == JSON_NODE_TRUE;
}

int64_t
object_int(struct object *o, const struct json_node *parent, const char *path,
    const char *key, int64_t missing)
{
	const struct json_node *j =
	    member(o, parent, path, key, JSON_NODE_INTEGER);

	return j == NULL ? missing : j->integer;
}

uint16_t
object_port(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	int64_t n = object_int(o, parent, path, key, 0);

	if (n < 0 || n > UINT16_MAX) {
		object_fail(o, path, key, "%" PRId64 " is no port", n);
		return 0;
	}
	return (uint16_t)n;
}

uint8_t
object_protocol(
    struct object *o, const struct json_node *parent, const char *path)
{
	const struct json_node *j =
	    member(o, parent, path, "protocol", JSON_NODE_TEXT);
	unsigned p = FLOW_TCP; /* SEMANTICS 14 */

	if (j != NULL)
		p = flow_protocol_parse(j->text);
	if (p == 0)
		object_fail(o, path, "protocol", "unknown protocol \"%.40s\"",
		    json_node_text(j));
	return (uint8_t)p;
}

int64_t
object_time(struct object *o, const struct json_node *parent, const char *path,
    const char *key)
{
	const struct json_node *j =
	    member(o, parent, path, key, JSON_NODE_TEXT);
	int64_t us = TIME_NONE;

	if (j != NULL && !rfc3339_parse(&us, j->text))
		object_fail(o, path, key, "\"%.40s\" is no RFC 3339 time",
		    json_node_text(j));
	return us;
}

bool
object_ip(struct object *o, const struct json_node *parent, const char *path,
    const char *key, struct ip_addr *ip)
{
	const struct json_node *j =
	    member(o, parent, path, key, JSON_NODE_TEXT);

	if (j == NULL || *j->text == '\0')
		return false;
	if (ip_parse(ip, j->text))
		return true;
	object_fail(
	    o, path, key, "\"%.60s\" is no IP address", json_node_text(j));
	return false;
}

struct label_set
object_labels(struct object *o, const struct json_node *parent,
    const char *path, const char *key)
{
	const struct json_node *map = object_map(o, parent, path, key);
	struct label_set set = { 0 };
	size_t size = json_node_members(map), n = 0;
	struct label *v;

	if (size == 0)
		return set;
	v = object_alloc(o, size, sizeof(*v));
	if (v == NULL)
		return set;
	for (size_t i = 0; i < size; i++) {
		const struct json_node *value = &map->items[i];

		if (!json_node_is(value, JSON_NODE_TEXT) &&
		    !json_node_is(value, JSON_NODE_NULL)) {
			object_fail(o, path, key,
			    "\"%.60s\" wants a string, is %s", value->key,
			    type_name(value));
			return set;
		}
		v[n].key = intern(o, value->key);
		v[n++].value = intern(o,
		    json_node_is(value, JSON_NODE_NULL)
			? ""
			: json_node_text(value));
	}
	set.v = v;
	set.n = label_sort(v, n);
	return set;
}

static bool
parse_operator(const char *text, enum selector_op *op)
{
	static const char *const names[] = { [SELECTOR_IN] = "In",
		[SELECTOR_NOT_IN] = "NotIn",
		[SELECTOR_EXISTS] = "Exists",
		[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text != NULL && strcmp(text, names[i]) == 0) {
			*op = (enum selector_op)i;
			return true;
		}
	return false;
}

static void
read_requirement(struct object *o, const struct json_node *j, const char *path,
    struct selector_requirement *r)
{
	const char *op = object_text(o, j, path, "operator");
	const struct json_node *list = object_texts(o, j, path, "values");
	size_t n = json_node_size(list);
	const char **values = object_alloc(o, n, sizeof(*values));

	r->key = object_text(o, j, path, "key");
	if (r->key == NULL) {
		object_fail(o, path, "key", "is missing");
		r->key = "";
	}
	if (!parse_operator(op, &r->op))
		object_fail(o, path, "operator", "unknown operator \"%.40s\"",
		    op == NULL ? "" : op);
	for (size_t i = 0; values != NULL && i < n; i++) {
		const char *s = json_node_text(json_node_at(list, i));

		if (s == NULL)
			object_fail(o, path, "values", "wants strings");
		values[i] = intern(o, s == NULL ? "" : s);
	}
	r->values = values;
	r->n_values = values == NULL ? 0 : n;
	if (!selector_sort_values(r, &o->sb->cluster->arena))
		object_no_memory(o);
}

bool
object_selector(struct object *o, const struct json_node *parent,
    const char *path, const char *key, struct label_selector *s)
{
	const struct json_node *map = object_map(o, parent, path, key), *list;
	char inner[SELECTOR_PATH_MAX];
	struct selector_requirement *r;
	size_t n;

	*s = (struct label_selector){ 0 };
	if (map == NULL)
		return false;
	(void)snprintf(inner, sizeof(inner), "%s.%s", path, key);
	s->match_labels = object_labels(o, map, inner, "matchLabels");
	list = object_maps(o, map, inner, "matchExpressions");
	n = json_node_size(list);
	if (n == 0 || (r = object_alloc(o, n, sizeof(*r))) == NULL)
		return true;
	(void)snprintf(
	    inner, sizeof(inner), "%s.%s.matchExpressions[]", path, key);
	for (size_t i = 0; i < n; i++) {
		o->index[0] = (unsigned)i;
		read_requirement(o, json_node_at(list, i), inner, &r[i]);
	}
	s->match_expressions = r;
	s->n_match_expressions = n;
	return true;
}

struct raw_owner
object_owner(struct object *o, const struct json_node *metadata)
{
	static const char path[] = "metadata.ownerReferences[]";
	const struct json_node *list =
	    object_maps(o, metadata, "metadata", "ownerReferences");
	struct raw_owner owner = { 0 };

	for (size_t i = 0; i < json_node_size(list); i++) {
		const struct json_node *j = json_node_at(list, i);

		o->index[0] = (unsigned)i;
		if (!object_bool(o, j, path, "controller", false))
			continue;
		owner.api_version = object_text(o, j, path, "apiVersion");
		owner.kind = object_text(o, j, path, "kind");
		owner.name = object_text(o, j, path, "name");
		if (owner.name == NULL)
			owner.kind = NULL;
		if (owner.api_version == NULL)
			owner.api_version = "";
		break;
	}
	return owner;
}

static bool
add_record(struct object *o, struct raw_table *t, struct raw_head *head,
    const char *key)
{
	struct arena *a = &o->sb->scratch;
	void *v = t->v;

	if (!arena_grow(a, &v, t->n, &t->cap, sizeof(*t->v)))
		return false;
	t->v = v;
	if ((key = arena_strdup(a, key)) == NULL ||
	    !string_map_add(&t->index, a, key, (uint32_t)t->n))
		return false;
	t->v[t->n++] = head;
	return true;
}

/* Note that the List in progress shows this kind in this namespace. */
static void
widen_scope(struct object *o)
{
	struct snapshot_builder *sb = o->sb;
	struct list_scope *scope = NULL;
	void *v = sb->scopes;

	for (size_t i = 0; scope == NULL && i < sb->n_scopes; i++)
		if (sb->scopes[i].kind == o->kind)
			scope = &sb->scopes[i];
	if (scope == NULL) {
		if (!arena_grow(&sb->scratch, &v, sb->n_scopes, &sb->cap_scopes,
			sizeof(*scope))) {
			object_no_memory(o);
			return;
		}
		sb->scopes = v;
		scope = &sb->scopes[sb->n_scopes++];
		*scope = (struct list_scope){ o->kind, o->namespace, false };
	}
	if (*o->namespace == '\0' || scope->namespace != o->namespace)
		scope->is_wide = true;
}

void *
object_record(
    struct object *o, enum raw_type type, const char *key, size_t size)
{
	struct raw_table *t = &o->sb->raw[type];
	const uint32_t *at = string_map_find(&t->index, key);
	struct raw_head *head;

	if (at != NULL) {
		head = t->v[*at];
	} else {
		head = arena_alloc(&o->sb->scratch, size);
		if (head == NULL || !add_record(o, t, head, key)) {
			object_no_memory(o);
			return NULL;
		}
	}
	head->kind = o->kind;
	head->namespace = o->namespace;
	head->name = o->name;
	head->deleted = o->is_deleted_event;
	if (o->in_list) {
		head->list_seen = o->sb->list;
		widen_scope(o);
	}
	return head;
}

void *
object_copy(struct object *o, enum raw_type type, const void *record,
    const char *key, size_t size)
{
	struct raw_head *head = arena_alloc(&o->sb->scratch, size);

	if (head == NULL) {
		object_no_memory(o);
		return NULL;
	}
	(void)memcpy(head, record, size);
	if (add_record(o, &o->sb->raw[type], head, key))
		return head;
	object_no_memory(o);
	return NULL;
}
