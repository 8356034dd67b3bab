/* SPDX-License-Identifier: Apache-2.0 */
#include "store/unite_part.h"

#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "store/internal.h"

/* A watch is behind by less. */
#define AWAY_US ((int64_t)60 * 1000000)

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "merge: out of memory");
}

enum rf_status
store_is_united(struct store *s, bool *out, struct rf_error *err)
{
	struct db_stmt q = store_stmt(s, SQL_SOURCE_GET);
	enum rf_status st;

	db_bind_int(&q, 1, UNITED_DIGEST);
	st = db_row(&q, out, "look for the mark of a merge", err);
	if (st == RF_OK && *out)
		db_end(&q);
	return st;
}

/* Which objects are the same, by name. */
static enum rf_status
map_objects(struct unite_part *p, const struct cluster *c, struct rf_error *err)
{
	const struct cluster *own = p->c;

	p->nodes = arena_calloc(&p->arena, own->n_nodes + 1, sizeof(uint32_t));
	p->workloads =
	    arena_calloc(&p->arena, own->n_workloads + 1, sizeof(uint32_t));
	p->pods = arena_calloc(&p->arena, own->n_pods + 1, sizeof(uint32_t));
	p->services =
	    arena_calloc(&p->arena, own->n_services + 1, sizeof(uint32_t));
	if (p->nodes == NULL || p->workloads == NULL || p->pods == NULL ||
	    p->services == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < own->n_nodes; i++)
		p->nodes[i] = cluster_find_node(c, own->nodes[i].name);
	for (size_t i = 0; i < own->n_workloads; i++)
		p->workloads[i] =
		    cluster_find_workload(c, own->workloads[i].namespace,
			own->workloads[i].kind, own->workloads[i].name);
	for (size_t i = 0; i < own->n_services; i++)
		p->services[i] = cluster_find_service(
		    c, own->services[i].namespace, own->services[i].name);
	return RF_OK;
}

static int
compare_pods(const struct kube_pod *a, const struct kube_pod *b)
{
	int c;

	if ((c = strcmp(a->namespace, b->namespace)) != 0 ||
	    (c = strcmp(a->name, b->name)) != 0)
		return c;
	return strcmp(a->uid, b->uid);
}

static int
compare_pod_ids(const void *x, const void *y, void *arg)
{
	const struct kube_pod *pods = arg;

	return compare_pods(
	    &pods[*(const uint32_t *)x], &pods[*(const uint32_t *)y]);
}

uint32_t *
part_sort_pods(const struct cluster *c)
{
	uint32_t *v = calloc(c->n_pods + 1, sizeof(*v));

	for (uint32_t i = 0; v != NULL && i < c->n_pods; i++)
		v[i] = i;
	if (v != NULL && c->n_pods > 1)
		qsort_r(v, c->n_pods, sizeof(*v), compare_pod_ids, c->pods);
	return v;
}

/* Both in the same order: one walk finds who is who. */
static enum rf_status
map_pods(struct unite_part *p, const struct cluster *c, const uint32_t *order,
    struct rf_error *err)
{
	uint32_t *own = part_sort_pods(p->c);
	size_t k = 0;

	if (own == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < p->c->n_pods; i++) {
		const struct kube_pod *pod = &p->c->pods[own[i]];

		while (
		    k < c->n_pods && compare_pods(&c->pods[order[k]], pod) < 0)
			k++;
		p->pods[own[i]] =
		    k < c->n_pods && compare_pods(&c->pods[order[k]], pod) == 0
		    ? order[k]
		    : FLOW_NONE;
	}
	free(own);
	return RF_OK;
}

enum rf_status
part_map(struct unite_part *p, const struct cluster *c, const uint32_t *order,
    struct rf_error *err)
{
	enum rf_status st = map_objects(p, c, err);

	return st == RF_OK ? map_pods(p, c, order, err) : st;
}

/* It observed to the end, and knew whose the addresses were while its cluster
 * was watched. */
static void
note_known(struct unite_part *p)
{
	int64_t to_us = TIME_MIN_US;

	p->known_us = TIME_MIN_US;
	p->sure_us = TIME_MAX_US;
	for (size_t i = 0; i < p->notes.n_coverage; i++) {
		const struct coverage *c = &p->notes.coverage[i];
		int64_t us = c->known_us != 0 && c->known_us < c->to_us
		    ? c->known_us
		    : c->to_us;

		if (us > p->known_us)
			p->known_us = us;
		if (c->to_us > to_us)
			to_us = c->to_us;
	}
	if (p->notes.n_coverage > 0 && p->known_us < to_us - AWAY_US)
		p->sure_us = p->known_us;
}

static enum rf_status
read_part(struct unite_part *p, struct rf_error *err)
{
	const int64_t none = TIME_MIN_US;
	const struct store_filter filter = { .window_us = &none };
	enum rf_status st;

	if ((st = store_get_cluster(p->s, &p->c, err)) != RF_OK)
		return st;
	st = store_get_flows(p->s, p->c, &filter, &p->arena, &p->notes, err);
	if (st == RF_OK)
		note_known(p);
	return st;
}

/* What is known of the input: its objects, names and coverage. */
enum rf_status
part_open(
    struct unite_part *p, const struct unite_input *in, struct rf_error *err)
{
	bool is_united;
	enum rf_status st;

	p->s = in->s;
	p->name = in->name;
	arena_init(&p->arena, 0);
	st = store_is_united(p->s, &is_united, err);
	if (st == RF_OK && is_united)
		return rf_fail(err, RF_INVAL,
		    "%s: was merged itself; name the databases that it was "
		    "made of",
		    p->name);
	if (st == RF_OK)
		st = read_part(p, err);
	return st == RF_OK ? RF_OK : rf_wrap(err, st, "%s", p->name);
}

/* Oldest first; the name only decides where time does not. */
int
part_compare(const void *x, const void *y)
{
	const struct unite_part *a = x, *b = y;

	if (a->known_us != b->known_us)
		return a->known_us < b->known_us ? -1 : 1;
	return strcmp(a->name, b->name);
}

enum rf_status
part_check(const struct unite_part *a, const struct unite_part *b,
    struct rf_error *err)
{
	for (size_t i = 0; i < a->notes.n_coverage; i++) {
		const struct coverage *x = &a->notes.coverage[i];

		for (size_t k = 0; k < b->notes.n_coverage; k++) {
			const struct coverage *y = &b->notes.coverage[k];

			/* Without a packet all are alike, and none a copy. */
			if (!coverage_has_time(x) || x->from_us != y->from_us ||
			    strcmp(x->source, y->source) != 0 ||
			    strcmp(x->node, y->node) != 0)
				continue;
			return rf_fail(err, RF_INVAL,
			    "%s and %s both hold what was captured on %s%s%s "
			    "from the same moment on: one is a copy of the "
			    "other, so name the newer one alone",
			    a->name, b->name, x->source,
			    x->node[0] != '\0' ? " of node " : "", x->node);
		}
	}
	return RF_OK;
}

/* The node that an input was captured on, or NULL. */
const char *
part_node(const struct unite_part *p)
{
	const char *node = NULL;

	for (size_t i = 0; i < p->notes.n_coverage; i++) {
		const char *own = p->notes.coverage[i].node;

		if (own[0] == '\0' || (node != NULL && strcmp(node, own) != 0))
			return NULL;
		node = own;
	}
	return node;
}

void
part_close(struct unite_part *p)
{
	cluster_free(p->c);
	arena_release(&p->arena);
}
