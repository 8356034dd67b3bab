/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading flows: totals, and the rows of windows that are not in them; for a
 * time of its own the rows of its windows. They are added up over windows
 * here, in a table of the distinct keys. SQLite would sort all rows for that.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/rfc3339.h"
#include "store/notes.h"
#include "store/total.h"

/* One call's state. Endpoints stand at the index that is their row id. */
struct get {
	struct store *s;
	const struct cluster *c;
	const struct store_filter *filter;
	struct arena *arena;
	struct endpoint *endpoints;
	uint8_t *chosen;    /* by id: in one of the namespaces */
	uint32_t *order;    /* by id: its index in the result, or FLOW_NONE */
	size_t n_endpoints; /* one more than the largest id */
	struct flow *flows; /* sums; src, dst, seen_src are row ids */
	size_t n_flows, cap_flows;
	uint32_t *slots; /* hash table: index in flows plus one, 0 free */
	size_t n_slots;  /* a power of two */
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

/* Room for row ids up to id. */
static bool
reserve(struct get *g, int64_t id)
{
	size_t n = (size_t)id + 1, cap = n + n / 2 + 64;
	struct endpoint *e;
	uint8_t *chosen;

	if (n <= g->n_endpoints)
		return true;
	if ((e = realloc(g->endpoints, cap * sizeof(*e))) == NULL)
		return false;
	g->endpoints = e;
	if ((chosen = realloc(g->chosen, cap)) == NULL)
		return false;
	g->chosen = chosen;
	memset(e + g->n_endpoints, 0, (cap - g->n_endpoints) * sizeof(*e));
	memset(chosen + g->n_endpoints, 0, cap - g->n_endpoints);
	g->n_endpoints = cap;
	return true;
}

/* A row id as an index; none stays none, and a stranger is an error. */
static enum rf_status
index_of(uint32_t *out, const struct store_index *ix, int64_t id,
    const char *what, struct rf_error *err)
{
	*out = id == 0 ? FLOW_NONE : store_index_of(ix, id);
	if (id != 0 && *out == FLOW_NONE)
		return rf_fail(err, RF_CORRUPT,
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

	e.type = (enum endpoint_type)db_int(q, 1);
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
	if (id <= 0 || id >= FLOW_NONE || !reserve(g, id))
		return fail_memory(err);
	g->endpoints[id] = e;
	g->chosen[id] = is_chosen(g, &e);
	return RF_OK;
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

static struct flow_key
key_of(const struct flow *f)
{
	return flow_key(f, f->src, f->dst, f->seen_src, f->service);
}

/* The slot of a key: its own, or the free one where it belongs. */
static uint32_t *
find_slot(const struct get *g, const struct flow_key *key)
{
	size_t mask = g->n_slots - 1;
	size_t i = (size_t)hash_words(0, key->w, sizeof(key->w)) & mask;
	struct flow_key other;

	for (; g->slots[i] != 0; i = (i + 1) & mask) {
		other = key_of(&g->flows[g->slots[i] - 1]);
		if (flow_key_compare(&other, key) == 0)
			break;
	}
	return &g->slots[i];
}

/* Keep the table at most half full. */
static bool
grow(struct get *g)
{
	size_t cap = g->cap_flows == 0 ? 1024 : g->cap_flows * 2;
	struct flow_key key;
	struct flow *flows;
	uint32_t *slots;

	if (g->n_flows < g->cap_flows)
		return true;
	if (cap >= UINT32_MAX / 2)
		return false;
	flows = realloc(g->flows, cap * sizeof(*flows));
	if (flows == NULL)
		return false;
	g->flows = flows;
	if ((slots = calloc(cap * 2, sizeof(*slots))) == NULL)
		return false;
	free(g->slots);
	g->slots = slots;
	g->n_slots = cap * 2;
	g->cap_flows = cap;
	for (size_t i = 0; i < g->n_flows; i++) {
		key = key_of(&flows[i]);
		*find_slot(g, &key) = (uint32_t)i + 1;
	}
	return true;
}

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static enum rf_status
add_flow(struct get *g, const struct flow *f, struct rf_error *err)
{
	struct flow_key key = key_of(f);
	struct flow *old;
	uint32_t *slot;

	if (!grow(g))
		return fail_memory(err);
	slot = find_slot(g, &key);
	if (*slot == 0) {
		g->flows[g->n_flows++] = *f;
		*slot = (uint32_t)g->n_flows;
		return RF_OK;
	}
	old = &g->flows[*slot - 1];
	old->sides |= f->sides;
	old->connections = sum(old->connections, f->connections);
	old->packets = sum(old->packets, f->packets);
	old->bytes = sum(old->bytes, f->bytes);
	old->first_us =
	    f->first_us < old->first_us ? f->first_us : old->first_us;
	old->last_us = f->last_us > old->last_us ? f->last_us : old->last_us;
	return RF_OK;
}

static bool
known_endpoint(const struct get *g, uint32_t id)
{
	return id > 0 && id < g->n_endpoints;
}

static enum rf_status
read_flow(struct get *g, struct db_stmt *q, struct rf_error *err)
{
	struct flow f = flow_of_row(q);
	enum rf_status st;

	if (!known_endpoint(g, f.src) || !known_endpoint(g, f.dst) ||
	    !known_endpoint(g, f.seen_src))
		return rf_fail(err, RF_CORRUPT,
		    "a stored flow names endpoints %u, %u, %u, which are not "
		    "all there",
		    f.src, f.dst, f.seen_src);
	if (!g->chosen[f.src] && !g->chosen[f.dst])
		return RF_OK;
	st = index_of(
	    &f.service, &g->s->got.services, f.service, "service", err);
	return st == RF_OK ? add_flow(g, &f, err) : st;
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
	for (size_t i = 0; i < g->n_flows; i++) {
		g->order[g->flows[i].src] = 1;
		g->order[g->flows[i].dst] = 1;
		g->order[g->flows[i].seen_src] = 1;
	}
	for (size_t id = 0; id < g->n_endpoints; id++)
		if (g->order[id] != 0)
			used[n++] = (uint32_t)id;
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
	struct flow_key x = key_of(a), y = key_of(b);

	return flow_key_compare(&x, &y);
}

static enum rf_status
number_flows(struct get *g, struct flow_set *out, struct rf_error *err)
{
	struct flow *v = arena_calloc(g->arena, g->n_flows, sizeof(*v));

	if (v == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < g->n_flows; i++) {
		v[i] = g->flows[i];
		v[i].src = g->order[v[i].src];
		v[i].dst = g->order[v[i].dst];
		v[i].seen_src = g->order[v[i].seen_src];
	}
	if (g->n_flows > 1)
		qsort(v, g->n_flows, sizeof(*v), compare_flows);
	out->flows = v;
	out->n_flows = g->n_flows;
	return RF_OK;
}

static enum rf_status
get_all(struct get *g, struct flow_set *out, struct rf_error *err)
{
	enum rf_status st;

	if ((st = read_endpoints(g, err)) != RF_OK)
		return st;
	if ((st = read_flows(g, err)) != RF_OK)
		return st;
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
	free(g.flows);
	free(g.slots);
	return st;
}
