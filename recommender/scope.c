/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces get policies, and which edges concern them. */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

enum rf_status
scope_choose(struct run *r)
{
	const struct recommend_options *o = r->options;
	const struct cluster *c = r->c;

	r->in_scope = arena_calloc(r->arena, c->n_namespaces, sizeof(bool));
	if (r->in_scope == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < o->n_namespaces; i++) {
		uint32_t ns = cluster_find_namespace(c, o->namespaces[i]);

		if (ns == FLOW_NONE)
			return rf_fail(r->err, RF_INVAL,
			    "namespace %s: nothing is known of it",
			    o->namespaces[i]);
		r->in_scope[ns] = true;
	}
	if (o->n_namespaces > 0)
		return RF_OK;
	for (size_t i = 0; i < c->n_namespaces; i++)
		r->in_scope[i] = r->spaces[i].n_variants > 0;
	for (size_t i = 0; i < c->n_pods; i++)
		if (!c->pods[i].deleted)
			r->in_scope[c->pods[i].ns] = true;
	return RF_OK;
}

/* Does one end, or a backend that the Service may have chosen, have a policy
 * of ours? */
static bool
concerns_us(const struct run *r, const struct edge *e)
{
	const struct flow *f = e->flows[0];

	if (plan_group_in_scope(r, plan_group(r, e->src)) ||
	    plan_group_in_scope(r, plan_group(r, e->dst)))
		return true;
	return plan_is_open(f, &r->fs->endpoints[f->dst]) &&
	    plan_any_target_in_scope(r, f);
}

/* An edge with the text that orders it: what does not depend on indices. */
struct named_edge {
	const char *name;
	const struct edge *edge;
};

static int
compare_edges(const void *x, const void *y)
{
	const struct named_edge *a = x, *b = y;
	int d;

	if ((d = strcmp(a->name, b->name)) != 0)
		return d;
	if (a->edge->outcome != b->edge->outcome)
		return a->edge->outcome < b->edge->outcome ? -1 : 1;
	if (a->edge->certainty != b->edge->certainty)
		return a->edge->certainty < b->edge->certainty ? -1 : 1;
	return (a->edge->service_port > b->edge->service_port) -
	    (a->edge->service_port < b->edge->service_port);
}

/* Those that concern us move to the front, and get names that only ordering
 * needs: in an arena of their own, as there are as many as edges. */
static enum rf_status
name_edges(struct run *r, size_t n, struct arena *names, struct named_edge *v)
{
	struct run naming = *r;

	naming.arena = names;
	for (size_t i = 0; i < n; i++) {
		struct edge *to = &r->edges[r->n_edges];
		const char *name;

		if (!concerns_us(r, &r->edges[i]))
			continue;
		*to = r->edges[i];
		if ((name = note_edge(&naming, to)) == NULL)
			return run_nomem(r);
		v[r->n_edges++] = (struct named_edge){ name, to };
	}
	return RF_OK;
}

/* Edges take the places of those that stand in v now: along each cycle, as
 * there may be a million of them. */
static void
put_in_order(struct edge *edges, struct named_edge *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct edge first = edges[i];
		size_t at = i, from;

		while ((from = (size_t)(v[at].edge - edges)) != i) {
			edges[at] = edges[from];
			v[at].edge = &edges[at];
			at = from;
		}
		edges[at] = first;
		v[at].edge = &edges[at];
	}
}

enum rf_status
scope_edges(struct run *r)
{
	struct edge_set all;
	struct named_edge *v;
	struct arena names;
	enum rf_status st;

	if ((st = edge_roll_up(&all, r->fs, r->arena, r->err)) != RF_OK)
		return st;
	v = calloc(all.n_edges + 1, sizeof(*v));
	if (v == NULL)
		return run_nomem(r);
	r->edges = all.edges;
	arena_init(&names, 0);
	if ((st = name_edges(r, all.n_edges, &names, v)) == RF_OK) {
		if (r->n_edges > 0)
			qsort(v, r->n_edges, sizeof(*v), compare_edges);
		put_in_order(r->edges, v, r->n_edges);
	}
	arena_release(&names);
	free(v);
	return st;
}
