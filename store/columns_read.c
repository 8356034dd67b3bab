/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the JSON columns that columns.c writes. */
#include "store/columns.h"

#include <jansson.h>
#include <string.h>

#include "kube/json_text.h"
#include "store/db.h"

static enum rf_status
fail_column(const char *text, const char *want, struct rf_error *err)
{
	return db_damaged(err, "stored %s cannot be read: %.120s", want, text);
}

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "read the cluster: out of memory");
}

/* The text as JSON; NULL sets *st. */
static json_t *
load(const char *text, enum rf_status *st)
{
	json_error_t je;
	json_t *root = json_text_read(text, strlen(text), 0, &je);

	*st = root != NULL ? RF_OK : json_text_status(&je);
	return root;
}

/* A copy of a JSON string; NULL sets *st. */
static const char *
copy_string(const json_t *v, struct arena *a, enum rf_status *st)
{
	const char *s = json_string_value(v);
	const char *copy = s != NULL ? arena_strdup(a, s) : NULL;

	if (copy == NULL)
		*st = s != NULL ? RF_NOMEM : RF_CORRUPT;
	return copy;
}

static unsigned
read_number(
    const json_t *object, const char *key, json_int_t max, enum rf_status *st)
{
	const json_t *v = json_object_get(object, key);
	json_int_t n = json_integer_value(v);

	if (json_is_integer(v) && n >= 0 && n <= max)
		return (unsigned)n;
	*st = RF_CORRUPT;
	return 0;
}

static bool
read_bool(const json_t *object, const char *key, enum rf_status *st)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_boolean(v))
		*st = RF_CORRUPT;
	return json_is_true(v);
}

static enum rf_status
labels_of(struct label_set *out, json_t *object, struct arena *a)
{
	size_t n = json_object_size(object);
	enum rf_status st = RF_OK;
	struct label *v;
	void *it;

	*out = (struct label_set){ 0 };
	if (!json_is_object(object))
		return RF_CORRUPT;
	if (n == 0)
		return RF_OK;
	if ((v = arena_calloc(a, n, sizeof(*v))) == NULL)
		return RF_NOMEM;
	it = json_object_iter(object);
	for (size_t i = 0; i < n && st == RF_OK; i++) {
		v[i].key = arena_strdup(a, json_object_iter_key(it));
		if (v[i].key == NULL)
			return RF_NOMEM;
		v[i].value = copy_string(json_object_iter_value(it), a, &st);
		it = json_object_iter_next(object, it);
	}
	if (st == RF_OK)
		*out = (struct label_set){ .v = v, .n = label_sort(v, n) };
	return st;
}

static enum rf_status
requirement_of(
    struct selector_requirement *out, const json_t *o, struct arena *a)
{
	static const char *const ops[] = { "In", "NotIn", "Exists",
		"DoesNotExist" };
	const json_t *values = json_object_get(o, "values");
	const char *op = json_string_value(json_object_get(o, "operator"));
	enum rf_status st = RF_OK;
	const char **v;
	unsigned k = 0;

	while (op != NULL && k < 4 && strcmp(op, ops[k]) != 0)
		k++;
	if (op == NULL || k == 4 || !json_is_array(values))
		return RF_CORRUPT;
	out->op = (enum selector_op)k;
	out->key = copy_string(json_object_get(o, "key"), a, &st);
	out->n_values = json_array_size(values);
	if ((v = arena_calloc(a, out->n_values, sizeof(*v))) == NULL)
		return RF_NOMEM;
	for (size_t i = 0; i < out->n_values && st == RF_OK; i++)
		v[i] = copy_string(json_array_get(values, i), a, &st);
	out->values = v;
	if (st == RF_OK && !selector_sort_values(out, a))
		return RF_NOMEM;
	return st;
}

static enum rf_status
selector_of(struct label_selector *out, const json_t *o, struct arena *a)
{
	const json_t *list = json_object_get(o, "matchExpressions");
	size_t n = json_array_size(list);
	struct selector_requirement *v;
	enum rf_status st;

	*out = (struct label_selector){ 0 };
	st =
	    labels_of(&out->match_labels, json_object_get(o, "matchLabels"), a);
	if (st != RF_OK)
		return st;
	if (!json_is_array(list))
		return RF_CORRUPT;
	if (n == 0)
		return RF_OK;
	if ((v = arena_calloc(a, n, sizeof(*v))) == NULL)
		return RF_NOMEM;
	for (size_t i = 0; i < n && st == RF_OK; i++)
		st = requirement_of(&v[i], json_array_get(list, i), a);
	out->match_expressions = v;
	out->n_match_expressions = n;
	return st;
}

