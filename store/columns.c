/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the JSON columns; columns_read.c reads them. */
#include "store/columns.h"

#include <jansson.h>
#include <stdlib.h>

#include "kube/json_text.h"

/* Keep the text of root, which is stolen; "" once anything has failed. */
static const char *
keep(struct column_writer *w, json_t *root)
{
	char *text = NULL;

	if (root != NULL && w->n < COLUMNS_MAX)
		text = json_text_write(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	if (text == NULL) {
		w->failed = true;
		return "";
	}
	w->text[w->n++] = text;
	return text;
}

void
column_writer_clear(struct column_writer *w)
{
	while (w->n > 0)
		free(w->text[--w->n]);
	w->failed = false;
}

static json_t *
string(const char *s)
{
	return json_string(s != NULL ? s : "");
}

static json_t *
labels_json(struct column_writer *w, const struct label_set *l)
{
	json_t *o = json_object();

	for (size_t i = 0; i < l->n; i++)
		if (json_object_set_new(
			o, l->v[i].key, string(l->v[i].value)) != 0)
			w->failed = true;
	return o;
}

const char *
column_labels(struct column_writer *w, const struct label_set *l)
{
	return keep(w, labels_json(w, l));
}

static const char *const op_names[] = {
	[SELECTOR_IN] = "In",
	[SELECTOR_NOT_IN] = "NotIn",
	[SELECTOR_EXISTS] = "Exists",
	[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
};

static json_t *
requirement_json(struct column_writer *w, const struct selector_requirement *r)
{
	json_t *values = json_array();

	for (size_t i = 0; i < r->n_values; i++)
		if (json_array_append_new(values, string(r->values[i])) != 0)
			w->failed = true;
	return json_pack("{s:s, s:s, s:o}", "key", r->key, "operator",
	    op_names[r->op], "values", values);
}

const char *
column_selector(struct column_writer *w, const struct label_selector *sel)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sel->n_match_expressions; i++)
		if (json_array_append_new(list,
			requirement_json(w, &sel->match_expressions[i])) != 0)
			w->failed = true;
	return keep(w,
	    json_pack("{s:o, s:o}", "matchLabels",
		labels_json(w, &sel->match_labels), "matchExpressions", list));
}

const char *
column_ips(struct column_writer *w, const struct ip_addr *v, size_t n)
{
	json_t *list = json_array();
	char buf[IP_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(
			list, json_string(ip_format(&v[i], buf))) != 0)
			w->failed = true;
	return keep(w, list);
}

const char *
column_cidrs(struct column_writer *w, const struct ip_prefix *v, size_t n)
{
	json_t *list = json_array();
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(
			list, json_string(ip_prefix_format(&v[i], buf))) != 0)
			w->failed = true;
	return keep(w, list);
}

const char *
column_pod_ports(struct column_writer *w, const struct kube_port *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list,
			json_pack("{s:o, s:i, s:i, s:b, s:b}", "name",
			    string(v[i].name), "port", v[i].port, "protocol",
			    v[i].protocol, "init", v[i].init, "sidecar",
			    v[i].sidecar)) != 0)
			w->failed = true;
	return keep(w, list);
}

const char *
column_service_ports(
    struct column_writer *w, const struct kube_service_port *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list,
			json_pack("{s:o, s:i, s:i, s:i, s:o, s:i}", "name",
			    string(v[i].name), "port", v[i].port, "nodePort",
			    v[i].node_port, "targetPort", v[i].target_port,
			    "targetName", string(v[i].target_name), "protocol",
			    v[i].protocol)) != 0)
			w->failed = true;
	return keep(w, list);
}
