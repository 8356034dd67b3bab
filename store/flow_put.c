/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing flows: checked as a whole, then endpoints become row ids, then the
 * rows are sorted by primary key (five times the rate of a random order) and
 * added up in one transaction, their totals too.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/bring.h"
#include "core/order.h"
#include "store/total.h"

/* One call's state. */
struct put {
	struct store *s;
	const struct endpoint *endpoints;
	size_t n_endpoints;
	const struct flow *flows;
	size_t n_flows;
	uint32_t *ids;          /* row id by endpoint; 0: not asked for yet */
	struct flow_key *keys;  /* by flow */
	struct order_row *rows; /* flows, in the order of their keys */
};

static enum rf_status
check_counters(const struct flow *f, size_t i, struct rf_error *err)
{
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = { { "connections", f->connections },
		{ "packets", f->packets }, { "bytes", f->bytes } };

	for (size_t k = 0; k < 3; k++)
		if (counters[k].value > INT64_MAX)
			return rf_fail(err, RF_INVAL,
			    "flow %zu: %s %" PRIu64 " exceeds 63 bits", i,
			    counters[k].name, counters[k].value);
	return RF_OK;
}

static enum rf_status
check_flow(const struct put *p, size_t i, struct rf_error *err)
{
	const struct flow *f = &p->flows[i];

	if (f->src >= p->n_endpoints || f->dst >= p->n_endpoints ||
	    f->seen_src >= p->n_endpoints)
		return rf_fail(err, RF_INVAL,
		    "flow %zu: endpoints %u, %u, %u of %zu", i, f->src, f->dst,
		    f->seen_src, p->n_endpoints);
	if (f->service != FLOW_NONE && f->service >= p->s->put.n_services)
		return rf_fail(err, RF_INVAL,
		    "flow %zu: service %u of %zu in the cluster that was put",
		    i, f->service, p->s->put.n_services);
	if (flow_protocol_name(f->protocol) == NULL ||
	    f->outcome >= OUTCOME_COUNT || f->certainty >= CERTAINTY_COUNT ||
	    f->sides > (SIDE_SRC | SIDE_DST))
		return rf_fail(err, RF_INVAL,
		    "flow %zu: protocol %u, outcome %u, certainty %u, sides "
		    "%u",
		    i, f->protocol, f->outcome, f->certainty, f->sides);
	if (f->first_us < 0 || f->first_us > f->last_us ||
	    f->last_us > DB_TIME_MAX)
		return rf_fail(err, RF_INVAL,
		    "flow %zu: first seen %" PRId64 ", last %" PRId64, i,
		    f->first_us, f->last_us);
	return check_counters(f, i, err);
}

/* An index of the cluster as a row id; 0 for FLOW_NONE. */
static enum rf_status
row_id(int64_t *id, const int64_t *ids, size_t n, uint32_t at, const char *what,
    struct rf_error *err)
{
	*id = 0;
	if (at == FLOW_NONE)
		return RF_OK;
	if (at >= n)
		return rf_fail(err, RF_INVAL,
		    "endpoint: %s %u of %zu in the cluster that was put", what,
		    at, n);
	*id = ids[at];
	return RF_OK;
}

/* An endpoint's natural key; what its type does not use is none. */
struct endpoint_key {
	int64_t pod, node, workload;
};

static enum rf_status
endpoint_key(struct endpoint_key *k, const struct store_ids *ids,
    const struct endpoint *e, struct rf_error *err)
{
	enum rf_status st;

	*k = (struct endpoint_key){ 0 };
	if (e->type == ENDPOINT_NODE)
		return row_id(
		    &k->node, ids->nodes, ids->n_nodes, e->node, "node", err);
	if (e->type != ENDPOINT_WORKLOAD)
		return RF_OK;
	st = row_id(&k->pod, ids->pods, ids->n_pods, e->pod, "pod", err);
	if (st != RF_OK || k->pod != 0)
		return st;
	st = row_id(&k->workload, ids->workloads, ids->n_workloads, e->workload,
	    "workload", err);
	if (st != RF_OK)
		return st;
	return row_id(&k->node, ids->nodes, ids->n_nodes, e->node, "node", err);
}

static void
bind_endpoint(
    struct db_stmt *q, const struct endpoint *e, const struct endpoint_key *k)
{
	db_bind_int(q, 1, e->type);
	db_bind_ip(q, 2, &e->ip);
	db_bind_int(q, 3, k->pod);
	db_bind_int(q, 4, k->node);
	db_bind_int(q, 5, k->workload);
}