static enum rf_status
finish(enum rf_status st, json_t *root, const char *text, const char *want,
    struct rf_error *err)
{
	json_decref(root);
	if (st == RF_OK)
		return RF_OK;
	return st == RF_NOMEM ? fail_memory(err) : fail_column(text, want, err);
}

enum rf_status
column_read_labels(struct label_set *out, const char *text, struct arena *a,
    struct rf_error *err)
{
	enum rf_status st;
	json_t *root = load(text, &st);

	if (root != NULL)
		st = labels_of(out, root, a);
	return finish(st, root, text, "labels", err);
}

enum rf_status
column_read_selector(struct label_selector *out, const char *text,
    struct arena *a, struct rf_error *err)
{
	enum rf_status st;
	json_t *root = load(text, &st);

	if (root != NULL)
		st = selector_of(out, root, a);
	return finish(st, root, text, "selector", err);
}

/* Load a list and room for its elements; *v NULL and RF_OK: it is empty. */
static enum rf_status
open_list(json_t **root, void **v, size_t *n, const char *text, size_t size,
    struct arena *a)
{
	enum rf_status st;

	*v = NULL;
	*n = 0;
	*root = load(text, &st);
	if (*root == NULL)
		return st;
	if (!json_is_array(*root))
		return RF_CORRUPT;
	*n = json_array_size(*root);
	if (*n == 0)
		return RF_OK;
	*v = arena_calloc(a, *n, size);
	return *v != NULL ? RF_OK : RF_NOMEM;
}

enum rf_status
column_read_ips(const struct ip_addr **out, size_t *n, const char *text,
    struct arena *a, struct rf_error *err)
{
	enum rf_status st;
	json_t *root;
	void *room;

	st = open_list(&root, &room, n, text, sizeof(struct ip_addr), a);
	for (size_t i = 0; st == RF_OK && i < *n; i++) {
		const char *s = json_string_value(json_array_get(root, i));

		if (s == NULL || !ip_parse((struct ip_addr *)room + i, s))
			st = RF_CORRUPT;
	}
	*out = room;
	return finish(st, root, text, "addresses", err);
}

enum rf_status
column_read_cidrs(const struct ip_prefix **out, size_t *n, const char *text,
    struct arena *a, struct rf_error *err)
{
	enum rf_status st;
	json_t *root;
	void *room;

	st = open_list(&root, &room, n, text, sizeof(struct ip_prefix), a);
	for (size_t i = 0; st == RF_OK && i < *n; i++) {
		const char *s = json_string_value(json_array_get(root, i));

		if (s == NULL ||
		    !ip_prefix_parse((struct ip_prefix *)room + i, s, NULL))
			st = RF_CORRUPT;
	}
	*out = room;
	return finish(st, root, text, "address ranges", err);
}

enum rf_status
column_read_pod_ports(const struct kube_port **out, size_t *n, const char *text,
    struct arena *a, struct rf_error *err)
{
	struct kube_port *v;
	enum rf_status st;
	json_t *root;
	void *room;

	st = open_list(&root, &room, n, text, sizeof(*v), a);
	v = room;
	for (size_t i = 0; st == RF_OK && i < *n; i++) {
		const json_t *o = json_array_get(root, i);

		v[i].name = copy_string(json_object_get(o, "name"), a, &st);
		v[i].port = (uint16_t)read_number(o, "port", 65535, &st);
		v[i].protocol = (uint8_t)read_number(o, "protocol", 255, &st);
		v[i].init = read_bool(o, "init", &st);
		v[i].sidecar = read_bool(o, "sidecar", &st);
	}
	*out = v;
	return finish(st, root, text, "container ports", err);
}

enum rf_status
column_read_service_ports(const struct kube_service_port **out, size_t *n,
    const char *text, struct arena *a, struct rf_error *err)
{
	struct kube_service_port *v;
	enum rf_status st;
	json_t *root;
	void *room;

	st = open_list(&root, &room, n, text, sizeof(*v), a);
	v = room;
	for (size_t i = 0; st == RF_OK && i < *n; i++) {
		const json_t *o = json_array_get(root, i);

		v[i].name = copy_string(json_object_get(o, "name"), a, &st);
		v[i].port = (uint16_t)read_number(o, "port", 65535, &st);
		v[i].node_port =
		    (uint16_t)read_number(o, "nodePort", 65535, &st);
		v[i].target_port =
		    (uint16_t)read_number(o, "targetPort", 65535, &st);
		v[i].target_name =
		    copy_string(json_object_get(o, "targetName"), a, &st);
		v[i].protocol = (uint8_t)read_number(o, "protocol", 255, &st);
	}
	*out = v;
	return finish(st, root, text, "service ports", err);
}
