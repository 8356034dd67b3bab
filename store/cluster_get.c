/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the cluster back: every table in the order of its names, so that
 * the same content gives the same indices whatever its history.
 */
#include <stdlib.h>
#include <string.h>

#include "store/columns.h"
#include "store/total.h"

/* One call's state. */
struct get {
	struct store *s;
	struct cluster *c;
	struct arena *a; /* c's */
	struct store_indices got;
};

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "read the cluster: out of memory");
}

/* A copy of a text column; NULL: out of memory. */
static const char *
text(struct get *g, struct db_stmt *q, int col)
{
	return arena_strdup(g->a, db_text(q, col));
}

/* Note where the row stands, whose id is in its first column. */
static enum rf_status
set_index(struct id_map *m, struct db_stmt *q, size_t at, const char *what,
    struct rf_error *err)
{
	int64_t id = db_int(q, 0);
	bool is_bad;

	if (id_map_add(m, id, (uint32_t)at, &is_bad))
		return RF_OK;
	if (!is_bad)
		return fail_memory(err);
	return db_damaged(
	    err, "a stored %s has the number %lld", what, (long long)id);
}

/* Reads one row into the element that room was made for. */
typedef enum rf_status read_row(struct get *g, struct db_stmt *q, void *elem,
    size_t at, struct rf_error *err);

static enum rf_status
read_namespace(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_namespace *ns = elem;

	(void)at;
	if ((ns->name = text(g, q, 0)) == NULL)
		return fail_memory(err);
	ns->assumed = db_bool(q, 1);
	return column_read_labels(&ns->labels, db_text(q, 2), g->a, err);
}

