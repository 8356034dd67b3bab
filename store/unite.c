/* SPDX-License-Identifier: Apache-2.0 */
#include "store/unite.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/rfc3339.h"
#include "kube/address.h"
#include "store/internal.h"
#include "store/unite_part.h"

/* Endpoints of one window, each once. */
struct ends {
	struct endpoint *v;
	size_t n, cap;
	uint32_t *slots; /* index plus one */
	size_t n_slots;
};

struct uniting {
	struct store *out;
	struct cluster *c; /* of all */
	struct unite_part *parts;
	size_t n_parts;
	struct unite_row *rows;
	size_t n_rows, cap_rows;
	struct ends ends;
	uint32_t *tally;  /* by node; for unnamed inputs */
	int64_t *sure_us; /* by pod: it was there until then, if nobody told its
			   * end */
	struct unite_stats *stats;
};

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "merge: out of memory");
}

/* On to the input's first window behind that one, if there is any. */
static enum rf_status
next_window(struct unite_part *p, int64_t behind_us, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_FLOW_WINDOW);
	enum rf_status st;

	db_bind_int(&q, 1, behind_us);
	db_bind_int(&q, 2, INT64_MAX);
	st = db_row(&q, &p->has_window, "look for the next window", err);
	if (st != RF_OK)
		return rf_wrap(err, st, "%s", p->name);
	if (!p->has_window)
		return RF_OK;
	p->window_us = db_int(&q, 0);
	db_end(&q);
	return RF_OK;
}

static uint32_t
mapped(const uint32_t *map, uint32_t i)
{
	return i == FLOW_NONE ? FLOW_NONE : map[i];
}

/* Who held the address while the flow ran: one and the same all the time. */
static bool
find_owner(const struct cluster *c, const struct endpoint *e,
    const struct flow *f, struct address_owner *out)
{
	struct address_owner last = address_owner_at(c, &e->ip, f->last_us);

	*out = address_owner_at(c, &e->ip, f->first_us);
	return out->kind == last.kind && out->pod == last.pod &&
	    out->node == last.node;
}

/* An address without an owner, or outside of everything, as one node saw it:
 * what do all know together? */
static void
resolve(const struct uniting *u, struct endpoint *e, const struct flow *f)
{
	const struct cluster *c = u->c;
	struct address_owner o;

	if (!find_owner(c, e, f, &o) ||
	    (o.kind == ADDRESS_POD && c->pods[o.pod].to_us == TIME_MAX_US &&
		f->last_us > u->sure_us[o.pod])) {
		e->type = ENDPOINT_UNKNOWN;
		return;
	}
	switch (o.kind) {
	case ADDRESS_POD:
		e->type = ENDPOINT_WORKLOAD;
		e->pod = o.pod;
		e->workload = c->pods[o.pod].workload;
		e->node = c->pods[o.pod].node;
		break;
	case ADDRESS_NODE:
		e->type = ENDPOINT_NODE;
		e->node = o.node;
		break;
	case ADDRESS_EXTERNAL:
		/* A range that one of them saw is a range. */
		break;
	default:
		e->type = ENDPOINT_UNKNOWN;
	}
}

static struct endpoint
translate(const struct uniting *u, const struct unite_part *p, uint32_t i,
    const struct flow *f)
{
	const struct endpoint *from = &p->now.endpoints[i];
	struct endpoint e = *from;

	e.node = mapped(p->nodes, from->node);
	e.workload = mapped(p->workloads, from->workload);
	e.pod = mapped(p->pods, from->pod);
	if (e.pod != FLOW_NONE) {
		e.workload = u->c->pods[e.pod].workload;
		e.node = u->c->pods[e.pod].node;
	}
	if (e.type == ENDPOINT_UNKNOWN || e.type == ENDPOINT_EXTERNAL)
		resolve(u, &e, f);
	return e;
}

