/* SPDX-License-Identifier: Apache-2.0 */
#include "report/view_filter.h"

#include <string.h>

#include "kube/kind.h"

static bool
is_wanted(const struct view_filter *f, const struct endpoint *e)
{
	for (size_t i = 0; i < f->n_workloads; i++)
		if (e->type == ENDPOINT_WORKLOAD &&
		    e->workload == f->workloads[i])
			return true;
	return false;
}

static bool
is_selected(const struct view_filter *f, const struct endpoint *e)
{
	return e->type == ENDPOINT_WORKLOAD && f->selected[e->workload];
}

bool
view_filter_passes(const struct view_filter *f, const struct view_edge *v)
{
	const struct edge *e = v->edge;

	if (f->outcomes != 0 && (f->outcomes & 1u << e->outcome) == 0)
		return false;
	if (f->port != 0 && e->port != f->port && e->service_port != f->port)
		return false;
	if (f->selected != NULL && !is_selected(f, e->src) &&
	    !is_selected(f, e->dst))
		return false;
	return f->n_workloads == 0 || is_wanted(f, e->src) ||
	    is_wanted(f, e->dst);
}

static bool
is_meant(const struct kube_workload *w, const char *text)
{
	size_t ns = strcspn(text, "/"), kind;

	if (text[ns] == '\0' || strlen(w->namespace) != ns ||
	    strncmp(text, w->namespace, ns) != 0)
		return false;
	text += ns + 1;
	kind = strcspn(text, "/");
	if (text[kind] == '\0')
		return strcmp(text, w->name) == 0;
	return kind_is_meant(w->kind, text, kind) &&
	    strcmp(text + kind + 1, w->name) == 0;
}

enum rf_status
view_filter_add_workload(struct view_filter *f, const struct cluster *c,
    const char *text, struct arena *arena, size_t *n)
{
	*n = 0;
	for (uint32_t i = 0; i < c->n_workloads; i++) {
		if (!is_meant(&c->workloads[i], text))
			continue;
		if (!arena_grow(arena, (void **)&f->workloads, f->n_workloads,
			&f->cap_workloads, sizeof(*f->workloads)))
			return RF_NOMEM;
		f->workloads[f->n_workloads++] = i;
		++*n;
	}
	return RF_OK;
}

static bool
is_among(const struct view_namespaces *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++)
		if (strcmp(in->v[i], name) == 0)
			return true;
	return in->n == 0;
}

enum rf_status
view_filter_select(struct view_filter *f, const struct cluster *c,
    const struct label_selector *s, const struct view_namespaces *in,
    struct arena *arena, size_t *n)
{
	bool *selected = arena_calloc(arena, c->n_workloads + 1, 1);

	*n = 0;
	if (selected == NULL)
		return RF_NOMEM;
	for (size_t i = 0; i < c->n_pods; i++)
		if (selector_matches(s, &c->pods[i].labels))
			selected[c->pods[i].workload] = true;
	for (size_t i = 0; i < c->n_workloads; i++) {
		const struct kube_workload *w = &c->workloads[i];

		if (w->n_pods == 0)
			selected[i] = selector_matches(s, &w->labels);
		selected[i] = selected[i] && is_among(in, w->namespace);
		*n += selected[i];
	}
	f->selected = selected;
	return RF_OK;
}

enum rf_status
view_narrow(struct view *v, const struct view_filter *f, struct arena *arena,
    struct rf_error *err)
{
	struct view_edge *kept =
	    arena_calloc(arena, v->n_edges + 1, sizeof(*kept));
	size_t n = 0;

	if (kept == NULL)
		return rf_fail(err, RF_NOMEM, "report: out of memory");
	for (size_t i = 0; i < v->n_edges; i++)
		if (view_filter_passes(f, &v->edges[i]))
			kept[n++] = v->edges[i];
	v->edges = kept;
	v->n_edges = n;
	return RF_OK;
}
