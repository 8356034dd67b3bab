/* SPDX-License-Identifier: Apache-2.0 */
#include "report/map_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OUTSIDE_MAX 6 /* external ends that are drawn one by one */
#define SLOTS_MAX   8 /* ports that a box lists */
#define TEXT_MAX    ((size_t)1 << 24)

int
map_member_compare(const void *x, const void *y)
{
	const struct map_member *a = x, *b = y;
	int d = strcmp(a->namespace, b->namespace);

	return d != 0 ? d : strcmp(a->title, b->title);
}

static int
compare_keys(const void *x, const void *y)
{
	const struct map_key *a = x, *b = y;
	int d;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if ((d = strcmp(a->namespace, b->namespace)) != 0 ||
	    (d = strcmp(a->name, b->name)) != 0 ||
	    (d = strcmp(a->type, b->type)) != 0)
		return d;
	if (a->is_src != b->is_src)
		return a->is_src ? -1 : 1;
	return ip_compare(&a->ip, &b->ip);
}

/* Are the workloads of that namespace drawn one by one? */
static bool
is_fine(const struct map_input *in, const char *namespace)
{
	if (in->namespace != NULL)
		return strcmp(in->namespace, namespace) == 0;
	return !in->is_coarse;
}

static struct map_key
key_of(const struct map_making *m, const struct view_end *e, bool is_src)
{
	struct map_key k = { .namespace = "", .type = "", .name = "" };

	switch (e->type) {
	case ENDPOINT_WORKLOAD:
		k.namespace = e->namespace;
		k.kind = GRAPH_NAMESPACE;
		if (!is_fine(m->in, e->namespace))
			return k;
		k.kind = GRAPH_WORKLOAD;
		k.type = e->kind;
		k.name = e->name;
		return k;
	case ENDPOINT_NODE:
		k.kind = GRAPH_NODES;
		k.is_src = is_src;
		return k;
	case ENDPOINT_EXTERNAL:
		k.kind = GRAPH_OUTSIDE;
		if (m->is_outside_one)
			k.is_src = is_src;
		else if (e->n_dns > 0)
			k.name = e->dns[0];
		else
			k.ip = e->ip;
		return k;
	case ENDPOINT_UNKNOWN:
		break;
	}
	k.kind = GRAPH_UNKNOWN;
	k.is_src = is_src;
	k.name = ip_is_none(&e->ip) ? "several" : "";
	return k;
}

static bool
is_node_local(const struct audit_edge *e)
{
	for (size_t d = 0; d < 2; d++)
		if ((e->sides[d].flags & EVAL_NODE_LOCAL) != 0 &&
		    e->sides[d].n_rules == 0)
			return e->view->src->type == ENDPOINT_NODE ||
			    e->view->dst->type == ENDPOINT_NODE;
	return false;
}

/* Of a namespace that is one box? */
static bool
is_inside(const struct map_input *in, const struct view_edge *e)
{
	return e->src->type == ENDPOINT_WORKLOAD &&
	    e->dst->type == ENDPOINT_WORKLOAD &&
	    strcmp(e->src->namespace, e->dst->namespace) == 0 &&
	    !is_fine(in, e->src->namespace);
}

/* Which of the counters an edge that is not drawn belongs to; NULL: draw. */
static size_t *
leaves_out(
    struct map *out, const struct map_input *in, const struct audit_edge *e)
{
	const struct edge *edge = e->view->edge;

	if (!e->is_traffic)
		return &out->n_failed;
	if (e->verdict == AUDIT_WOULD_DROP || e->verdict == AUDIT_UNKNOWN)
		return NULL;
	if (edge->port == 53 || edge->service_port == 53)
		return &out->n_dns;
	if (is_node_local(e))
		return &out->n_own_node;
	return is_inside(in, e->view) ? &out->n_inside : NULL;
}

static bool
choose_edges(struct map_making *m)
{
	const struct map_input *in = m->in;

	m->strokes =
	    arena_calloc(m->arena, in->n_edges + 1, sizeof(*m->strokes));
	for (size_t i = 0; m->strokes != NULL && i < in->n_edges; i++) {
		size_t *counter = leaves_out(m->out, in, in->edges[i]);

		if (counter != NULL)
			++*counter;
		else
			m->strokes[m->n_strokes++].edge = in->edges[i];
	}
	m->out->n_edges = m->n_strokes;
	return m->strokes != NULL;
}

/* "Deployment web" as a key; without a blank there is no name. */
static bool
key_of_member(
    const struct map_making *m, const struct map_member *w, struct map_key *k)
{
	size_t n = strcspn(w->title, " ");

	*k = (struct map_key){ .kind = GRAPH_NAMESPACE,
		.namespace = w->namespace,
		.type = "",
		.name = "" };
	if (!is_fine(m->in, w->namespace))
		return true;
	k->kind = GRAPH_WORKLOAD;
	k->type = arena_strndup(m->arena, w->title, n);
	k->name = w->title[n] == ' ' ? w->title + n + 1 : "";
	return k->type != NULL;
}

