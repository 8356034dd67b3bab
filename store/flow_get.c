/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading flows: totals, and the rows of windows that are not in them; for a
 * time of its own the rows of its windows. They are added up over windows
 * here (store/flow_sum.h). SQLite would sort all rows for that.
 */
#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "core/rfc3339.h"
#include "store/flow_sum.h"
#include "store/notes.h"
#include "store/total.h"

/* One call's state. Endpoints stand in the order of their row ids, and flows
 * name them by where they stand. */
struct get {
	struct store *s;
	const struct cluster *c;
	const struct store_filter *filter;
	struct arena *arena;
	struct id_map places; /* of row ids */
	struct endpoint *endpoints;
	uint8_t *chosen; /* in one of the namespaces */
	uint32_t *order; /* its index in the result */
	size_t n_endpoints, cap_endpoints;
	struct flow_sum sum;
	int64_t since_us, last_us; /* the filter's time, both included */
};

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "read flows: out of memory");
}

static bool
in_namespaces(const struct store_filter *f, const char *name)
{
	for (size_t i = 0; i < f->n_namespaces; i++)
		if (strcmp(f->namespaces[i], name) == 0)
			return true;
	return false;
}

static bool
is_chosen(const struct get *g, const struct endpoint *e)
{
	if (g->filter == NULL || g->filter->n_namespaces == 0)
		return true;
	return e->workload != FLOW_NONE &&
	    in_namespaces(g->filter, g->c->workloads[e->workload].namespace);
}

/* Room for one more. */
static bool
reserve(struct get *g)
{
	size_t cap = g->cap_endpoints * 2 + 64;
	struct endpoint *e;
	uint8_t *chosen;

	if (g->n_endpoints < g->cap_endpoints)
		return true;
	if ((e = realloc(g->endpoints, cap * sizeof(*e))) == NULL)
		return false;
	g->endpoints = e;
	if ((chosen = realloc(g->chosen, cap)) == NULL)
		return false;
	g->chosen = chosen;
	g->cap_endpoints = cap;
	return true;
}

/* A row id as an index; none stays none, and a stranger is an error. */
static enum rf_status
index_of(uint32_t *out, const struct id_map *ix, int64_t id, const char *what,
    struct rf_error *err)
{
	*out = id == 0 ? FLOW_NONE : id_map_find(ix, id);
	if (id != 0 && *out == FLOW_NONE)
		return db_damaged(err,
		    "stored flows name %s %lld, which the cluster that was "
		    "read does not have",
		    what, (long long)id);
	return RF_OK;
}

static enum rf_status
read_endpoint(struct get *g, struct db_stmt *q, struct rf_error *err)
{
	const struct store_indices *got = &g->s->got;
	int64_t id = db_int(q, 0);
	struct endpoint e = { .ip = db_ip(q, 2) };
	enum rf_status st;
	bool is_bad;

	e.type = (enum endpoint_type)db_uint(q, 1, ENDPOINT_TYPE_COUNT - 1);
	st = index_of(&e.pod, &got->pods, db_int(q, 3), "pod", err);
	if (st != RF_OK)
		return st;
	st = index_of(&e.node, &got->nodes, db_int(q, 4), "node", err);
	if (st != RF_OK)
		return st;
	st = index_of(
	    &e.workload, &got->workloads, db_int(q, 5), "workload", err);
	if (st != RF_OK)
		return st;
	if (e.pod != FLOW_NONE) {
		e.node = g->c->pods[e.pod].node;
		e.workload = g->c->pods[e.pod].workload;
	}
	if (!reserve(g))
		return fail_memory(err);
	is_bad = e.type == ENDPOINT_WORKLOAD && e.workload == FLOW_NONE;
	if (!is_bad &&
	    id_map_add(&g->places, id, (uint32_t)g->n_endpoints, &is_bad)) {
		g->chosen[g->n_endpoints] = is_chosen(g, &e);
		g->endpoints[g->n_endpoints++] = e;
		return RF_OK;
	}
	if (!is_bad)
		return fail_memory(err);
	return db_damaged(
	    err, "stored endpoint %lld is of no workload", (long long)id);
}

static enum rf_status
read_endpoints(struct get *g, struct rf_error *err)
{
	struct db_stmt q = store_stmt(g->s, SQL_ENDPOINT_LIST);
	enum rf_status st;
	bool row;

	while ((st = db_row(&q, &row, "read endpoints", err)) == RF_OK && row) {
		if ((st = read_endpoint(g, &q, err)) != RF_OK) {
			db_end(&q);
			return st;
		}
	}
	return st;
}

