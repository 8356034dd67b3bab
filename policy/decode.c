/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum shape_type {
	SHAPE_STRING,
	SHAPE_INT32,
	SHAPE_INT64,
	SHAPE_INT_OR_STRING,
	SHAPE_BOOL,
	SHAPE_STRING_MAP,
	SHAPE_LIST,
	SHAPE_STRUCT,
	SHAPE_ANY
};

struct shape {
	enum shape_type type;
	const struct shape *elem;         /* SHAPE_LIST */
	const struct shape_field *fields; /* SHAPE_STRUCT; a NULL name ends */
};

struct shape_field {
	const char *name;
	const struct shape *shape;
};

/* clang-format off */
#define STRUCT(f) { .type = SHAPE_STRUCT, .fields = (f) }
#define LIST(e)   { .type = SHAPE_LIST, .elem = (e) }

static const struct shape string_shape = { .type = SHAPE_STRING };
static const struct shape int32_shape = { .type = SHAPE_INT32 };
static const struct shape int64_shape = { .type = SHAPE_INT64 };
static const struct shape int_or_string_shape = { .type = SHAPE_INT_OR_STRING };
static const struct shape bool_shape = { .type = SHAPE_BOOL };
static const struct shape any_shape = { .type = SHAPE_ANY };
static const struct shape string_map_shape = { .type = SHAPE_STRING_MAP };
static const struct shape strings_shape = LIST(&string_shape);

static const struct shape_field requirement_fields[] = {
	{ "key", &string_shape },
	{ "operator", &string_shape },
	{ "values", &strings_shape },
	{ NULL, NULL },
};
static const struct shape requirement_shape = STRUCT(requirement_fields);
static const struct shape requirements_shape = LIST(&requirement_shape);

static const struct shape_field selector_fields[] = {
	{ "matchLabels", &string_map_shape },
	{ "matchExpressions", &requirements_shape },
	{ NULL, NULL },
};
static const struct shape selector_shape = STRUCT(selector_fields);

static const struct shape_field ip_block_fields[] = {
	{ "cidr", &string_shape },
	{ "except", &strings_shape },
	{ NULL, NULL },
};
static const struct shape ip_block_shape = STRUCT(ip_block_fields);

static const struct shape_field peer_fields[] = {
	{ "podSelector", &selector_shape },
	{ "namespaceSelector", &selector_shape },
	{ "ipBlock", &ip_block_shape },
	{ NULL, NULL },
};
static const struct shape peer_shape = STRUCT(peer_fields);
static const struct shape peers_shape = LIST(&peer_shape);

static const struct shape_field port_fields[] = {
	{ "protocol", &string_shape },
	{ "port", &int_or_string_shape },
	{ "endPort", &int32_shape },
	{ NULL, NULL },
};
static const struct shape port_shape = STRUCT(port_fields);
static const struct shape ports_shape = LIST(&port_shape);

static const struct shape_field ingress_fields[] = {
	{ "ports", &ports_shape },
	{ "from", &peers_shape },
	{ NULL, NULL },
};
static const struct shape ingress_shape = STRUCT(ingress_fields);
static const struct shape ingresses_shape = LIST(&ingress_shape);

static const struct shape_field egress_fields[] = {
	{ "ports", &ports_shape },
	{ "to", &peers_shape },
	{ NULL, NULL },
};
static const struct shape egress_shape = STRUCT(egress_fields);
static const struct shape egresses_shape = LIST(&egress_shape);

static const struct shape_field spec_fields[] = {
	{ "podSelector", &selector_shape },
	{ "ingress", &ingresses_shape },
	{ "egress", &egresses_shape },
	{ "policyTypes", &strings_shape },
	{ NULL, NULL },
};
static const struct shape spec_shape = STRUCT(spec_fields);

static const struct shape_field owner_fields[] = {
	{ "apiVersion", &string_shape },
	{ "kind", &string_shape },
	{ "name", &string_shape },
	{ "uid", &string_shape },
	{ "controller", &bool_shape },
	{ "blockOwnerDeletion", &bool_shape },
	{ NULL, NULL },
};
static const struct shape owner_shape = STRUCT(owner_fields);
static const struct shape owners_shape = LIST(&owner_shape);

static const struct shape_field managed_fields[] = {
	{ "manager", &string_shape },
	{ "operation", &string_shape },
	{ "apiVersion", &string_shape },
	{ "time", &string_shape },
	{ "fieldsType", &string_shape },
	{ "fieldsV1", &any_shape },
	{ "subresource", &string_shape },
	{ NULL, NULL },
};
static const struct shape managed_shape = STRUCT(managed_fields);
static const struct shape managed_list_shape = LIST(&managed_shape);