/* Workloads without any traffic are drawn, too, where it is about them. */
static bool
is_drawn_alone(const struct map_input *in, const struct map_member *w)
{
	return w->is_drawn &&
	    (in->namespace == NULL || is_fine(in, w->namespace));
}

static bool
make_keys(struct map_making *m)
{
	const struct map_input *in = m->in;
	struct map_key *v = arena_calloc(
	    m->arena, 2 * m->n_strokes + in->n_members + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < m->n_strokes; i++) {
		const struct view_edge *e = m->strokes[i].edge->view;

		v[n++] = key_of(m, e->src, true);
		v[n++] = key_of(m, e->dst, false);
	}
	for (size_t i = 0; i < in->n_members; i++)
		if (is_drawn_alone(in, &in->members[i]) &&
		    !key_of_member(m, &in->members[i], &v[n++]))
			return false;
	qsort(v, n, sizeof(*v), compare_keys);
	m->keys = v;
	m->n_keys = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_keys(&v[i], &v[m->n_keys - 1]) != 0)
			v[m->n_keys++] = v[i];
	return true;
}

static size_t
count_kind(const struct map_making *m, enum graph_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_keys; i++)
		n += m->keys[i].kind == kind;
	return n;
}

static uint32_t
find_box(const struct map_making *m, const struct view_end *e, bool is_src)
{
	struct map_key k = key_of(m, e, is_src);
	const struct map_key *found =
	    bsearch(&k, m->keys, m->n_keys, sizeof(k), compare_keys);

	return (uint32_t)(found - m->keys);
}

/* Workloads by namespace, anything else by kind. */
static bool
same_group(const struct map_key *a, const struct map_key *b)
{
	return a->kind == b->kind &&
	    (a->kind != GRAPH_WORKLOAD ||
		strcmp(a->namespace, b->namespace) == 0);
}

static bool
make_boxes(struct map_making *m, struct strbuf *text)
{
	static const char *const titles[] = {
		[GRAPH_OUTSIDE] = "outside the cluster",
		[GRAPH_WORKLOAD] = "",
		[GRAPH_NAMESPACE] = "namespaces",
		[GRAPH_NODES] = "",
		[GRAPH_UNKNOWN] = "",
	};
	struct graph *g = &m->out->graph;

	g->boxes = arena_calloc(m->arena, m->n_keys + 1, sizeof(*g->boxes));
	g->groups = arena_calloc(m->arena, m->n_keys + 1, sizeof(*g->groups));
	if (g->boxes == NULL || g->groups == NULL)
		return false;
	for (size_t i = 0; i < m->n_keys; i++) {
		const struct map_key *k = &m->keys[i];

		if (i == 0 || !same_group(&m->keys[i - 1], k))
			g->groups[g->n_groups++].title =
			    k->kind == GRAPH_WORKLOAD ? k->namespace
						      : titles[k->kind];
		g->boxes[i].group = (uint32_t)g->n_groups - 1;
		map_title(m, k, &g->boxes[i], text);
		if (g->boxes[i].title == NULL || g->boxes[i].subtitle == NULL)
			return false;
	}
	g->n_boxes = m->n_keys;
	return true;
}

