/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports as they are best written: the name where a workload's pods all
 * declare it and differ in its number; a range where many undeclared ports
 * of one peer lie close together (dynamic ports); else the number.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define DYNAMIC_MIN     1024 /* below, ports are given out by hand */
#define DENSE_PORTS     8    /* this many make a range */
#define DENSE_SPAN_MAX  4    /* that spans at most so many for each */
#define SCATTERED_PORTS 16   /* so many in no range are remarked on */

/* A port that a group's pods declare or were reached on. */
struct port_row {
	uint32_t group;
	uint8_t protocol;
	uint16_t port;
	uint32_t pod;     /* declared: by which */
	const char *name; /* declared: its name, or "" */
};

struct port_rows {
	struct port_row *v;
	size_t n, cap;
};

/* A name for a group's port, or the range that it is in. */
struct port_form {
	uint32_t group;
	uint8_t protocol;
	uint16_t port;
	const char *name;
	uint16_t from, to;
};

struct forming {
	struct run *r;
	struct port_rows declared, used;
	uint32_t *n_pods; /* by group: those that count */
	bool *is_fixed;   /* by group: pods come and go, so no names */
	struct port_form *forms;
	size_t n_forms, cap_forms;
};

static int
compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* By group, protocol and port. */
static int
compare_ports(const void *x, const void *y)
{
	const struct port_row *a = x, *b = y;
	int d;

	if ((d = compare_u32(a->group, b->group)) != 0 ||
	    (d = compare_u32(a->protocol, b->protocol)) != 0)
		return d;
	return compare_u32(a->port, b->port);
}

/* By group, protocol, name, pod and port. */
static int
compare_names(const void *x, const void *y)
{
	const struct port_row *a = x, *b = y;
	int d;

	if ((d = compare_u32(a->group, b->group)) != 0 ||
	    (d = compare_u32(a->protocol, b->protocol)) != 0 ||
	    (d = strcmp(a->name, b->name)) != 0 ||
	    (d = compare_u32(a->pod, b->pod)) != 0)
		return d;
	return compare_u32(a->port, b->port);
}

static int
compare_forms(const void *x, const void *y)
{
	const struct port_form *a = x, *b = y;
	int d;

	if ((d = compare_u32(a->group, b->group)) != 0 ||
	    (d = compare_u32(a->protocol, b->protocol)) != 0)
		return d;
	return compare_u32(a->port, b->port);
}

static enum rf_status
row_add(struct run *r, struct port_rows *rows, struct port_row row)
{
	void *v = rows->v;

	if (!arena_grow(r->arena, &v, rows->n, &rows->cap, sizeof(row)))
		return run_nomem(r);
	rows->v = v;
	rows->v[rows->n++] = row;
	return RF_OK;
}

static enum rf_status
form_add(struct forming *f, struct port_form form)
{
	void *v = f->forms;

	if (!arena_grow(
		f->r->arena, &v, f->n_forms, &f->cap_forms, sizeof(form)))
		return run_nomem(f->r);
	f->forms = v;
	f->forms[f->n_forms++] = form;
	return RF_OK;
}

/* What the pods declare, and which groups must keep numbers: where a flow
 * was with a pod that is gone or not known, its name may mean another one. */
static enum rf_status
collect_declared(struct forming *f)
{
	struct run *r = f->r;
	enum rf_status st;

	for (uint32_t i = 0; i < r->c->n_pods; i++) {
		const struct kube_pod *p = &r->c->pods[i];
		uint32_t g = r->group_of[p->workload];

		if (g == FLOW_NONE || p->host_network)
			continue;
		if (p->deleted || p->phase == POD_SUCCEEDED ||
		    p->phase == POD_FAILED) {
			f->is_fixed[g] = true;
			continue;
		}
		f->n_pods[g]++;
		for (size_t k = 0; k < p->n_ports; k++) {
			struct port_row row = { g, p->ports[k].protocol,
				p->ports[k].port, i, p->ports[k].name };

			f->is_fixed[g] |= p->ports[k].sidecar;
			if (!p->ports[k].init &&
			    (st = row_add(r, &f->declared, row)) != RF_OK)
				return st;
		}
	}
	for (size_t i = 0; i < r->fs->n_endpoints; i++) {
		const struct endpoint *e = &r->fs->endpoints[i];
		uint32_t g = plan_group(r, e);

		if (g != FLOW_NONE && e->pod == FLOW_NONE)
			f->is_fixed[g] = true;
	}
	return RF_OK;
}