static const struct shape_field metadata_fields[] = {
	{ "name", &string_shape },
	{ "generateName", &string_shape },
	{ "namespace", &string_shape },
	{ "labels", &string_map_shape },
	{ "annotations", &string_map_shape },
	{ "selfLink", &string_shape },
	{ "uid", &string_shape },
	{ "resourceVersion", &string_shape },
	{ "generation", &int64_shape },
	{ "creationTimestamp", &string_shape },
	{ "deletionTimestamp", &string_shape },
	{ "deletionGracePeriodSeconds", &int64_shape },
	{ "ownerReferences", &owners_shape },
	{ "finalizers", &strings_shape },
	{ "managedFields", &managed_list_shape },
	{ NULL, NULL },
};
static const struct shape metadata_shape = STRUCT(metadata_fields);

static const struct shape_field policy_fields[] = {
	{ "apiVersion", &string_shape },
	{ "kind", &string_shape },
	{ "metadata", &metadata_shape },
	{ "spec", &spec_shape },
	{ "status", &any_shape },
	{ NULL, NULL },
};
static const struct shape policy_shape = STRUCT(policy_fields);
/* clang-format on */

static void check(struct reading *r, const struct field_path *path,
    const struct value *v, const struct shape *s);

static void
wrong_type(struct reading *r, const struct field_path *path,
    const struct value *v, const char *want)
{
	const char *hint = "";

	if (v->kind == VALUE_LIST || v->kind == VALUE_MAP || v->text == NULL) {
		problem_add(r, path, v->line, PROBLEM_DECODE,
		    "must be %s, not a %s", want, value_kind_name(v->kind));
		return;
	}
	if (v->kind != VALUE_STRING && strcmp(want, "a string") == 0)
		hint = r->is_json ? "" : "; put it in quotes";
	problem_add(r, path, v->line, PROBLEM_DECODE,
	    "must be %s, not the %s %s%s", want, value_kind_name(v->kind),
	    problem_quote(r, v->text), hint);
}

static void
check_string(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	if (v->kind != VALUE_STRING)
		wrong_type(r, path, v, "a string");
	else if (strlen(v->text) != v->text_len)
		problem_add(
		    r, path, v->line, PROBLEM_DECODE, "holds a NUL character");
}

/*
 * 80.0 and 1e3 reach the server as 80 and 1000 when a YAML reader sends
 * them, and as they are, which it refuses, when they stand in JSON.
 */
static bool
is_integer(const struct reading *r, const struct value *v)
{
	double d = v->number;

	if (v->kind != VALUE_INT && v->kind != VALUE_FLOAT)
		return false;
	if (r->is_json)
		return v->kind == VALUE_INT && strpbrk(v->text, ".eE") == NULL;
	return v->kind == VALUE_INT ||
	    (d > -9e15 && d < 9e15 && !((double)(int64_t)d < d) &&
		!((double)(int64_t)d > d));
}

static void
check_integer(struct reading *r, const struct field_path *path,
    const struct value *v, int64_t min, int64_t max)
{
	int64_t n;

	if (!is_integer(r, v)) {
		wrong_type(r, path, v, "an integer");
		return;
	}
	n = decode_integer(v);
	if (n < min || n > max)
		problem_add(r, path, v->line, PROBLEM_DECODE,
		    "the integer %lld does not fit into %s", (long long)n,
		    max == INT32_MAX ? "32 bits" : "64 bits");
}

static void
check_int_or_string(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	if (v->kind == VALUE_STRING)
		check_string(r, path, v);
	else if (v->kind == VALUE_INT || v->kind == VALUE_FLOAT)
		check_integer(r, path, v, INT32_MIN, INT32_MAX);
	else
		wrong_type(r, path, v, "an integer or a string");
}

/*
 * A JSON client sends both of two equal fields, and a strict server refuses
 * them; a YAML client sends the last one only, and that is what stands here.
 */
static void
check_duplicate(struct reading *r, const struct field_path *path,
    const struct value_pair *pair)
{
	char want[128];
	int n;

	if (r->n_duplicates == 0)
		return;
	n = snprintf(want, sizeof(want), "duplicate key \"%.80s\"", pair->key);
	for (size_t i = 0; i < r->n_duplicates; i++) {
		struct duplicate_key *d = &r->duplicates[i];

		if (d->is_placed || d->line != pair->line ||
		    strncmp(d->text, want, (size_t)n) != 0)
			continue;
		d->is_placed = true;
		if (r->is_json)
			problem_add(r, path, d->line, PROBLEM_DECODE,
			    "duplicate field");
		else
			problem_add(r, path, d->line, PROBLEM_WARNING, "%s",
			    problem_clean(r, d->text));
		return;
	}
}

