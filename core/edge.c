/* SPDX-License-Identifier: Apache-2.0 */
#include "core/edge.h"

#include <stdlib.h>

#include "core/order.h"

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
outcome_is_traffic(unsigned outcome)
{
	return outcome == OUTCOME_ESTABLISHED || outcome == OUTCOME_ONEWAY ||
	    outcome == OUTCOME_MIDSTREAM;
}

/* Order by the rest of the edge's key: ends are of one face each. */
static int
compare_key(const struct flow *f, const struct flow *g)
{
	int c;

	if ((c = compare_u64(f->protocol, g->protocol)) != 0 ||
	    (c = compare_u64(f->port, g->port)) != 0 ||
	    (c = compare_u64(f->service, g->service)) != 0 ||
	    (c = compare_u64(f->service_port, g->service_port)) != 0 ||
	    (c = compare_u64(f->outcome, g->outcome)) != 0)
		return c;
	return compare_u64(f->certainty, g->certainty);
}

static int
compare_flow(const void *x, const void *y)
{
	const struct flow *f = *(const struct flow *const *)x;
	const struct flow *g = *(const struct flow *const *)y;
	int c = compare_key(f, g);

	if (c != 0 || (c = compare_u64(f->src, g->src)) != 0 ||
	    (c = compare_u64(f->dst, g->dst)) != 0 ||
	    (c = compare_u64(f->seen_src, g->seen_src)) != 0)
		return c;
	return (f->window_us > g->window_us) - (f->window_us < g->window_us);
}

static int
compare_face(const void *x, const void *y)
{
	const struct endpoint *a = *(const struct endpoint *const *)x;
	const struct endpoint *b = *(const struct endpoint *const *)y;

	return endpoint_compare_face(a, b);
}

/* By endpoint: the rank of its face among all. NULL: out of memory. */
static uint32_t *
rank_faces(const struct flow_set *fs)
{
	size_t n = fs->n_endpoints;
	const struct endpoint **v = calloc(n + 1, sizeof(*v));
	uint32_t *ranks = calloc(n + 1, sizeof(*ranks)), rank = 0;

	if (v == NULL || ranks == NULL) {
		free(v);
		free(ranks);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = &fs->endpoints[i];
	qsort(v, n, sizeof(*v), compare_face);
	for (size_t i = 0; i < n; i++) {
		rank += i > 0 && compare_face(&v[i - 1], &v[i]) != 0;
		ranks[v[i] - fs->endpoints] = rank;
	}
	free(v);
	return ranks;
}

/* Flows by their pair of faces. NULL: out of memory. */
static struct order_row *
order_flows(const struct flow_set *fs)
{
	size_t n = fs->n_flows;
	struct order_row *rows = calloc(n + 1, sizeof(*rows));
	uint32_t *ranks = rank_faces(fs);
	bool ok = rows != NULL && ranks != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		const struct flow *f = &fs->flows[i];

		rows[i].key = (uint64_t)ranks[f->src] << 32 | ranks[f->dst];
		rows[i].at = (uint32_t)i;
	}
	free(ranks);
	if (ok && order_by_key(rows, n))
		return rows;
	free(rows);
	return NULL;
}

static void
edge_start(
    struct edge *e, const struct flow_set *fs, const struct flow *const *flows)
{
	const struct flow *f = flows[0];

	*e = (struct edge){ .src = &fs->endpoints[f->src],
		.dst = &fs->endpoints[f->dst],
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
	e->is_rewritten |= f->seen_src != f->src;
	e->connections += f->connections;
	e->packets += f->packets;
	e->bytes += f->bytes;
	if (f->first_us < e->first_us)
		e->first_us = f->first_us;
	if (f->last_us > e->last_us)
		e->last_us = f->last_us;
}

/* The edges of n flows of one pair of faces; returns how many. */
static size_t
add_edges(struct edge *edges, const struct flow_set *fs,
    const struct flow **flows, size_t n)
{
	size_t n_edges = 0;

	if (n > 1)
		qsort(flows, n, sizeof(*flows), compare_flow);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_key(flows[i - 1], flows[i]) != 0)
			edge_start(&edges[n_edges++], fs, &flows[i]);
		edge_count(&edges[n_edges - 1], flows[i]);
	}
	return n_edges;
}

enum rf_status
edge_roll_up(struct edge_set *out, const struct flow_set *fs,
    struct arena *arena, struct rf_error *err)
{
	size_t n = fs->n_flows, n_edges = 0, start = 0;
	const struct flow **flows = arena_calloc(arena, n + 1, sizeof(*flows));
	struct edge *edges = arena_calloc(arena, n + 1, sizeof(*edges));
	struct order_row *rows;

	*out = (struct edge_set){ 0 };
	if (n > UINT32_MAX)
		return rf_fail(err, RF_LIMIT, "edges: of %zu flows", n);
	rows = order_flows(fs);
	if (rows == NULL || flows == NULL || edges == NULL) {
		free(rows);
		return rf_fail(err, RF_NOMEM, "edges: out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		flows[i] = &fs->flows[rows[i].at];
		if (i + 1 < n && rows[i + 1].key == rows[i].key)
			continue;
		n_edges += add_edges(
		    &edges[n_edges], fs, &flows[start], i + 1 - start);
		start = i + 1;
	}
	free(rows);
	*out = (struct edge_set){ .edges = edges, .n_edges = n_edges };
	return RF_OK;
}