static enum rf_status
read_node(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_node *n = elem;
	enum rf_status st;

	n->name = text(g, q, 1);
	n->provider = text(g, q, 2);
	if (n->name == NULL || n->provider == NULL)
		return fail_memory(err);
	if ((st = set_index(&g->got.nodes, q, at, "node", err)) != RF_OK)
		return st;
	st = column_read_labels(&n->labels, db_text(q, 3), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_ips(&n->addrs, &n->n_addrs, db_text(q, 4), g->a, err);
	if (st != RF_OK)
		return st;
	return column_read_cidrs(
	    &n->pod_cidrs, &n->n_pod_cidrs, db_text(q, 5), g->a, err);
}

static enum rf_status
read_workload(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_workload *wl = elem;
	enum rf_status st;

	wl->namespace = text(g, q, 1);
	wl->kind = text(g, q, 2);
	wl->name = text(g, q, 3);
	wl->api_version = text(g, q, 4);
	if (wl->namespace == NULL || wl->kind == NULL || wl->name == NULL ||
	    wl->api_version == NULL)
		return fail_memory(err);
	st = set_index(&g->got.workloads, q, at, "workload", err);
	if (st != RF_OK)
		return st;
	wl->has_object = db_bool(q, 5);
	wl->has_selector = db_bool(q, 6);
	wl->replicas = db_int(q, 9);
	wl->suspended = db_bool(q, 10);
	st = column_read_selector(&wl->selector, db_text(q, 7), g->a, err);
	if (st != RF_OK)
		return st;
	return column_read_labels(&wl->labels, db_text(q, 8), g->a, err);
}

static int
compare_namespace(const void *key, const void *elem)
{
	const struct kube_namespace *ns = elem;

	return strcmp(key, ns->name);
}

/* The pod's namespace, workload and node as indices. */
static enum rf_status
read_pod_links(struct get *g, struct db_stmt *q, struct kube_pod *pod,
    struct rf_error *err)
{
	const struct kube_namespace *ns;
	struct cluster *c = g->c;

	ns = c->n_namespaces == 0
	    ? NULL
	    : bsearch(pod->namespace, c->namespaces, c->n_namespaces,
		  sizeof(*ns), compare_namespace);
	pod->workload = id_map_find(&g->got.workloads, db_int(q, 4));
	pod->node = id_map_find(&g->got.nodes, db_int(q, 5));
	if (ns == NULL || pod->workload == FLOW_NONE ||
	    (pod->node == FLOW_NONE && db_int(q, 5) != 0))
		return db_damaged(err,
		    "Pod %s/%s: its namespace, workload or node is not in "
		    "the database",
		    pod->namespace, pod->name);
	pod->ns = (uint32_t)(ns - c->namespaces);
	return RF_OK;
}

static enum rf_status
read_pod_columns(struct get *g, struct db_stmt *q, struct kube_pod *pod,
    struct rf_error *err)
{
	enum rf_status st;

	st = column_read_labels(&pod->labels, db_text(q, 6), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_ips(&pod->ips, &pod->n_ips, db_text(q, 10), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_ips(
	    &pod->host_ips, &pod->n_host_ips, db_text(q, 11), g->a, err);
	if (st != RF_OK)
		return st;
	return column_read_pod_ports(
	    &pod->ports, &pod->n_ports, db_text(q, 12), g->a, err);
}

static enum rf_status
read_pod(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_pod *pod = elem;
	enum rf_status st;

	pod->namespace = text(g, q, 1);
	pod->name = text(g, q, 2);
	pod->uid = text(g, q, 3);
	if (pod->namespace == NULL || pod->name == NULL || pod->uid == NULL)
		return fail_memory(err);
	if ((st = set_index(&g->got.pods, q, at, "pod", err)) != RF_OK)
		return st;
	pod->phase = (enum pod_phase)db_uint(q, 7, POD_UNKNOWN);
	pod->host_network = db_bool(q, 8);
	pod->deleted = db_bool(q, 9);
	pod->from_us = db_int(q, 13);
	pod->to_us = db_end_of(q, 14, pod->from_us);
	if ((st = read_pod_links(g, q, pod, err)) != RF_OK)
		return st;
	return read_pod_columns(g, q, pod, err);
}

static enum rf_status
read_service_columns(struct get *g, struct db_stmt *q, struct kube_service *svc,
    struct rf_error *err)
{
	enum rf_status st;

	st = column_read_selector(&svc->selector, db_text(q, 7), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_labels(&svc->labels, db_text(q, 8), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_ips(
	    &svc->cluster_ips, &svc->n_cluster_ips, db_text(q, 9), g->a, err);
	if (st != RF_OK)
		return st;
	st = column_read_ips(
	    &svc->lb_ips, &svc->n_lb_ips, db_text(q, 10), g->a, err);
	if (st != RF_OK)
		return st;
	return column_read_service_ports(
	    &svc->ports, &svc->n_ports, db_text(q, 11), g->a, err);
}

static enum rf_status
read_service(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_service *svc = elem;
	enum rf_status st;

	svc->namespace = text(g, q, 1);
	svc->name = text(g, q, 2);
	svc->type = text(g, q, 3);
	svc->external_traffic_policy = text(g, q, 4);
	if (svc->namespace == NULL || svc->name == NULL || svc->type == NULL ||
	    svc->external_traffic_policy == NULL)
		return fail_memory(err);
	st = set_index(&g->got.services, q, at, "service", err);
	if (st != RF_OK)
		return st;
	svc->headless = db_bool(q, 5);
	svc->has_selector = db_bool(q, 6);
	svc->from_us = db_int(q, 12);
	svc->to_us = db_end_of(q, 13, svc->from_us);
	svc->gone = db_bool(q, 14);
	return read_service_columns(g, q, svc, err);
}

static enum rf_status
read_backend(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_backend *b = elem;

	b->service = id_map_find(&g->got.services, db_int(q, 0));
	b->ip = db_ip(q, 1);
	b->port = (uint16_t)db_uint(q, 2, UINT16_MAX);
	b->protocol = db_protocol(q, 3);
	b->pod = id_map_find(&g->got.pods, db_int(q, 5));
	b->ready = db_bool(q, 6);
	if ((b->port_name = text(g, q, 4)) == NULL)
		return fail_memory(err);
	if (b->service == FLOW_NONE ||
	    (b->pod == FLOW_NONE && db_int(q, 5) != 0))
		return db_damaged(err,
		    "backend %zu: its service or pod is not in the database",
		    at);
	return RF_OK;
}

static enum rf_status
read_policy(struct get *g, struct db_stmt *q, void *elem, size_t at,
    struct rf_error *err)
{
	struct kube_policy_text *t = elem;

	(void)at;
	t->namespace = text(g, q, 0);
	t->name = text(g, q, 1);
	t->json = text(g, q, 2);
	if (t->namespace == NULL || t->name == NULL || t->json == NULL)
		return fail_memory(err);
	return RF_OK;
}

static enum rf_status
read_state(struct get *g, struct rf_error *err)
{
	struct store_state state;
	enum rf_status st;

	if ((st = state_get(g->s, &state, err)) != RF_OK)
		return st;
	g->c->has_policies = state.has_policies;
	return RF_OK;
}

static bool
has_label(const struct label_set *set, const struct label *l)
{
	const char *value = label_get(set, l->key);

	return value != NULL && strcmp(value, l->value) == 0;
}

/* Keep in *set what other has too; copied only when something goes. */
static bool
intersect(struct label_set *set, const struct label_set *other, struct arena *a)
{
	struct label *v;
	size_t n = 0;

	while (n < set->n && has_label(other, &set->v[n]))
		n++;
	if (n == set->n)
		return true;
	if ((v = arena_calloc(a, set->n, sizeof(*v))) == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < set->n; i++)
		if (has_label(other, &set->v[i]))
			v[n++] = set->v[i];
	*set = (struct label_set){ .v = v, .n = n };
	return true;
}

/*
 * Pods of several clusters meet here: count them, and of a workload's labels
 * keep what is common to all of its pods.
 */
static enum rf_status
settle_workloads(struct cluster *c, struct rf_error *err)
{
	for (size_t i = 0; i < c->n_pods; i++) {
		struct kube_pod *pod = &c->pods[i];
		struct kube_workload *wl = &c->workloads[pod->workload];

		wl->n_pods++;
		if (!intersect(&wl->labels, &pod->labels, &c->arena))
			return fail_memory(err);
	}
	return RF_OK;
}

/* clang-format off */
/* In this order: later ones name earlier ones by index. */
#define TABLE(query, array, count, read) \
	{ query, offsetof(struct cluster, array), \
	  offsetof(struct cluster, count), \
	  sizeof(*((struct cluster *)0)->array), read }
static const struct table {
	enum sql_query query;
	size_t array, count, size; /* offsets in the cluster; of an element */
	read_row *read;
} tables[] = {
	TABLE(SQL_NAMESPACE_LIST, namespaces, n_namespaces, read_namespace),
	TABLE(SQL_NODE_LIST, nodes, n_nodes, read_node),
	TABLE(SQL_WORKLOAD_LIST, workloads, n_workloads, read_workload),
	TABLE(SQL_POD_LIST, pods, n_pods, read_pod),
	TABLE(SQL_SERVICE_LIST, services, n_services, read_service),
	TABLE(SQL_BACKEND_LIST, backends, n_backends, read_backend),
	TABLE(SQL_POLICY_LIST, policies, n_policies, read_policy),
};
/* clang-format on */

/* All rows of a table as an array in the arena. */
static enum rf_status
read_table(struct get *g, const struct table *t, struct rf_error *err)
{
	struct db_stmt q = store_stmt(g->s, t->query);
	size_t n = 0, cap = 0;
	void *array = NULL;
	enum rf_status st;
	bool row;

	while (
	    (st = db_row(&q, &row, sql_query_name[t->query], err)) == RF_OK &&
	    row) {
		if (!arena_grow(g->a, &array, n, &cap, t->size)) {
			st = fail_memory(err);
			break;
		}
		st = t->read(g, &q, (char *)array + n * t->size, n, err);
		if (st != RF_OK)
			break;
		n++;
	}
	db_end(&q);
	memcpy((char *)g->c + t->array, &array, sizeof(array));
	memcpy((char *)g->c + t->count, &n, sizeof(n));
	return st;
}

static enum rf_status
read_all(struct get *g, struct rf_error *err)
{
	enum rf_status st;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if ((st = read_table(g, &tables[i], err)) != RF_OK)
			return st;
	if ((st = read_state(g, err)) != RF_OK)
		return st;
	if ((st = settle_workloads(g->c, err)) != RF_OK)
		return st;
	return cluster_finish(g->c, err);
}

/*
 * A READ handle holds what it sees from here on, so that the flows that are
 * read next name objects of this cluster although a collector goes on.
 */
static enum rf_status
hold_snapshot(struct store *s, struct rf_error *err)
{
	enum rf_status st;

	if (s->mode == STORE_WRITE || s->in_tx)
		return RF_OK;
	if (s->snapshot)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	st = db_exec(s->db, "BEGIN", err);
	s->snapshot = st == RF_OK;
	return st;
}

enum rf_status
store_get_cluster(struct store *s, struct cluster **out, struct rf_error *err)
{
	struct get g = { .s = s };
	enum rf_status st;

	*out = NULL;
	store_indices_release(&s->got);
	if ((st = hold_snapshot(s, err)) != RF_OK)
		return st;
	if ((g.c = cluster_new()) == NULL)
		return fail_memory(err);
	g.a = &g.c->arena;
	st = read_all(&g, err);
	if (st != RF_OK) {
		store_indices_release(&g.got);
		cluster_free(g.c);
		return st;
	}
	g.got.cluster = g.c;
	s->got = g.got;
	*out = g.c;
	return RF_OK;
}
