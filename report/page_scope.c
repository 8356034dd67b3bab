/* SPDX-License-Identifier: Apache-2.0 */
/* What the page has sections and rows for. */
#include <stdlib.h>
#include <string.h>

#include "report/audit_words.h"
#include "report/page_scope.h"

#define COARSE_BOXES 60 /* beyond them the first graph is of namespaces */
#define NO_SPACE     UINT32_MAX

/* Of a row's workloads, runs of one thing mostly, those that are drawn without
 * traffic. */
#define MEMBERS_DRAWN 8

static int
compare_names(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static uint32_t
find_space(const struct page *p, const char *name)
{
	const char *const *found = p->n_spaces == 0
	    ? NULL
	    : bsearch(
		  &name, p->spaces, p->n_spaces, sizeof(name), compare_names);

	return found == NULL ? NO_SPACE : (uint32_t)(found - p->spaces);
}

static const char *
namespace_of(const struct view_end *e)
{
	return e->type == ENDPOINT_WORKLOAD ? e->namespace : NULL;
}

/* Those that were asked for; else all that anything is known of. */
static bool
make_spaces(struct page *p)
{
	const struct page_input *in = p->in;
	size_t n = 0,
	       room = in->n_namespaces > 0
	    ? in->n_namespaces
	    : p->r->n_workloads + 2 * p->a->n_edges;
	const char **v = arena_calloc(p->arena, room + 1, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < in->n_namespaces; i++)
		v[n++] = in->namespaces[i];
	for (size_t i = 0; in->n_namespaces == 0 && i < p->r->n_workloads; i++)
		v[n++] = p->r->workloads[i].namespace;
	for (size_t i = 0; in->n_namespaces == 0 && i < p->a->n_edges; i++) {
		const struct view_edge *e = p->a->edges[i].view;

		if (namespace_of(e->src) != NULL)
			v[n++] = e->src->namespace;
		if (namespace_of(e->dst) != NULL)
			v[n++] = e->dst->namespace;
	}
	qsort(v, n, sizeof(*v), compare_names);
	p->spaces = v;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(v[i], v[p->n_spaces - 1]) != 0)
			v[p->n_spaces++] = v[i];
	return true;
}

/* The sections that an edge stands in: one, two, or those outside of all
 * (n_spaces), which only a page on everything has. Returns how many. */
static size_t
spaces_of(const struct page *p, const struct audit_edge *e, uint32_t out[2])
{
	const struct view_edge *v = e->view;
	const char *names[] = { namespace_of(v->src), namespace_of(v->dst) };
	size_t n = 0;

	if (names[0] == NULL && names[1] == NULL)
		names[0] = v->service_namespace; /* which pod is not known */
	for (size_t i = 0; i < 2; i++) {
		uint32_t s =
		    names[i] == NULL ? NO_SPACE : find_space(p, names[i]);

		if (s != NO_SPACE && (n == 0 || out[0] != s))
			out[n++] = s;
	}
	if (n == 0 && p->in->n_namespaces == 0)
		out[n++] = (uint32_t)p->n_spaces;
	return n;
}

static void
count_edge(struct page *p, const struct audit_edge *e)
{
	p->counts[e->is_traffic ? (size_t)e->verdict : AUDIT_VERDICT_COUNT]++;
}

/* Worst first, in each section. */
static bool
sort_edges(struct page *p)
{
	const struct audit_edge **order = audit_order(p->a);
	size_t n = p->a->n_edges;
	uint32_t in[2];

	p->all = arena_calloc(p->arena, n + 1, sizeof(*p->all));
	p->edges = arena_calloc(p->arena, 2 * n + 1, sizeof(*p->edges));
	p->start = arena_calloc(p->arena, p->n_spaces + 3, sizeof(uint32_t));
	if (order == NULL || p->all == NULL || p->edges == NULL ||
	    p->start == NULL) {
		free(order);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = spaces_of(p, order[i], in);

		if (k == 0)
			continue;
		p->all[p->n_all++] = order[i];
		count_edge(p, order[i]);
		while (k-- > 0)
			p->start[in[k] + 2]++;
	}
	for (size_t s = 2; s < p->n_spaces + 3; s++)
		p->start[s] += p->start[s - 1];
	for (size_t i = 0; i < p->n_all; i++)
		for (size_t k = spaces_of(p, p->all[i], in); k-- > 0;)
			p->edges[p->start[in[k] + 1]++] = p->all[i];
	free(order);
	return true;
}

