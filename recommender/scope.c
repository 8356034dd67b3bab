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

/* Those of all that concern us, with names that only ordering needs: in an
 * arena of their own, as there are as many as edges. */
static enum rf_status
name_edges(struct run *r, const struct edge_set *all, struct arena *names,
    struct named_edge *v)
{
	struct run naming = *r;

	naming.arena = names;
	for (size_t i = 0; i < all->n_edges; i++) {
		struct named_edge *to = &v[r->n_edges];

		if (!concerns_us(r, &all->edges[i]))
			continue;
		to->edge = &all->edges[i];
		to->name = note_edge(&naming, to->edge);
		if (to->name == NULL)
			return run_nomem(r);
		r->n_edges++;
	}
	return RF_OK;
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
	arena_init(&names, 0);
	if ((st = name_edges(r, &all, &names, v)) != RF_OK)
		goto out;
	qsort(v, r->n_edges, sizeof(*v), compare_edges);
	r->edges = arena_calloc(r->arena, r->n_edges, sizeof(*r->edges));
	if (r->edges == NULL) {
		st = run_nomem(r);
		goto out;
	}
	for (size_t i = 0; i < r->n_edges; i++)
		r->edges[i] = *v[i].edge;
out:
	arena_release(&names);
	free(v);
	return st;
}