static bool
grow_ends(struct ends *t)
{
	size_t cap = t->cap == 0 ? 1024 : t->cap * 2;
	struct endpoint *v;
	uint32_t *slots;

	if (t->n < t->cap)
		return true;
	if ((v = realloc(t->v, cap * sizeof(*v))) == NULL)
		return false;
	t->v = v;
	if ((slots = calloc(cap * 2, sizeof(*slots))) == NULL)
		return false;
	free(t->slots);
	t->slots = slots;
	t->n_slots = cap * 2;
	t->cap = cap;
	for (size_t i = 0; i < t->n; i++) {
		size_t at = hash_words(0, &t->v[i], sizeof(t->v[i]));

		while (t->slots[at & (t->n_slots - 1)] != 0)
			at++;
		t->slots[at & (t->n_slots - 1)] = (uint32_t)i + 1;
	}
	return true;
}

/* The index of an endpoint; FLOW_NONE: out of memory. */
static uint32_t
put_end(struct ends *t, const struct endpoint *e)
{
	size_t at = hash_words(0, e, sizeof(*e)), slot;

	if (!grow_ends(t))
		return FLOW_NONE;
	for (;; at++) {
		slot = at & (t->n_slots - 1);
		if (t->slots[slot] == 0)
			break;
		if (memcmp(&t->v[t->slots[slot] - 1], e, sizeof(*e)) == 0)
			return t->slots[slot] - 1;
	}
	t->v[t->n++] = *e;
	t->slots[slot] = (uint32_t)t->n;
	return (uint32_t)t->n - 1;
}

static bool
was_unknown(const struct unite_part *p, const struct flow *f)
{
	return p->now.endpoints[f->src].type == ENDPOINT_UNKNOWN ||
	    p->now.endpoints[f->dst].type == ENDPOINT_UNKNOWN;
}

static enum rf_status
add_row(struct uniting *u, const struct unite_part *p, const struct flow *f,
    struct rf_error *err)
{
	struct endpoint src = translate(u, p, f->src, f);
	struct endpoint dst = translate(u, p, f->dst, f);
	struct endpoint seen = translate(u, p, f->seen_src, f);
	struct unite_row *row;

	if (u->n_rows == u->cap_rows) {
		size_t cap = u->cap_rows == 0 ? 4096 : u->cap_rows * 2;
		struct unite_row *v = realloc(u->rows, cap * sizeof(*v));

		if (v == NULL)
			return fail_memory(err);
		u->rows = v;
		u->cap_rows = cap;
	}
	row = &u->rows[u->n_rows++];
	*row = (struct unite_row){ .f = *f,
		.viewpoint = p->viewpoint,
		.may_hide = src.type != ENDPOINT_NODE &&
		    p->now.endpoints[f->dst].type != ENDPOINT_WORKLOAD,
		.is_src_node = src.type == ENDPOINT_NODE,
		.hide_node = src.node };
	row->f.window_us = p->window_us;
	row->f.src = put_end(&u->ends, &src);
	row->f.dst = put_end(&u->ends, &dst);
	row->f.seen_src = put_end(&u->ends, &seen);
	row->f.service = mapped(p->services, f->service);
	if (row->f.src == FLOW_NONE || row->f.dst == FLOW_NONE ||
	    row->f.seen_src == FLOW_NONE)
		return fail_memory(err);
	u->stats->connections_in += f->connections;
	if (was_unknown(p, f) && src.type != ENDPOINT_UNKNOWN &&
	    dst.type != ENDPOINT_UNKNOWN)
		u->stats->resolved += f->connections;
	return RF_OK;
}

/*
 * On which node were rows [first, n_rows) captured? What its input was told, or
 * else the node that is an end of the most of them: pods talk to and from their
 * own node's interfaces only.
 */
static uint32_t
guess_node(struct uniting *u, const struct unite_part *p, size_t first)
{
	uint32_t best = FLOW_NONE, most = 0;

	if (p->node != FLOW_NONE)
		return p->node;
	memset(u->tally, 0, u->c->n_nodes * sizeof(*u->tally));
	for (size_t i = first; i < u->n_rows; i++) {
		const struct flow *f = &u->rows[i].f;
		uint32_t src = u->ends.v[f->src].node;
		uint32_t dst = u->ends.v[f->dst].node;

		if (src != FLOW_NONE)
			u->tally[src]++;
		if (dst != FLOW_NONE && dst != src)
			u->tally[dst]++;
	}
	for (uint32_t i = 0; i < u->c->n_nodes; i++) {
		if (u->tally[i] <= most)
			continue;
		most = u->tally[i];
		best = i;
	}
	return best;
}

