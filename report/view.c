/* SPDX-License-Identifier: Apache-2.0 */
#include "report/view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/order.h"

/* An endpoint that edges name as an end. */
struct face {
	struct view_end end;
	uint32_t rank; /* among all, by compare_end */
};

struct making {
	const struct flow_set *flows;
	const struct cluster *c;
	struct arena *arena;
	struct face *faces;
	uint32_t *face_of; /* by endpoint: its face plus one; 0: none */
	size_t n_faces;
};

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_end(const struct view_end *a, const struct view_end *b)
{
	int c;

	if ((c = compare_u64(a->type, b->type)) != 0 ||
	    (c = strcmp(a->namespace, b->namespace)) != 0 ||
	    (c = strcmp(a->kind, b->kind)) != 0 ||
	    (c = strcmp(a->name, b->name)) != 0)
		return c;
	return ip_compare(&a->ip, &b->ip);
}

static int
compare_service(const struct view_edge *a, const struct view_edge *b)
{
	int c;

	if (a->service_name == NULL || b->service_name == NULL)
		return (a->service_name != NULL) - (b->service_name != NULL);
	if ((c = strcmp(a->service_namespace, b->service_namespace)) != 0 ||
	    (c = strcmp(a->service_name, b->service_name)) != 0)
		return c;
	return compare_u64(a->edge->service_port, b->edge->service_port);
}

int
view_edge_compare(const struct view_edge *a, const struct view_edge *b)
{
	const struct edge *e = a->edge, *f = b->edge;
	int c;

	if ((c = compare_end(a->src, b->src)) != 0 ||
	    (c = compare_end(a->dst, b->dst)) != 0 ||
	    (c = compare_u64(e->protocol, f->protocol)) != 0 ||
	    (c = compare_u64(e->port, f->port)) != 0 ||
	    (c = compare_service(a, b)) != 0 ||
	    (c = compare_u64(e->outcome, f->outcome)) != 0)
		return c;
	return compare_u64(e->certainty, f->certainty);
}

static int
compare_edge(const void *a, const void *b)
{
	return view_edge_compare(a, b);
}

static int
compare_ip(const void *a, const void *b)
{
	return ip_compare(a, b);
}

