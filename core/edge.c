/* SPDX-License-Identifier: Apache-2.0 */
#include "core/edge.h"

#include <stdlib.h>

/* A flow beside the endpoints it names, so that qsort needs no context. */
struct sort_row {
	const struct endpoint *src, *dst;
	const struct flow *flow;
};

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int
endpoint_compare_face(const struct endpoint *a, const struct endpoint *b)
{
	int c = compare_u64(a->type, b->type);

	if (c != 0)
		return c;
	if (a->type == ENDPOINT_WORKLOAD)
		return compare_u64(a->workload, b->workload);
	if (a->type == ENDPOINT_NODE && a->node != FLOW_NONE &&
	    b->node != FLOW_NONE)
		return compare_u64(a->node, b->node);
	if (a->type == ENDPOINT_NODE && a->node != b->node)
		return a->node == FLOW_NONE ? 1 : -1;
	return ip_compare(&a->ip, &b->ip);
}

bool
endpoint_same_face(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare_face(a, b) == 0;
}

bool
outcome_is_traffic(unsigned outcome)
{
	return outcome == OUTCOME_ESTABLISHED || outcome == OUTCOME_ONEWAY ||
	    outcome == OUTCOME_MIDSTREAM;
}

/* Order by the edge's key alone. */
static int
compare_key(const struct sort_row *a, const struct sort_row *b)
{
	const struct flow *f = a->flow, *g = b->flow;
	int c;

	if ((c = endpoint_compare_face(a->src, b->src)) != 0 ||
	    (c = endpoint_compare_face(a->dst, b->dst)) != 0 ||
	    (c = compare_u64(f->protocol, g->protocol)) != 0 ||
	    (c = compare_u64(f->port, g->port)) != 0 ||
	    (c = compare_u64(f->service, g->service)) != 0 ||
	    (c = compare_u64(f->service_port, g->service_port)) != 0 ||
	    (c = compare_u64(f->outcome, g->outcome)) != 0)
		return c;
	return compare_u64(f->certainty, g->certainty);
}

static int
compare_row(const void *x, const void *y)
{
	const struct sort_row *a = x, *b = y;
	int c = compare_key(a, b);

	if (c != 0 || (c = compare_u64(a->flow->src, b->flow->src)) != 0 ||
	    (c = compare_u64(a->flow->dst, b->flow->dst)) != 0 ||
	    (c = compare_u64(a->flow->seen_src, b->flow->seen_src)) != 0)
		return c;
	return (a->flow->window_us > b->flow->window_us) -
	    (a->flow->window_us < b->flow->window_us);
}

static void
edge_start(
    struct edge *e, const struct sort_row *row, const struct flow *const *flows)
{
	const struct flow *f = row->flow;

	*e = (struct edge){ .src = row->src,
		.dst = row->dst,
		.flows = flows,
		.service = f->service,
		.service_port = f->service_port,
		.port = f->port,
		.protocol = f->protocol,
		.outcome = f->outcome,
		.certainty = f->certainty,
		.first_us = f->first_us,
		.last_us = f->last_us };
}

static void
edge_count(struct edge *e, const struct flow *f)
{
	e->n_flows++;
	e->connections += f->connections;
	e->packets += f->packets;
	e->bytes += f->bytes;
	if (f->first_us < e->first_us)
		e->first_us = f->first_us;
	if (f->last_us > e->last_us)
		e->last_us = f->last_us;
}

enum rf_status
edge_roll_up(struct edge_set *out, const struct flow_set *fs,
    struct arena *arena, struct rf_error *err)
{
	size_t n = fs->n_flows, n_edges = 0;
	struct sort_row *rows = calloc(n + 1, sizeof(*rows));
	const struct flow **order = arena_calloc(arena, n + 1, sizeof(*order));
	struct edge *edges = arena_calloc(arena, n + 1, sizeof(*edges));

	*out = (struct edge_set){ 0 };
	if (rows == NULL || order == NULL || edges == NULL) {
		free(rows);
		return rf_fail(err, RF_NOMEM, "edges: out of memory");
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct sort_row){ &fs->endpoints[fs->flows[i].src],
			&fs->endpoints[fs->flows[i].dst], &fs->flows[i] };
	qsort(rows, n, sizeof(*rows), compare_row);
	for (size_t i = 0; i < n; i++) {
		order[i] = rows[i].flow;
		if (i == 0 || compare_key(&rows[i - 1], &rows[i]) != 0)
			edge_start(&edges[n_edges++], &rows[i], &order[i]);
		edge_count(&edges[n_edges - 1], order[i]);
	}
	free(rows);
	*out = (struct edge_set){ .edges = edges, .n_edges = n_edges };
	return RF_OK;
}