/* The row id of an endpoint, which is inserted where it is missing. */
static enum rf_status
put_endpoint(struct put *p, uint32_t at, struct rf_error *err)
{
	const struct endpoint *e = &p->endpoints[at];
	struct db_stmt find = store_stmt(p->s, SQL_ENDPOINT_ID);
	struct db_stmt add = store_stmt(p->s, SQL_ENDPOINT_PUT);
	struct endpoint_key k;
	enum rf_status st;
	int64_t id;
	bool row;

	if (p->ids[at] != 0)
		return RF_OK;
	if ((unsigned)e->type >= ENDPOINT_TYPE_COUNT)
		return rf_fail(err, RF_INVAL, "endpoint %u: type %u", at,
		    (unsigned)e->type);
	if ((st = endpoint_key(&k, &p->s->put, e, err)) != RF_OK)
		return st;
	bind_endpoint(&find, e, &k);
	st = db_row(&find, &row, "look for an endpoint", err);
	if (st != RF_OK)
		return st;
	if (row) {
		id = db_int(&find, 0);
		db_end(&find);
	} else {
		bind_endpoint(&add, e, &k);
		if ((st = db_run(&add, "add an endpoint", err)) != RF_OK)
			return st;
		id = sqlite3_last_insert_rowid(p->s->db);
	}
	if (id >= FLOW_NONE)
		return rf_fail(err, RF_LIMIT,
		    "more than %u endpoints in one database", FLOW_NONE - 1);
	p->ids[at] = (uint32_t)id;
	return RF_OK;
}

static enum rf_status
make_row(struct put *p, size_t i, struct rf_error *err)
{
	const struct flow *f = &p->flows[i];
	int64_t service = 0;
	enum rf_status st;

	if ((st = put_endpoint(p, f->src, err)) != RF_OK)
		return st;
	if ((st = put_endpoint(p, f->dst, err)) != RF_OK)
		return st;
	if ((st = put_endpoint(p, f->seen_src, err)) != RF_OK)
		return st;
	if (f->service != FLOW_NONE)
		service = p->s->put.services[f->service];
	if (service >= FLOW_NONE)
		return rf_fail(err, RF_LIMIT,
		    "more than %u services in one database", FLOW_NONE - 1);
	p->keys[i] = flow_key(f, p->ids[f->src], p->ids[f->dst],
	    p->ids[f->seen_src], (uint32_t)service);
	p->rows[i].at = (uint32_t)i;
	return RF_OK;
}

/* Word by word, the last one first: rows of one word stay as they stood. */
static bool
sort_rows(struct put *p)
{
	for (int w = FLOW_KEY_WORDS - 1; w >= 0; w--) {
		for (size_t i = 0; i < p->n_flows; i++)
			p->rows[i].key = p->keys[p->rows[i].at].w[w];
		if (!order_by_key(p->rows, p->n_flows))
			return false;
	}
	return true;
}

/* The flow of a sorted row. */
static const struct flow *
row_flow(const struct put *p, size_t i)
{
	return &p->flows[p->rows[i].at];
}

/* Rows of one statement, and values of one row, of flow_add_many. */
#define FLOW_BATCH  16
#define FLOW_VALUES 16

static int
bind_flow(
    sqlite3_stmt *q, int at, const struct flow_key *k, const struct flow *f)
{
	const int64_t v[FLOW_VALUES] = { f->window_us, (int64_t)(k->w[1] >> 32),
		(int64_t)(k->w[1] & UINT32_MAX), (int64_t)(k->w[2] >> 32),
		(int64_t)(k->w[2] & UINT32_MAX), f->service_port, f->port,
		f->protocol, f->outcome, f->certainty, f->sides,
		(int64_t)f->connections, (int64_t)f->packets, (int64_t)f->bytes,
		f->first_us, f->last_us };
	int rc = SQLITE_OK;

	for (int i = 0; i < FLOW_VALUES; i++)
		rc |= sqlite3_bind_int64(q, at * FLOW_VALUES + i + 1, v[i]);
	return rc;
}

/* Add n rows with a statement for n rows. */
static enum rf_status
add_batch(struct put *p, sqlite3_stmt *q, const struct order_row *rows, int n,
    struct rf_error *err)
{
	int rc = SQLITE_OK;

	/* Sorted rows meet unsorted flows: ask for the next ones early. */
	for (const struct order_row *r = rows + n;
	     r < p->rows + p->n_flows && r < rows + n + FLOW_BATCH; r++) {
		bring_line(&p->keys[r->at]);
		bring_line(&p->flows[r->at]);
	}
	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = bind_flow(
		    q, i, &p->keys[rows[i].at], &p->flows[rows[i].at]);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	(void)sqlite3_reset(q);
	if (rc == SQLITE_DONE)
		return RF_OK;
	if (rc == SQLITE_CONSTRAINT_DATATYPE)
		return rf_fail(err, RF_INVAL,
		    "flow %u or one next to it: a counter and what is stored "
		    "exceed 63 bits together",
		    rows[0].at);
	return db_fail(p->s->db, rc, "add flows", err);
}