/* The ends of a row by where they stand. false: not all are there. */
static bool
place_ends(const struct get *g, struct flow *f)
{
	f->src = id_map_find(&g->places, f->src);
	f->dst = id_map_find(&g->places, f->dst);
	f->seen_src = id_map_find(&g->places, f->seen_src);
	return f->src != FLOW_NONE && f->dst != FLOW_NONE &&
	    f->seen_src != FLOW_NONE;
}

static enum rf_status
read_flow(struct get *g, struct db_stmt *q, struct rf_error *err)
{
	struct flow f = flow_of_row(q), of_rows = f;

	if (!place_ends(g, &f))
		return db_damaged(err,
		    "a stored flow names endpoints %u, %u, %u, which are not "
		    "all there",
		    of_rows.src, of_rows.dst, of_rows.seen_src);
	if (!g->chosen[f.src] && !g->chosen[f.dst])
		return RF_OK;
	return flow_sum_add(&g->sum, &f) ? RF_OK : fail_memory(err);
}

static enum rf_status
read_rows(struct get *g, struct db_stmt *q, struct rf_error *err)
{
	enum rf_status st;
	bool row;

	while ((st = db_row(q, &row, "read flows", err)) == RF_OK && row) {
		if ((st = read_flow(g, q, err)) != RF_OK) {
			db_end(q);
			return st;
		}
	}
	return st;
}

/* All windows: what is added up already, and the windows that are not. */
static enum rf_status
read_totals(
    struct get *g, const struct store_state *state, struct rf_error *err)
{
	struct db_stmt totals = store_stmt(g->s, SQL_TOTAL_LIST);
	struct db_stmt rest = store_stmt(g->s, SQL_FLOW_LIST);
	enum rf_status st;

	if ((st = read_rows(g, &totals, err)) != RF_OK)
		return st;
	db_bind_int(&rest, 1, state->rolled_us);
	db_bind_int(&rest, 2, INT64_MAX);
	db_bind_int(&rest, 3, INT64_MIN);
	db_bind_int(&rest, 4, INT64_MAX);
	return read_rows(g, &rest, err);
}

static enum rf_status
read_flows(struct get *g, struct rf_error *err)
{
	struct db_stmt q = store_stmt(g->s, SQL_FLOW_LIST);
	struct store_state state;
	enum rf_status st;

	if (g->filter != NULL && g->filter->window_us != NULL) {
		db_bind_int(&q, 1, *g->filter->window_us);
		db_bind_int(&q, 2, *g->filter->window_us);
		db_bind_int(&q, 3, INT64_MIN);
		db_bind_int(&q, 4, INT64_MAX);
		return read_rows(g, &q, err);
	}
	if ((st = state_get(g->s, &state, err)) != RF_OK)
		return st;
	if (g->since_us == TIME_MIN_US && g->last_us == TIME_MAX_US)
		return read_totals(g, &state, err);
	db_bind_int(&q, 1, time_before(g->since_us, state.span_us));
	db_bind_int(&q, 2, time_after(g->last_us, state.lead_us));
	db_bind_int(&q, 3, g->since_us);
	db_bind_int(&q, 4, g->last_us);
	return read_rows(g, &q, err);
}