static void
check_string_map(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct field_path at = path_key(path, v->pairs[i].key);

		check_duplicate(r, &at, &v->pairs[i]);
		if (v->pairs[i].value->kind != VALUE_NULL)
			check_string(r, &at, v->pairs[i].value);
	}
}

static const struct shape_field *
find_field(const struct shape *s, const char *name)
{
	for (const struct shape_field *f = s->fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static void
unknown_field(struct reading *r, const struct field_path *path, uint32_t line,
    const struct shape *s)
{
	const char *meant = NULL;

	for (const struct shape_field *f = s->fields; f->name != NULL; f++)
		if (strcasecmp(f->name, path->key) == 0)
			meant = f->name;
	if (meant != NULL)
		problem_add(r, path, line, PROBLEM_DECODE,
		    "unknown field; the name is \"%s\", case included", meant);
	else
		problem_add(r, path, line, PROBLEM_DECODE, "unknown field");
}

static void
check_struct(struct reading *r, const struct field_path *path,
    const struct value *v, const struct shape *s)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct value_pair *pair = &v->pairs[i];
		const struct shape_field *f = find_field(s, pair->key);
		struct field_path at = path_key(path, pair->key);

		check_duplicate(r, &at, pair);
		if (f == NULL)
			unknown_field(r, &at, pair->line, s);
		else
			check(r, &at, pair->value, f->shape);
	}
}

static void
check_list(struct reading *r, const struct field_path *path,
    const struct value *v, const struct shape *s)
{
	for (size_t i = 0; i < v->n; i++) {
		struct field_path at = path_index(path, i);

		check(r, &at, v->items[i], s->elem);
	}
}

static void
check_composite(struct reading *r, const struct field_path *path,
    const struct value *v, const struct shape *s)
{
	if (s->type == SHAPE_LIST && v->kind == VALUE_LIST) {
		check_list(r, path, v, s);
	} else if (s->type == SHAPE_LIST) {
		wrong_type(r, path, v, "a list");
	} else if (v->kind != VALUE_MAP) {
		wrong_type(r, path, v, "a map");
	} else if (s->type == SHAPE_STRUCT) {
		check_struct(r, path, v, s);
	} else {
		check_string_map(r, path, v);
	}
}

/* Recursion follows the schema, which is nine levels deep. */
static void
check(struct reading *r, const struct field_path *path, const struct value *v,
    const struct shape *s)
{
	if (v->kind == VALUE_NULL)
		return;
	switch (s->type) {
	case SHAPE_ANY:
		break;
	case SHAPE_STRING:
		check_string(r, path, v);
		break;
	case SHAPE_INT32:
		check_integer(r, path, v, INT32_MIN, INT32_MAX);
		break;
	case SHAPE_INT64:
		check_integer(r, path, v, INT64_MIN, INT64_MAX);
		break;
	case SHAPE_INT_OR_STRING:
		check_int_or_string(r, path, v);
		break;
	case SHAPE_BOOL:
		if (v->kind != VALUE_BOOL)
			wrong_type(r, path, v, "a boolean");
		break;
	case SHAPE_STRING_MAP:
	case SHAPE_LIST:
	case SHAPE_STRUCT:
		check_composite(r, path, v, s);
		break;
	}
}

bool
decode_check(struct reading *r, const struct value *object)
{
	size_t before = r->n_refusals;

	check(r, NULL, object, &policy_shape);
	return r->n_refusals == before;
}

const struct value *
decode_field(const struct value *map, const char *key)
{
	const struct value *v;

	if (map == NULL || map->kind != VALUE_MAP)
		return NULL;
	v = value_get(map, key);
	return v == NULL || v->kind == VALUE_NULL ? NULL : v;
}

const char *
decode_string(const struct value *v)
{
	return v == NULL || v->kind != VALUE_STRING ? "" : v->text;
}

int64_t
decode_integer(const struct value *v)
{
	if (v == NULL)
		return 0;
	return v->kind == VALUE_FLOAT ? (int64_t)v->number : v->integer;
}

size_t
decode_count(const struct value *v)
{
	return v == NULL ? 0 : v->n;
}

const struct value *
decode_item(const struct value *list, size_t i)
{
	const struct value *v = list->items[i];

	return v->kind == VALUE_NULL ? NULL : v;
}
