/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a cluster: every object by its natural key, then its row id, which
 * store_put_flows needs. How old and new unite, the queries *_put.sql say.
 */
#include <stdlib.h>

#include "store/columns.h"
#include "store/internal.h"

/* One call's state. */
struct put {
	struct store *s;
	const struct cluster *c;
	struct store_ids ids;
	struct column_writer w;
};

/* Run the bound statement, whose texts the writer holds. */
static enum rf_status
run_put(struct put *p, struct db_stmt *q, const char *what, const char *name,
    struct rf_error *err)
{
	enum rf_status st;

	if (p->w.failed) {
		db_end(q);
		st = rf_fail(err, RF_INVAL,
		    "labels or ports are not UTF-8, or memory ran out");
	} else
		st = db_run(q, "write", err);
	column_writer_clear(&p->w);
	return st == RF_OK ? st : rf_wrap(err, st, "%s %s", what, name);
}

/* Was there no row with that key until the statement that was run last? */
static bool
has_added(const struct put *p)
{
	return sqlite3_changes(p->s->db) != 0;
}

/* The id of a row that was just put, by the keys already bound. */
static enum rf_status
get_id(struct db_stmt *q, int64_t *id, const char *name, struct rf_error *err)
{
	enum rf_status st;
	bool row;

	st = db_row(q, &row, name, err);
	if (st != RF_OK)
		return st;
	if (!row)
		return rf_fail(
		    err, RF_CORRUPT, "%s: written, but not there", name);
	*id = db_int(q, 0);
	db_end(q);
	return RF_OK;
}

static enum rf_status
put_namespaces(struct put *p, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_NAMESPACE_PUT);
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < p->c->n_namespaces && st == RF_OK; i++) {
		const struct kube_namespace *ns = &p->c->namespaces[i];

		db_bind_text(&q, 1, ns->name);
		db_bind_int(&q, 2, ns->assumed);
		db_bind_text(&q, 3, column_labels(&p->w, &ns->labels));
		st = run_put(p, &q, "Namespace", ns->name, err);
	}
	return st;
}

static enum rf_status
put_nodes(struct put *p, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_NODE_PUT);
	struct db_stmt id = store_stmt(p->s, SQL_NODE_ID);
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < p->c->n_nodes && st == RF_OK; i++) {
		const struct kube_node *n = &p->c->nodes[i];

		db_bind_text(&q, 1, n->name);
		db_bind_text(&q, 2, n->provider);
		db_bind_text(&q, 3, column_labels(&p->w, &n->labels));
		db_bind_text(&q, 4, column_ips(&p->w, n->addrs, n->n_addrs));
		db_bind_text(
		    &q, 5, column_cidrs(&p->w, n->pod_cidrs, n->n_pod_cidrs));
		st = run_put(p, &q, "Node", n->name, err);
		if (st != RF_OK)
			break;
		db_bind_text(&id, 1, n->name);
		st = get_id(&id, &p->ids.nodes[i], n->name, err);
	}
	return st;
}

static enum rf_status
put_workload(struct put *p, size_t i, struct rf_error *err)
{
	const struct kube_workload *wl = &p->c->workloads[i];
	struct db_stmt q = store_stmt(p->s, SQL_WORKLOAD_PUT);
	struct db_stmt id = store_stmt(p->s, SQL_WORKLOAD_ID);
	enum rf_status st;

	db_bind_text(&q, 1, wl->namespace);
	db_bind_text(&q, 2, wl->kind);
	db_bind_text(&q, 3, wl->name);
	db_bind_text(&q, 4, wl->api_version);
	db_bind_int(&q, 5, wl->has_object);
	db_bind_int(&q, 6, wl->has_selector);
	db_bind_text(&q, 7, column_selector(&p->w, &wl->selector));
	db_bind_text(&q, 8, column_labels(&p->w, &wl->labels));
	db_bind_int(&q, 9, wl->replicas);
	db_bind_int(&q, 10, wl->suspended);
	if ((st = run_put(p, &q, wl->kind, wl->name, err)) != RF_OK)
		return st;
	db_bind_text(&id, 1, wl->namespace);
	db_bind_text(&id, 2, wl->kind);
	db_bind_text(&id, 3, wl->name);
	return get_id(&id, &p->ids.workloads[i], wl->name, err);
}

static enum rf_status
check_pod(
    const struct cluster *c, const struct kube_pod *pod, struct rf_error *err)
{
	if (pod->ns >= c->n_namespaces)
		return rf_fail(err, RF_INVAL,
		    "Pod %s: namespace %u of %zu in its cluster", pod->name,
		    pod->ns, c->n_namespaces);
	if (pod->workload >= c->n_workloads)
		return rf_fail(err, RF_INVAL,
		    "Pod %s: workload %u of %zu in its cluster", pod->name,
		    pod->workload, c->n_workloads);
	if (pod->node != FLOW_NONE && pod->node >= c->n_nodes)
		return rf_fail(err, RF_INVAL,
		    "Pod %s: node %u of %zu in its cluster", pod->name,
		    pod->node, c->n_nodes);
	return RF_OK;
}