/* One name of one group and protocol: rows, n of them, by pod. */
static enum rf_status
consider_name(struct forming *f, const struct port_row *rows, size_t n)
{
	bool differ = false;
	enum rf_status st;

	if (rows->name[0] == '\0' || f->is_fixed[rows->group] ||
	    n != f->n_pods[rows->group])
		return RF_OK;
	for (size_t i = 1; i < n; i++) {
		if (rows[i].pod == rows[i - 1].pod)
			return RF_OK; /* two numbers on one pod */
		differ |= rows[i].port != rows[0].port;
	}
	for (size_t i = 0; differ && i < n; i++) {
		struct port_form form = { .group = rows->group,
			.protocol = rows->protocol,
			.port = rows[i].port,
			.name = rows->name };

		if ((st = form_add(f, form)) != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
find_names(struct forming *f)
{
	struct port_rows *d = &f->declared;
	enum rf_status st;

	if (d->n > 0)
		qsort(d->v, d->n, sizeof(*d->v), compare_names);
	for (size_t i = 0, j; i < d->n; i = j) {
		for (j = i; j < d->n && d->v[j].group == d->v[i].group &&
		     d->v[j].protocol == d->v[i].protocol &&
		     strcmp(d->v[j].name, d->v[i].name) == 0;
		     j++)
			;
		if ((st = consider_name(f, &d->v[i], j - i)) != RF_OK)
			return st;
	}
	if (d->n > 0)
		qsort(d->v, d->n, sizeof(*d->v), compare_ports);
	return RF_OK;
}

/* The group whose pods listen; FLOW_NONE: an address does. */
static uint32_t
listener_of(const struct need *n)
{
	if (n->direction == POLICY_INGRESS)
		return n->group;
	return n->peer.type == PEER_GROUP ? n->peer.group : FLOW_NONE;
}

static bool
is_declared(const struct forming *f, const struct port_row *row)
{
	return f->declared.n > 0 &&
	    bsearch(row, f->declared.v, f->declared.n, sizeof(*row),
		compare_ports) != NULL;
}

/* Does the group declare a port within these two? */
static bool
declares_between(const struct forming *f, struct port_row row, uint16_t to)
{
	for (uint32_t p = row.port; p <= to; p++) {
		row.port = (uint16_t)p;
		if (is_declared(f, &row))
			return true;
	}
	return false;
}

/* n distinct ports in ascending order: close enough for one range? */
static bool
is_dense(uint16_t first, uint16_t last, size_t n)
{
	return n >= DENSE_PORTS &&
	    (size_t)(last - first) + 1 <= DENSE_SPAN_MAX * n;
}

static enum rf_status
remark(struct run *r, uint32_t group, const struct port_form *form, size_t n)
{
	const struct group *g = &r->groups[group];

	if (!plan_group_in_scope(r, group))
		return RF_OK;
	return note_add(r,
	    (struct recommend_note){ .kind = NOTE_REMARK,
		.reason = "dynamic-ports",
		.namespace = r->c->namespaces[g->ns].name,
		.policy = g->policy_name },
	    "%zu undeclared %s ports from %u to %u were used: the rule "
	    "allows all %u of this range",
	    n, flow_protocol_name(form->protocol), (unsigned)form->from,
	    (unsigned)form->to, (unsigned)(form->to - form->from + 1));
}

/*
 * Ports of one group and protocol, n of them, of which alone are in no range.
 * So many are not all of those that there will be.
 */
static enum rf_status
remark_scattered(
    struct run *r, const struct port_row *rows, size_t n, size_t alone)
{
	const struct group *g = &r->groups[rows->group];

	if (alone < SCATTERED_PORTS || !plan_group_in_scope(r, rows->group))
		return RF_OK;
	return note_add(r,
	    (struct recommend_note){ .kind = NOTE_REMARK,
		.reason = "scattered-ports",
		.namespace = r->c->namespaces[g->ns].name,
		.policy = g->policy_name },
	    "%zu undeclared %s ports between %u and %u were used, too far "
	    "apart for a range: each of them is allowed, and no other",
	    alone, flow_protocol_name(rows->protocol), (unsigned)rows->port,
	    (unsigned)rows[n - 1].port);
}

static enum rf_status
add_range(struct forming *f, const struct port_row *rows, size_t n)
{
	struct port_form form = { .group = rows->group,
		.protocol = rows->protocol,
		.from = rows[0].port,
		.to = rows[n - 1].port };
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		form.port = rows[i].port;
		if ((st = form_add(f, form)) != RF_OK)
			return st;
	}
	return remark(f->r, rows->group, &form, n);
}

/* Ports between which none is declared; *alone grows by those in no range. */
static enum rf_status
find_dense(
    struct forming *f, const struct port_row *rows, size_t n, size_t *alone)
{
	enum rf_status st;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = n; end > i &&
		     !is_dense(rows[i].port, rows[end - 1].port, end - i);)
			end--;
		if (end == i) {
			++*alone;
			end = i + 1;
		} else if ((st = add_range(f, &rows[i], end - i)) != RF_OK) {
			return st;
		}
	}
	return RF_OK;
}