/* A row is of one workload, or of several that no label tells apart. */
static bool
add_members(struct page *p, size_t row, size_t *cap)
{
	const struct recommend_workload *w = &p->r->workloads[row];
	const char *href;
	char text[32];

	(void)snprintf(text, sizeof(text), "#w%zu", row);
	if ((href = arena_strdup(p->arena, text)) == NULL)
		return false;
	for (size_t i = 0; i < w->n_members; i++) {
		if (!arena_grow(p->arena, (void **)&p->members, p->n_members,
			cap, sizeof(*p->members)))
			return false;
		p->members[p->n_members++] =
		    (struct map_member){ .namespace = w->namespace,
			    .title = w->members[i],
			    .href = href,
			    .is_ready = w->readiness.is_ready,
			    .is_drawn = i < MEMBERS_DRAWN };
	}
	return true;
}

static bool
make_members(struct page *p)
{
	size_t cap = 0;

	for (size_t i = 0; i < p->r->n_workloads; i++)
		if (!add_members(p, i, &cap))
			return false;
	if (p->n_members > 0)
		qsort(p->members, p->n_members, sizeof(*p->members),
		    map_member_compare);
	return true;
}

static int
compare_notes(const void *x, const void *y)
{
	const struct page_note *a = x, *b = y;
	uintptr_t f = (uintptr_t)a->flow, g = (uintptr_t)b->flow;

	if (f != g)
		return f < g ? -1 : 1;
	return (a->note > b->note) - (a->note < b->note);
}

/* Edges of the recommendation are not those of the audit, but both hold the
 * flows of one set, each flow in one edge. */
static bool
make_notes(struct page *p)
{
	p->notes = arena_calloc(p->arena, p->r->n_notes + 1, sizeof(*p->notes));
	if (p->notes == NULL)
		return false;
	for (size_t i = 0; i < p->r->n_notes; i++) {
		const struct recommend_note *n = &p->r->notes[i];

		if (n->edge != NULL && n->kind != NOTE_REMARK)
			p->notes[p->n_notes++] =
			    (struct page_note){ n->edge->flows[0], n };
	}
	qsort(p->notes, p->n_notes, sizeof(*p->notes), compare_notes);
	return true;
}

const struct recommend_note *
page_find_note(const struct page *p, const struct edge *e)
{
	size_t lo = 0, hi = p->n_notes;
	uintptr_t want = (uintptr_t)e->flows[0];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((uintptr_t)p->notes[mid].flow < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n_notes && (uintptr_t)p->notes[lo].flow == want
	    ? p->notes[lo].note
	    : NULL;
}

const char *
page_find_row(struct page *p, const struct view_end *e)
{
	struct map_member want = { .namespace = e->namespace };
	const struct map_member *m = NULL;

	strbuf_printf(&p->cell, "%s %s", e->kind, e->name);
	want.title = strbuf_str(&p->cell);
	if (p->n_members > 0)
		m = bsearch(&want, p->members, p->n_members, sizeof(want),
		    map_member_compare);
	strbuf_clear(&p->cell);
	return m == NULL ? NULL : m->href;
}

/* How many boxes one graph of everything would have, nearly. */
static size_t
count_boxes(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_members; i++)
		n += p->members[i].is_drawn;
	for (size_t i = 0; i < p->n_all && n <= COARSE_BOXES; i++) {
		const struct view_edge *e = p->all[i]->view;

		/* Ends without a row are in namespaces of others. */
		n += namespace_of(e->src) != NULL &&
		    find_space(p, e->src->namespace) == NO_SPACE;
		n += namespace_of(e->dst) != NULL &&
		    find_space(p, e->dst->namespace) == NO_SPACE;
	}
	return n;
}

enum rf_status
page_scope(struct page *p, struct rf_error *err)
{
	if (!make_spaces(p) || !sort_edges(p) || !make_members(p) ||
	    !make_notes(p))
		return rf_fail(err, RF_NOMEM, "report: out of memory");
	p->is_coarse = count_boxes(p) > COARSE_BOXES;
	return RF_OK;
}