/* What is stored of a pod with other labels or addresses is what its flows were
 * of: it stays as a pod of its own, which is gone. */
static enum rf_status
part_pod(struct put *p, const struct kube_pod *pod, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_POD_PART);

	db_bind_text(&q, 1, pod->namespace);
	db_bind_text(&q, 2, pod->name);
	db_bind_text(&q, 3, pod->uid);
	db_bind_text(&q, 4, column_labels(&p->w, &pod->labels));
	db_bind_int(&q, 5, pod->from_us);
	db_bind_text(&q, 6, column_ips(&p->w, pod->ips, pod->n_ips));
	return run_put(p, &q, "Pod", pod->name, err);
}

static void
bind_pod(struct put *p, struct db_stmt *q, const struct kube_pod *pod)
{
	db_bind_text(q, 1, pod->namespace);
	db_bind_text(q, 2, pod->name);
	db_bind_text(q, 3, pod->uid);
	db_bind_int(q, 4, p->ids.workloads[pod->workload]);
	if (pod->node == FLOW_NONE)
		db_bind_null(q, 5);
	else
		db_bind_int(q, 5, p->ids.nodes[pod->node]);
	db_bind_text(q, 6, column_labels(&p->w, &pod->labels));
	db_bind_int(q, 7, pod->phase);
	db_bind_int(q, 8, pod->host_network);
	db_bind_int(q, 9, pod->deleted);
	db_bind_text(q, 10, column_ips(&p->w, pod->ips, pod->n_ips));
	db_bind_text(q, 11, column_ips(&p->w, pod->host_ips, pod->n_host_ips));
	db_bind_text(q, 12, column_pod_ports(&p->w, pod->ports, pod->n_ports));
	db_bind_int(q, 13, pod->from_us);
	db_bind_int(q, 14, pod->to_us);
}

static enum rf_status
put_pod(struct put *p, size_t i, struct rf_error *err)
{
	const struct kube_pod *pod = &p->c->pods[i];
	struct db_stmt add = store_stmt(p->s, SQL_POD_ADD);
	struct db_stmt q = store_stmt(p->s, SQL_POD_PUT);
	struct db_stmt id = store_stmt(p->s, SQL_POD_ID);
	enum rf_status st;

	if ((st = check_pod(p->c, pod, err)) != RF_OK ||
	    (st = part_pod(p, pod, err)) != RF_OK)
		return st;
	bind_pod(p, &add, pod);
	st = run_put(p, &add, "Pod", pod->name, err);
	if (st == RF_OK && !has_added(p)) {
		bind_pod(p, &q, pod);
		st = run_put(p, &q, "Pod", pod->name, err);
	}
	if (st != RF_OK)
		return st;
	db_bind_text(&id, 1, pod->namespace);
	db_bind_text(&id, 2, pod->name);
	db_bind_text(&id, 3, pod->uid);
	return get_id(&id, &p->ids.pods[i], pod->name, err);
}

static enum rf_status
put_service(struct put *p, size_t i, struct rf_error *err)
{
	const struct kube_service *svc = &p->c->services[i];
	struct db_stmt q = store_stmt(p->s, SQL_SERVICE_PUT);
	struct db_stmt id = store_stmt(p->s, SQL_SERVICE_ID);
	enum rf_status st;

	db_bind_text(&q, 1, svc->namespace);
	db_bind_text(&q, 2, svc->name);
	db_bind_text(&q, 3, svc->type);
	db_bind_text(&q, 4, svc->external_traffic_policy);
	db_bind_int(&q, 5, svc->headless);
	db_bind_int(&q, 6, svc->has_selector);
	db_bind_text(&q, 7, column_selector(&p->w, &svc->selector));
	db_bind_text(&q, 8, column_labels(&p->w, &svc->labels));
	db_bind_text(
	    &q, 9, column_ips(&p->w, svc->cluster_ips, svc->n_cluster_ips));
	db_bind_text(&q, 10, column_ips(&p->w, svc->lb_ips, svc->n_lb_ips));
	db_bind_text(
	    &q, 11, column_service_ports(&p->w, svc->ports, svc->n_ports));
	db_bind_int(&q, 12, svc->from_us);
	db_bind_int(&q, 13, svc->to_us);
	db_bind_int(&q, 14, svc->gone);
	if ((st = run_put(p, &q, "Service", svc->name, err)) != RF_OK)
		return st;
	db_bind_text(&id, 1, svc->namespace);
	db_bind_text(&id, 2, svc->name);
	return get_id(&id, &p->ids.services[i], svc->name, err);
}