/* Order that depends on the cluster and addresses, not on row ids. */
static int
compare_ids(const void *a, const void *b, void *arg)
{
	const struct endpoint *v = arg;
	const struct endpoint *x = &v[*(const uint32_t *)a];
	const struct endpoint *y = &v[*(const uint32_t *)b];
	const uint32_t p[] = { x->type, x->workload, x->pod, x->node };
	const uint32_t q[] = { y->type, y->workload, y->pod, y->node };

	for (int i = 0; i < 4; i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return ip_compare(&x->ip, &y->ip);
}

/* The endpoints that flows use, in order, into the arena. */
static enum rf_status
number_endpoints(struct get *g, struct flow_set *out, struct rf_error *err)
{
	uint32_t *used = calloc(g->n_endpoints + 1, sizeof(*used));
	struct endpoint *v;
	size_t n = 0;

	g->order = calloc(g->n_endpoints + 1, sizeof(*g->order));
	if (used == NULL || g->order == NULL)
		goto fail;
	for (size_t i = 0; i < g->sum.n; i++) {
		g->order[g->sum.v[i].src] = 1;
		g->order[g->sum.v[i].dst] = 1;
		g->order[g->sum.v[i].seen_src] = 1;
	}
	for (size_t i = 0; i < g->n_endpoints; i++)
		if (g->order[i] != 0)
			used[n++] = (uint32_t)i;
	qsort_r(used, n, sizeof(*used), compare_ids, g->endpoints);
	if ((v = arena_calloc(g->arena, n, sizeof(*v))) == NULL)
		goto fail;
	for (size_t i = 0; i < n; i++) {
		v[i] = g->endpoints[used[i]];
		g->order[used[i]] = (uint32_t)i;
	}
	free(used);
	out->endpoints = v;
	out->n_endpoints = n;
	return RF_OK;
fail:
	free(used);
	return fail_memory(err);
}

static int
compare_flows(const void *a, const void *b)
{
	return flow_sum_compare(a, b);
}

/* A flow of the sum with indices for row ids. */
static enum rf_status
number_flow(
    const struct get *g, size_t i, struct flow *out, struct rf_error *err)
{
	*out = g->sum.v[i];
	out->src = g->order[out->src];
	out->dst = g->order[out->dst];
	out->seen_src = g->order[out->seen_src];
	return index_of(
	    &out->service, &g->s->got.services, out->service, "service", err);
}

/* Into v by their ends, as rows have them, then the few of one pair by the
 * rest. */
static enum rf_status
sort_flows(const struct get *g, struct order_row *rows, struct flow *v,
    struct rf_error *err)
{
	size_t n = g->sum.n, start = 0;
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		const struct flow *f = &g->sum.v[i];

		rows[i].key =
		    (uint64_t)g->order[f->src] << 32 | g->order[f->dst];
		rows[i].at = (uint32_t)i;
	}
	if (!order_by_key(rows, n))
		return fail_memory(err);
	for (size_t i = 0; i < n; i++) {
		if ((st = number_flow(g, rows[i].at, &v[i], err)) != RF_OK)
			return st;
		if (i + 1 < n && rows[i + 1].key == rows[i].key)
			continue;
		if (i > start)
			qsort(&v[start], i + 1 - start, sizeof(*v),
			    compare_flows);
		start = i + 1;
	}
	return RF_OK;
}

static enum rf_status
number_flows(struct get *g, struct flow_set *out, struct rf_error *err)
{
	size_t n = g->sum.n;
	struct flow *v = arena_calloc(g->arena, n, sizeof(*v));
	struct order_row *rows = calloc(n + 1, sizeof(*rows));
	enum rf_status st;

	if (v == NULL || rows == NULL || n >= UINT32_MAX)
		st = fail_memory(err);
	else
		st = sort_flows(g, rows, v, err);
	free(rows);
	out->flows = v;
	out->n_flows = n;
	return st;
}

static enum rf_status
get_all(struct get *g, struct flow_set *out, struct rf_error *err)
{
	enum rf_status st;

	if ((st = read_endpoints(g, err)) != RF_OK)
		return st;
	if ((st = read_flows(g, err)) != RF_OK)
		return st;
	if (!flow_sum_finish(&g->sum))
		return fail_memory(err);
	if ((st = number_endpoints(g, out, err)) != RF_OK)
		return st;
	if ((st = number_flows(g, out, err)) != RF_OK)
		return st;
	if (g->filter != NULL && g->filter->no_notes)
		return RF_OK;
	if ((st = notes_get_names(g->s, g->arena, out, err)) != RF_OK)
		return st;
	if ((st = notes_get_waiting(g->s, out, err)) != RF_OK)
		return st;
	return notes_get_coverage(
	    g->s, g->since_us, g->last_us, g->arena, out, err);
}

enum rf_status
store_get_flows(struct store *s, const struct cluster *c,
    const struct store_filter *filter, struct arena *arena,
    struct flow_set *out, struct rf_error *err)
{
	struct get g = { .s = s,
		.c = c,
		.filter = filter,
		.arena = arena,
		.since_us = TIME_MIN_US,
		.last_us = TIME_MAX_US };
	enum rf_status st;

	*out = (struct flow_set){ 0 };
	if (c == NULL || s->got.cluster != c)
		return rf_fail(err, RF_INVAL,
		    "read flows: the cluster is not the one that this handle "
		    "read last");
	if (filter != NULL && filter->since_us != 0)
		g.since_us = filter->since_us;
	if (filter != NULL && filter->until_us != 0)
		g.last_us = time_before(filter->until_us, 1);
	st = get_all(&g, out, err);
	if (st != RF_OK)
		*out = (struct flow_set){ 0 };
	free(g.endpoints);
	free(g.chosen);
	free(g.order);
	id_map_release(&g.places);
	flow_sum_release(&g.sum);
	return st;
}