static int
compare_u32(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The first of the names of ip, which are sorted by ip. */
static size_t
first_name(const struct flow_set *fs, const struct ip_addr *ip)
{
	size_t lo = 0, hi = fs->n_names;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&fs->names[mid].ip, ip) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
put_names(const struct making *m, struct view_end *out)
{
	const struct flow_set *fs = m->flows;
	size_t i = first_name(fs, &out->ip), n = 0;

	while (i + n < fs->n_names && ip_equal(&fs->names[i + n].ip, &out->ip))
		n++;
	out->dns = arena_calloc(m->arena, n + 1, sizeof(*out->dns));
	if (out->dns == NULL)
		return false;
	for (; out->n_dns < n; out->n_dns++)
		out->dns[out->n_dns] = fs->names[i + out->n_dns].name;
	return true;
}

/* Is b who a was at another time? One of them is gone then, in any case. */
static bool
is_same_pod(const struct kube_pod *a, const struct kube_pod *b)
{
	size_t n;

	if (!a->deleted && !b->deleted)
		return false;
	n = kube_uid_length(a->uid);
	return n > 0 && n == kube_uid_length(b->uid) &&
	    memcmp(a->uid, b->uid, n) == 0;
}

/* Distinct pods on one side of several flows, those of one uid beside each
 * other as clusters have them; false: out of memory. */
static bool
count_pods(
    const struct making *m, const struct edge *e, bool is_src, uint32_t *out)
{
	uint32_t few[16], *pods = few;
	size_t n = 0;

	if (e->n_flows > sizeof(few) / sizeof(few[0]) &&
	    (pods = malloc(e->n_flows * sizeof(*pods))) == NULL)
		return false;
	for (size_t i = 0; i < e->n_flows; i++) {
		const struct flow *f = e->flows[i];
		uint32_t pod =
		    m->flows->endpoints[is_src ? f->src : f->dst].pod;

		if (pod != FLOW_NONE)
			pods[n++] = pod;
	}
	if (n > 1)
		qsort(pods, n, sizeof(*pods), compare_u32);
	for (size_t i = 0; i < n; i++)
		*out += i == 0 ||
		    (pods[i] != pods[i - 1] &&
			!is_same_pod(
			    &m->c->pods[pods[i - 1]], &m->c->pods[pods[i]]));
	if (pods != few)
		free(pods);
	return true;
}

/* A node that the cluster has no object for goes by its address. */
static const char *
node_name(const struct making *m, const struct endpoint *e)
{
	char text[IP_STRLEN];

	if (e->node < m->c->n_nodes)
		return m->c->nodes[e->node].name;
	return arena_strdup(m->arena, ip_format(&e->ip, text));
}

static bool
make_end(const struct making *m, const struct endpoint *e, struct view_end *out)
{
	*out = (struct view_end){
		.type = e->type, .namespace = "", .kind = "", .name = ""
	};
	switch (e->type) {
	case ENDPOINT_WORKLOAD: {
		const struct kube_workload *w = &m->c->workloads[e->workload];

		out->namespace = w->namespace;
		out->kind = w->kind;
		out->name = w->name;
		break;
	}
	case ENDPOINT_NODE:
		out->name = node_name(m, e);
		return out->name != NULL;
	case ENDPOINT_EXTERNAL:
		out->ip = e->ip;
		return put_names(m, out);
	case ENDPOINT_UNKNOWN:
		out->ip = e->ip;
		break;
	}
	return true;
}

/* The source's rewritten addresses, of which most edges have none. */
static bool
put_seen_from(const struct making *m, struct view_edge *out)
{
	const struct edge *e = out->edge;
	struct ip_addr *v;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < e->n_flows; i++)
		n += e->flows[i]->seen_src != e->flows[i]->src;
	v = arena_calloc(m->arena, n, sizeof(*v));
	if (v == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < e->n_flows; i++) {
		const struct flow *f = e->flows[i];

		if (f->seen_src != f->src)
			v[n++] = m->flows->endpoints[f->seen_src].ip;
	}
	qsort(v, n, sizeof(*v), compare_ip);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !ip_equal(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	out->seen_from = v;
	out->n_seen_from = (uint32_t)kept;
	return true;
}

static const struct face *
face_of(const struct making *m, const struct endpoint *e)
{
	return &m->faces[m->face_of[e - m->flows->endpoints] - 1];
}

/* An edge of one flow has that flow's ends, which it need not be asked for. */
static bool
put_end(const struct making *m, const struct edge *e, bool is_src,
    const struct view_end **out, uint32_t *pods)
{
	const struct endpoint *end = is_src ? e->src : e->dst;

	*out = &face_of(m, end)->end;
	*pods = 0;
	if (end->type != ENDPOINT_WORKLOAD)
		return true;
	if (e->n_flows > 1)
		return count_pods(m, e, is_src, pods);
	*pods = end->pod != FLOW_NONE;
	return true;
}

static bool
put_edge(const struct making *m, const struct edge *e, struct view_edge *out)
{
	*out = (struct view_edge){ .edge = e };
	if (e->service < m->c->n_services) {
		out->service_namespace = m->c->services[e->service].namespace;
		out->service_name = m->c->services[e->service].name;
	}
	return put_end(m, e, true, &out->src, &out->src_pods) &&
	    put_end(m, e, false, &out->dst, &out->dst_pods) &&
	    (!e->is_rewritten || put_seen_from(m, out));
}

static bool
add_face(struct making *m, const struct endpoint *e)
{
	uint32_t *at = &m->face_of[e - m->flows->endpoints];

	if (*at != 0)
		return true;
	*at = (uint32_t)++m->n_faces;
	return make_end(m, e, &m->faces[m->n_faces - 1].end);
}

static int
compare_face(const void *x, const void *y)
{
	const struct face *a = *(const struct face *const *)x;
	const struct face *b = *(const struct face *const *)y;

	return compare_end(&a->end, &b->end);
}

/* Name each end once, and give it its rank by name. */
static bool
make_faces(struct making *m, const struct edge_set *edges)
{
	struct face **order;
	uint32_t rank = 0;

	for (size_t i = 0; i < edges->n_edges; i++)
		if (!add_face(m, edges->edges[i].src) ||
		    !add_face(m, edges->edges[i].dst))
			return false;
	order = calloc(m->n_faces + 1, sizeof(*order));
	if (order == NULL)
		return false;
	for (size_t i = 0; i < m->n_faces; i++)
		order[i] = &m->faces[i];
	qsort(order, m->n_faces, sizeof(*order), compare_face);
	for (size_t i = 0; i < m->n_faces; i++) {
		rank += i > 0 && compare_face(&order[i - 1], &order[i]) != 0;
		order[i]->rank = rank;
	}
	free(order);
	return true;
}

/* Put edges into v, sorted: by the ranks of their ends, then the few of one
 * pair by the rest. */
static bool
put_edges(const struct making *m, const struct edge_set *edges,
    struct order_row *rows, struct view_edge *v)
{
	size_t n = edges->n_edges, start = 0;

	for (size_t i = 0; i < n; i++) {
		const struct edge *e = &edges->edges[i];

		rows[i].key = (uint64_t)face_of(m, e->src)->rank << 32 |
		    face_of(m, e->dst)->rank;
		rows[i].at = (uint32_t)i;
	}
	if (!order_by_key(rows, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!put_edge(m, &edges->edges[rows[i].at], &v[i]))
			return false;
		if (i + 1 < n && rows[i + 1].key == rows[i].key)
			continue;
		if (i > start)
			qsort(
			    &v[start], i + 1 - start, sizeof(*v), compare_edge);
		start = i + 1;
	}
	return true;
}

enum rf_status
view_make(struct view *out, const struct edge_set *edges,
    const struct flow_set *flows, const struct cluster *c, struct arena *arena,
    struct rf_error *err)
{
	struct making m = { .flows = flows, .c = c, .arena = arena };
	size_t n = edges->n_edges, n_ends = flows->n_endpoints;
	struct view_edge *v = arena_calloc(arena, n + 1, sizeof(*v));
	struct order_row *rows = calloc(n + 1, sizeof(*rows));
	bool ok;

	*out = (struct view){ 0 };
	m.faces = arena_calloc(arena, n_ends + 1, sizeof(*m.faces));
	m.face_of = calloc(n_ends + 1, sizeof(*m.face_of));
	ok = v != NULL && rows != NULL && m.faces != NULL &&
	    m.face_of != NULL && make_faces(&m, edges) &&
	    put_edges(&m, edges, rows, v);
	free(m.face_of);
	free(rows);
	if (!ok)
		return rf_fail(err, RF_NOMEM, "report: out of memory");
	*out = (struct view){ .edges = v, .n_edges = n, .flows = flows };
	return RF_OK;
}

static void
add_lower(struct strbuf *out, const char *s)
{
	for (; *s != '\0'; s++)
		strbuf_putc(out, (char)tolower((unsigned char)*s));
}

void
view_end_text(struct strbuf *out, const struct view_end *e)
{
	char ip[IP_STRLEN];

	if (e->type == ENDPOINT_WORKLOAD) {
		strbuf_printf(out, "%s/", e->namespace);
		add_lower(out, e->kind);
		strbuf_printf(out, "/%s", e->name);
		return;
	}
	if (e->type == ENDPOINT_NODE) {
		strbuf_printf(out, "node/%s", e->name);
		return;
	}
	/* No address: one of several backends, of different workloads. */
	strbuf_printf(out, "%s/%s", endpoint_type_name(e->type),
	    ip_is_none(&e->ip) ? "several" : ip_format(&e->ip, ip));
	if (e->n_dns > 0)
		strbuf_printf(out, " (%s%s)", e->dns[0],
		    e->n_dns > 1 ? ", \xe2\x80\xa6" : "");
}

void
view_service_text(struct strbuf *out, const struct view_edge *e)
{
	if (e->service_name != NULL)
		strbuf_printf(out, "%s/%s:%u", e->service_namespace,
		    e->service_name, e->edge->service_port);
}