/* Only a hint: of two views that know as much, which one is kept. */
static void
mark_sides(struct uniting *u, const struct unite_part *p, size_t first)
{
	uint32_t node = guess_node(u, p, first);

	for (size_t i = first; node != FLOW_NONE && i < u->n_rows; i++) {
		struct unite_row *r = &u->rows[i];

		r->is_src_side = r->hide_node == node;
		if (r->hide_node == FLOW_NONE)
			r->hide_node = node; /* it came through here */
	}
}

/* The rows of one input in the window at hand; then on to its next one. */
static enum rf_status
add_window(struct uniting *u, struct unite_part *p, struct rf_error *err)
{
	const struct store_filter filter = { .window_us = &p->window_us,
		.no_notes = true };
	size_t first = u->n_rows;
	struct arena arena;
	enum rf_status st;

	arena_init(&arena, 0);
	st = store_get_flows(p->s, p->c, &filter, &arena, &p->now, err);
	if (st != RF_OK)
		st = rf_wrap(err, st, "%s", p->name);
	for (size_t i = 0; st == RF_OK && i < p->now.n_flows; i++)
		st = add_row(u, p, &p->now.flows[i], err);
	p->now = (struct flow_set){ 0 };
	arena_release(&arena);
	if (st == RF_OK)
		mark_sides(u, p, first);
	if (st == RF_OK)
		st = next_window(p, p->window_us, err);
	return st;
}

static enum rf_status
unite_window(struct uniting *u, int64_t window_us, struct rf_error *err)
{
	struct flow *flows;
	enum rf_status st = RF_OK;
	size_t n;

	u->n_rows = 0;
	u->ends.n = 0;
	if (u->ends.slots != NULL)
		memset(
		    u->ends.slots, 0, u->ends.n_slots * sizeof(*u->ends.slots));
	for (size_t i = 0; st == RF_OK && i < u->n_parts; i++)
		if (u->parts[i].has_window &&
		    u->parts[i].window_us == window_us)
			st = add_window(u, &u->parts[i], err);
	if (st != RF_OK)
		return st;
	n = unite_count(u->rows, u->n_rows);
	if ((flows = calloc(n + 1, sizeof(*flows))) == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < n; i++) {
		flows[i] = u->rows[i].f;
		u->stats->connections += flows[i].connections;
	}
	st = store_put_flows(u->out, u->ends.v, u->ends.n, flows, n, err);
	free(flows);
	return st;
}

static enum rf_status
unite_flows(struct uniting *u, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < u->n_parts; i++)
		st = next_window(&u->parts[i], TIME_MIN_US, err);
	while (st == RF_OK) {
		int64_t least = TIME_MAX_US;
		bool any = false;

		for (size_t i = 0; i < u->n_parts; i++) {
			const struct unite_part *p = &u->parts[i];

			any = any || p->has_window;
			if (p->has_window && p->window_us < least)
				least = p->window_us;
		}
		if (!any)
			break;
		st = unite_window(u, least, err);
	}
	return st;
}

/* Inputs of one node are one viewpoint: what they saw adds up. */
static void
set_viewpoints(struct uniting *u)
{
	for (uint32_t i = 0; i < u->n_parts; i++) {
		const char *node = part_node(&u->parts[i]);

		u->parts[i].viewpoint = i;
		u->parts[i].node =
		    node != NULL ? cluster_find_node(u->c, node) : FLOW_NONE;
		for (uint32_t k = 0; node != NULL && k < i; k++) {
			const char *other = part_node(&u->parts[k]);

			if (other != NULL && strcmp(node, other) == 0) {
				u->parts[i].viewpoint = k;
				break;
			}
		}
	}
}