/* All undeclared ports of one group and protocol. */
static enum rf_status
find_group_ranges(struct forming *f, const struct port_row *rows, size_t n)
{
	size_t alone = 0;
	enum rf_status st;

	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1;
		     j < n && !declares_between(f, rows[j - 1], rows[j].port);
		     j++)
			;
		if ((st = find_dense(f, &rows[i], j - i, &alone)) != RF_OK)
			return st;
	}
	return remark_scattered(f->r, rows, n, alone);
}

/* Undeclared ports that any of the needs reaches a group on. */
static enum rf_status
find_ranges(struct forming *f)
{
	struct run *r = f->r;
	struct port_rows *u = &f->used;
	enum rf_status st;
	size_t n = 0;

	for (size_t i = 0; i < r->n_needs; i++) {
		struct port_row row = { .group = listener_of(&r->needs[i]),
			.protocol = r->needs[i].protocol,
			.port = r->needs[i].port };

		if (row.group == FLOW_NONE || row.port < DYNAMIC_MIN ||
		    is_declared(f, &row))
			continue;
		if ((st = row_add(r, u, row)) != RF_OK)
			return st;
	}
	if (u->n > 0)
		qsort(u->v, u->n, sizeof(*u->v), compare_ports);
	for (size_t i = 0; i < u->n; i++)
		if (n == 0 || compare_ports(&u->v[n - 1], &u->v[i]) != 0)
			u->v[n++] = u->v[i];
	u->n = n;
	for (size_t i = 0, j; i < u->n; i = j) {
		for (j = i; j < u->n && u->v[j].group == u->v[i].group &&
		     u->v[j].protocol == u->v[i].protocol;
		     j++)
			;
		if ((st = find_group_ranges(f, &u->v[i], j - i)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* The same for one address outside: needs are sorted, so its ports are
 * neighbours. */
static enum rf_status
range_blocks(struct run *r)
{
	enum rf_status st;

	for (size_t i = 0, j; i < r->n_needs; i = j) {
		struct need *v = &r->needs[i];
		struct port_form form = { .protocol = v->protocol };

		for (j = i + 1;
		     j < r->n_needs && r->needs[j].group == v->group &&
		     r->needs[j].direction == v->direction &&
		     r->needs[j].protocol == v->protocol &&
		     peer_compare(&r->needs[j].peer, &v->peer) == 0;
		     j++)
			;
		form.from = v->port;
		form.to = r->needs[j - 1].port;
		if (listener_of(v) != FLOW_NONE || v->port < DYNAMIC_MIN ||
		    !is_dense(form.from, form.to, j - i))
			continue;
		for (size_t k = i; k < j; k++) {
			r->needs[k].port = form.from;
			r->needs[k].end_port = form.to;
		}
		if ((st = remark(r, v->group, &form, j - i)) != RF_OK)
			return st;
	}
	return RF_OK;
}

static void
apply_forms(struct forming *f)
{
	struct run *r = f->r;

	for (size_t i = 0; f->n_forms > 0 && i < r->n_needs; i++) {
		struct need *n = &r->needs[i];
		struct port_form key = { .group = listener_of(n),
			.protocol = n->protocol,
			.port = n->port };
		const struct port_form *form;

		if (key.group == FLOW_NONE)
			continue;
		form = bsearch(
		    &key, f->forms, f->n_forms, sizeof(key), compare_forms);
		if (form == NULL)
			continue;
		if (form->name != NULL) {
			n->port_name = form->name;
			n->port = 0;
		} else {
			n->port = form->from;
			n->end_port = form->to;
		}
	}
}

enum rf_status
ports_form(struct run *r)
{
	struct forming f = { .r = r };
	enum rf_status st;
	size_t n = 0;

	f.n_pods = arena_calloc(r->arena, r->n_groups, sizeof(*f.n_pods));
	f.is_fixed = arena_calloc(r->arena, r->n_groups, sizeof(*f.is_fixed));
	if (f.n_pods == NULL || f.is_fixed == NULL)
		return run_nomem(r);
	if ((st = collect_declared(&f)) != RF_OK ||
	    (st = find_names(&f)) != RF_OK || (st = find_ranges(&f)) != RF_OK)
		return st;
	if (f.n_forms > 0)
		qsort(f.forms, f.n_forms, sizeof(*f.forms), compare_forms);
	/* Two names for one number: the first, by the order they came in. */
	for (size_t i = 0; i < f.n_forms; i++)
		if (n == 0 || compare_forms(&f.forms[n - 1], &f.forms[i]) != 0)
			f.forms[n++] = f.forms[i];
	f.n_forms = n;
	apply_forms(&f);
	r->n_needs = needs_sort(r->needs, r->n_needs);
	return range_blocks(r);
}