static int
compare_ports(const void *x, const void *y)
{
	const struct port *a = x, *b = y;

	if (a->box != b->box)
		return a->box < b->box ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

static int
compare_busy(const void *x, const void *y)
{
	const struct port *a = *(const struct port *const *)x;
	const struct port *b = *(const struct port *const *)y;

	if (a->box != b->box)
		return a->box < b->box ? -1 : 1;
	if (a->connections != b->connections)
		return a->connections > b->connections ? -1 : 1;
	return compare_ports(a, b);
}

static bool
collect_ports(struct map_making *m)
{
	struct port *v = arena_calloc(m->arena, m->n_strokes + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < m->n_strokes; i++) {
		const struct edge *e = m->strokes[i].edge->view->edge;

		v[i] = (struct port){ .box = m->strokes[i].dst,
			.protocol = e->protocol,
			.port = e->port,
			.connections = e->connections };
	}
	qsort(v, m->n_strokes, sizeof(*v), compare_ports);
	for (size_t i = 0; i < m->n_strokes; i++) {
		if (n > 0 && compare_ports(&v[n - 1], &v[i]) == 0)
			v[n - 1].connections += v[i].connections;
		else
			v[n++] = v[i];
	}
	m->ports = v;
	m->n_ports = n;
	return true;
}

/* The busiest ports of a box have a slot each, the others share the last. */
static bool
slots_of_box(
    struct map_making *m, struct port **busy, size_t n, struct strbuf *text)
{
	struct graph *g = &m->out->graph;
	size_t own = n > SLOTS_MAX ? SLOTS_MAX - 1 : n;

	for (size_t i = 0; i < n; i++) {
		struct graph_slot *s = &g->slots[g->n_slots];

		busy[i]->slot = (uint32_t)g->n_slots;
		if (i > own)
			continue;
		s->box = busy[i]->box;
		if (i < own)
			strbuf_printf(text, "%s %u",
			    flow_protocol_name(busy[i]->protocol),
			    busy[i]->port);
		else
			strbuf_printf(text, "%zu more ports", n - own);
		if ((s->text = map_keep(m, text)) == NULL)
			return false;
		if (i < own)
			g->n_slots++;
	}
	g->n_slots += own < n;
	return true;
}

static bool
make_slots(struct map_making *m, struct strbuf *text)
{
	struct graph *g = &m->out->graph;
	struct port **busy;

	if (!collect_ports(m))
		return false;
	busy = arena_calloc(m->arena, m->n_ports + 1, sizeof(struct port *));
	g->slots = arena_calloc(m->arena, m->n_ports + 1, sizeof(*g->slots));
	if (busy == NULL || g->slots == NULL)
		return false;
	for (size_t i = 0; i < m->n_ports; i++)
		busy[i] = &m->ports[i];
	qsort(busy, m->n_ports, sizeof(struct port *), compare_busy);
	for (size_t i = 0, j; i < m->n_ports; i = j) {
		for (j = i; j < m->n_ports && busy[j]->box == busy[i]->box;)
			j++;
		if (!slots_of_box(m, &busy[i], j - i, text))
			return false;
	}
	for (size_t i = 0; i < m->n_strokes; i++) {
		struct stroke *s = &m->strokes[i];
		struct port want = { .box = s->dst,
			.protocol = s->edge->view->edge->protocol,
			.port = s->edge->view->edge->port };
		const struct port *p = bsearch(
		    &want, m->ports, m->n_ports, sizeof(want), compare_ports);

		s->slot = p == NULL ? 0 : p->slot; /* always there */
	}
	return true;
}

static int
compare_strokes(const void *x, const void *y)
{
	const struct stroke *a = x, *b = y;

	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	if (a->edge->verdict != b->edge->verdict)
		return a->edge->verdict < b->edge->verdict ? -1 : 1;
	return (a->edge > b->edge) - (a->edge < b->edge);
}

/* One line for all edges between two boxes on one slot, in words. */
static const char *
describe(
    struct map_making *m, const struct stroke *s, size_t n, struct strbuf *text)
{
	const struct graph *g = &m->out->graph;
	uint64_t connections = 0;
	size_t worst = 0;

	for (size_t i = 0; i < n; i++) {
		connections += s[i].edge->view->edge->connections;
		worst += s[i].edge->verdict == s->edge->verdict;
	}
	strbuf_printf(text, "%s to %s, %s: ", g->boxes[s->src].title,
	    g->boxes[s->dst].title, g->slots[s->slot].text);
	if (n > 1)
		strbuf_printf(text, "%zu of %zu edges ", worst, n);
	strbuf_printf(text, "%s, %" PRIu64 " connection%s",
	    audit_verdict_name(s->edge->verdict), connections,
	    connections == 1 ? "" : "s");
	return map_keep(m, text);
}

static bool
make_lines(struct map_making *m, struct strbuf *text)
{
	struct graph *g = &m->out->graph;
	struct stroke *v = m->strokes;

	g->lines = arena_calloc(m->arena, m->n_strokes + 1, sizeof(*g->lines));
	if (g->lines == NULL)
		return false;
	qsort(v, m->n_strokes, sizeof(*v), compare_strokes);
	for (size_t i = 0, j; i < m->n_strokes; i = j) {
		struct graph_line *l = &g->lines[g->n_lines++];

		for (j = i; j < m->n_strokes && v[j].src == v[i].src &&
		     v[j].slot == v[i].slot;)
			j++;
		*l = (struct graph_line){ .src = v[i].src,
			.slot = v[i].slot,
			.verdict = v[i].edge->verdict,
			.text = describe(m, &v[i], j - i, text) };
		if (l->text == NULL)
			return false;
	}
	return true;
}

static bool
make_all(struct map_making *m, struct strbuf *text)
{
	if (!choose_edges(m) || !make_keys(m))
		return false;
	m->is_outside_one = count_kind(m, GRAPH_OUTSIDE) > OUTSIDE_MAX;
	if (m->is_outside_one && !make_keys(m))
		return false;
	for (size_t i = 0; i < m->n_strokes; i++) {
		struct stroke *s = &m->strokes[i];

		s->src = find_box(m, s->edge->view->src, true);
		s->dst = find_box(m, s->edge->view->dst, false);
	}
	return make_boxes(m, text) && make_slots(m, text) &&
	    make_lines(m, text);
}

enum rf_status
map_make(struct map *out, const struct map_input *in, struct arena *arena,
    struct rf_error *err)
{
	struct map_making m = { .in = in, .out = out, .arena = arena };
	struct strbuf text;
	bool ok;

	*out = (struct map){ 0 };
	strbuf_init(&text, TEXT_MAX);
	ok = make_all(&m, &text) && !strbuf_failed(&text);
	strbuf_release(&text);
	if (!ok)
		return rf_fail(err, RF_NOMEM, "graph: out of memory");
	return graph_layout(&out->graph, arena, err);
}