static enum rf_status
add_rows(struct put *p, struct rf_error *err)
{
	sqlite3_stmt *many = p->s->stmt[SQL_FLOW_ADD_MANY];
	sqlite3_stmt *one = p->s->stmt[SQL_FLOW_ADD];
	enum rf_status st = RF_OK;
	size_t i = 0;

	for (; i + FLOW_BATCH <= p->n_flows && st == RF_OK; i += FLOW_BATCH)
		st = add_batch(p, many, &p->rows[i], FLOW_BATCH, err);
	for (; i < p->n_flows && st == RF_OK; i++)
		st = add_batch(p, one, &p->rows[i], 1, err);
	(void)sqlite3_clear_bindings(many);
	(void)sqlite3_clear_bindings(one);
	return st;
}

/* Late rows, of windows that are in the totals, go there too; then windows
 * that end with these rows. */
static enum rf_status
add_totals(struct put *p, struct rf_error *err)
{
	sqlite3_stmt *add = p->s->stmt[SQL_TOTAL_ADD];
	struct store_state state;
	enum rf_status st;

	if ((st = state_get(p->s, &state, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < p->n_flows && st == RF_OK &&
	     row_flow(p, i)->window_us < state.rolled_us;
	     i++)
		st = add_batch(p, add, &p->rows[i], 1, err);
	(void)sqlite3_clear_bindings(add);
	if (st != RF_OK || p->n_flows == 0)
		return st;
	/* All that is new, and some of what waits. */
	return total_roll(p->s, state.rolled_us,
	    row_flow(p, p->n_flows - 1)->window_us, p->n_flows + p->s->roll_max,
	    err);
}

/* max(0, a - b), held at INT64_MAX. */
static int64_t
distance(int64_t a, int64_t b)
{
	uint64_t d = a > b ? (uint64_t)a - (uint64_t)b : 0;

	return d > INT64_MAX ? INT64_MAX : (int64_t)d;
}

/* How far flows reach out of their windows, for those who ask by time. */
static enum rf_status
put_extent(struct put *p, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_STATE_EXTENT);
	int64_t lead = 0, span = 0, d;

	for (size_t i = 0; i < p->n_flows; i++) {
		const struct flow *f = &p->flows[i];

		d = distance(f->window_us, f->first_us);
		lead = d > lead ? d : lead;
		d = distance(f->last_us, f->window_us);
		span = d > span ? d : span;
	}
	db_bind_int(&q, 1, lead);
	db_bind_int(&q, 2, span);
	return db_run(&q, "write the state", err);
}

static enum rf_status
put_all(struct put *p, struct rf_error *err)
{
	enum rf_status st;

	for (size_t i = 0; i < p->n_flows; i++)
		if ((st = make_row(p, i, err)) != RF_OK)
			return st;
	if (!sort_rows(p))
		return rf_fail(err, RF_NOMEM, "write flows: out of memory");
	if ((st = add_rows(p, err)) != RF_OK)
		return st;
	if ((st = add_totals(p, err)) != RF_OK)
		return st;
	return put_extent(p, err);
}

enum rf_status
store_put_flows(struct store *s, const struct endpoint *endpoints,
    size_t n_endpoints, const struct flow *flows, size_t n_flows,
    struct rf_error *err)
{
	struct put p = { .s = s,
		.endpoints = endpoints,
		.n_endpoints = n_endpoints,
		.flows = flows,
		.n_flows = n_flows };
	enum rf_status st;

	if (n_flows > UINT32_MAX || n_endpoints > UINT32_MAX)
		return rf_fail(
		    err, RF_LIMIT, "write flows: %zu at once", n_flows);
	for (size_t i = 0; i < n_flows; i++)
		if ((st = check_flow(&p, i, err)) != RF_OK)
			return st;
	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	p.ids = calloc(n_endpoints + 1, sizeof(*p.ids));
	p.keys = calloc(n_flows + 1, sizeof(*p.keys));
	p.rows = calloc(n_flows + 1, sizeof(*p.rows));
	if (p.ids == NULL || p.keys == NULL || p.rows == NULL)
		st = rf_fail(err, RF_NOMEM, "write flows: out of memory");
	else
		st = put_all(&p, err);
	free(p.ids);
	free(p.keys);
	free(p.rows);
	return store_leave(s, st, err);
}