/* Until when is each pod known to have been there? As long as any says so. */
static enum rf_status
note_sure(struct uniting *u, struct rf_error *err)
{
	u->sure_us = malloc((u->c->n_pods + 1) * sizeof(*u->sure_us));
	if (u->sure_us == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < u->c->n_pods; i++)
		u->sure_us[i] = TIME_MIN_US;
	for (size_t i = 0; i < u->n_parts; i++) {
		const struct unite_part *p = &u->parts[i];

		for (size_t k = 0; k < p->c->n_pods; k++) {
			uint32_t pod = p->pods[k];

			if (pod != FLOW_NONE && u->sure_us[pod] < p->sure_us)
				u->sure_us[pod] = p->sure_us;
		}
	}
	return RF_OK;
}

static enum rf_status
unite_objects(struct uniting *u, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	uint32_t *order = NULL;

	if (!part_name_pods(u->parts, u->n_parts))
		return fail_memory(err);
	for (size_t i = 0; st == RF_OK && i < u->n_parts; i++)
		st = store_put_cluster(u->out, u->parts[i].c, err);
	if (st == RF_OK)
		st = store_get_cluster(u->out, &u->c, err);
	if (st == RF_OK && (order = part_sort_pods(u->c)) == NULL)
		st = fail_memory(err);
	for (size_t i = 0; st == RF_OK && i < u->n_parts; i++) {
		st = part_map(&u->parts[i], u->c, order, err);
	}
	free(order);
	if (st == RF_OK) {
		u->tally = calloc(u->c->n_nodes + 1, sizeof(*u->tally));
		if (u->tally == NULL)
			st = fail_memory(err);
	}
	if (st == RF_OK)
		st = note_sure(u, err);
	/* From now on indices are those of the united cluster. */
	return st == RF_OK ? store_put_cluster(u->out, u->c, err) : st;
}

static enum rf_status
unite_notes(struct uniting *u, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < u->n_parts; i++) {
		const struct flow_set *all = &u->parts[i].notes;

		st = store_put_names(u->out, all->names, all->n_names, err);
		for (size_t k = 0; st == RF_OK && k < all->n_coverage; k++)
			st = store_put_coverage(u->out, &all->coverage[k], err);
	}
	return st;
}

static enum rf_status
unite_all(struct uniting *u, struct rf_error *err)
{
	enum rf_status st;

	if ((st = store_begin(u->out, err)) != RF_OK)
		return st;
	st = store_put_source(u->out, UNITED_DIGEST, 0, UNITED_NAME, 0, err);
	if (st == RF_OK)
		st = unite_objects(u, err);
	if (st == RF_OK)
		st = unite_notes(u, err);
	if (st == RF_OK) {
		set_viewpoints(u);
		st = unite_flows(u, err);
	}
	if (st == RF_OK)
		st = store_commit(u->out, err);
	if (st != RF_OK) {
		store_rollback(u->out);
		return st;
	}
	return db_leave_wal(u->out->db, err);
}

enum rf_status
store_unite(struct store *out, const struct unite_input *v, size_t n,
    struct unite_stats *stats, struct rf_error *err)
{
	struct uniting u = { .out = out, .stats = stats };
	enum rf_status st = RF_OK;

	*stats = (struct unite_stats){ 0 };
	if ((u.parts = calloc(n + 1, sizeof(*u.parts))) == NULL)
		return fail_memory(err);
	for (; st == RF_OK && u.n_parts < n; u.n_parts++)
		st = part_open(&u.parts[u.n_parts], &v[u.n_parts], err);
	for (size_t i = 0; st == RF_OK && i < n; i++) {
		stats->waiting += u.parts[i].notes.waiting;
		stats->open += u.parts[i].notes.open;
	}
	if (st == RF_OK)
		qsort(u.parts, n, sizeof(*u.parts), part_compare);
	for (size_t i = 0; st == RF_OK && i < n; i++)
		for (size_t k = 0; st == RF_OK && k < i; k++)
			st = part_check(&u.parts[k], &u.parts[i], err);
	if (st == RF_OK)
		st = unite_all(&u, err);
	for (size_t i = 0; i < u.n_parts; i++)
		part_close(&u.parts[i]);
	cluster_free(u.c);
	free(u.parts);
	free(u.rows);
	free(u.tally);
	free(u.sure_us);
	free(u.ends.v);
	free(u.ends.slots);
	return st;
}