/* Those Services whose backends came anew: the old ones are history. */
static enum rf_status
expire_backends(struct put *p, struct rf_error *err)
{
	struct db_stmt q = store_stmt(p->s, SQL_BACKEND_EXPIRE);
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < p->c->n_backends && st == RF_OK; i++) {
		const struct kube_backend *b = &p->c->backends[i];

		if (b->service >= p->c->n_services ||
		    (b->pod != FLOW_NONE && b->pod >= p->c->n_pods))
			return rf_fail(err, RF_INVAL,
			    "backend %zu: service %u or pod %u is not in its "
			    "cluster",
			    i, b->service, b->pod);
		if (i > 0 && b[-1].service == b->service)
			continue;
		db_bind_int(&q, 1, p->ids.services[b->service]);
		st = db_run(&q, "expire backends", err);
	}
	return st;
}

static enum rf_status
run_backend(struct put *p, struct db_stmt *q, const struct kube_backend *b,
    struct rf_error *err)
{
	db_bind_int(q, 1, p->ids.services[b->service]);
	db_bind_ip(q, 2, &b->ip);
	db_bind_int(q, 3, b->port);
	db_bind_int(q, 4, b->protocol);
	db_bind_text(q, 5, b->port_name);
	if (b->pod == FLOW_NONE)
		db_bind_null(q, 6);
	else
		db_bind_int(q, 6, p->ids.pods[b->pod]);
	db_bind_int(q, 7, b->ready);
	return run_put(
	    p, q, "backend of Service", p->c->services[b->service].name, err);
}

static enum rf_status
put_backends(struct put *p, struct rf_error *err)
{
	struct db_stmt add = store_stmt(p->s, SQL_BACKEND_ADD);
	struct db_stmt q = store_stmt(p->s, SQL_BACKEND_PUT);
	enum rf_status st;

	st = expire_backends(p, err);
	for (size_t i = 0; i < p->c->n_backends && st == RF_OK; i++) {
		const struct kube_backend *b = &p->c->backends[i];

		st = run_backend(p, &add, b, err);
		if (st == RF_OK && !has_added(p))
			st = run_backend(p, &q, b, err);
	}
	return st;
}

static enum rf_status
put_policies(struct put *p, struct rf_error *err)
{
	struct db_stmt clear = store_stmt(p->s, SQL_POLICY_CLEAR);
	struct db_stmt q = store_stmt(p->s, SQL_POLICY_PUT);
	struct db_stmt state = store_stmt(p->s, SQL_STATE_POLICIES);
	enum rf_status st;

	if (!p->c->has_policies)
		return RF_OK;
	if ((st = db_run(&state, "write the state", err)) != RF_OK)
		return st;
	st = db_run(&clear, "replace policies", err);
	for (size_t i = 0; i < p->c->n_policies && st == RF_OK; i++) {
		const struct kube_policy_text *t = &p->c->policies[i];

		db_bind_text(&q, 1, t->namespace);
		db_bind_text(&q, 2, t->name);
		db_bind_text(&q, 3, t->json);
		st = run_put(p, &q, "NetworkPolicy", t->name, err);
	}
	return st;
}

static enum rf_status
put_all(struct put *p, struct rf_error *err)
{
	enum rf_status st;

	if ((st = put_namespaces(p, err)) != RF_OK)
		return st;
	if ((st = put_nodes(p, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < p->c->n_workloads; i++)
		if ((st = put_workload(p, i, err)) != RF_OK)
			return st;
	for (size_t i = 0; i < p->c->n_pods; i++)
		if ((st = put_pod(p, i, err)) != RF_OK)
			return st;
	for (size_t i = 0; i < p->c->n_services; i++)
		if ((st = put_service(p, i, err)) != RF_OK)
			return st;
	if ((st = put_backends(p, err)) != RF_OK)
		return st;
	return put_policies(p, err);
}

static bool
ids_init(struct store_ids *ids, const struct cluster *c)
{
	ids->n_nodes = c->n_nodes;
	ids->n_workloads = c->n_workloads;
	ids->n_pods = c->n_pods;
	ids->n_services = c->n_services;
	ids->nodes = calloc(c->n_nodes + 1, sizeof(*ids->nodes));
	ids->workloads = calloc(c->n_workloads + 1, sizeof(*ids->workloads));
	ids->pods = calloc(c->n_pods + 1, sizeof(*ids->pods));
	ids->services = calloc(c->n_services + 1, sizeof(*ids->services));
	return ids->nodes != NULL && ids->workloads != NULL &&
	    ids->pods != NULL && ids->services != NULL;
}

enum rf_status
store_put_cluster(
    struct store *s, const struct cluster *c, struct rf_error *err)
{
	struct put p = { .s = s, .c = c };
	enum rf_status st;

	if ((st = store_enter(s, err)) != RF_OK)
		return st;
	column_writer_init(&p.w);
	if (!ids_init(&p.ids, c)) {
		st = rf_fail(err, RF_NOMEM, "write the cluster: out of memory");
		goto out;
	}
	st = put_all(&p, err);
out:
	column_writer_release(&p.w);
	st = store_leave(s, st, err);
	if (st == RF_OK) {
		store_ids_release(&s->put);
		p.ids.in_tx = s->in_tx;
		s->put = p.ids;
	} else
		store_ids_release(&p.ids);
	return st;
}
