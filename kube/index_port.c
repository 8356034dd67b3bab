/* SPDX-License-Identifier: Apache-2.0 */
/* Address, port and protocol to Services, backends and hostNetwork pods. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "kube/internal.h"

/* Entries of one table while it grows; the array is in the arena. */
struct gather {
	struct arena *arena;
	struct port_entry *v;
	size_t n, cap;
	bool failed;
};

static struct port_key
key_of(const struct ip_addr *ip, uint16_t port, uint8_t protocol)
{
	return (
	    struct port_key){ .ip = *ip, .port = port, .protocol = protocol };
}

static void
gather_add(struct gather *g, struct port_key key, size_t object, size_t detail)
{
	void *v = g->v;

	if (!arena_grow(g->arena, &v, g->n, &g->cap, sizeof(*g->v))) {
		g->failed = true;
		return;
	}
	g->v = v;
	g->v[g->n++] = (struct port_entry){ .key = key,
		.object = (uint32_t)object,
		.detail = (uint32_t)detail };
}

static int
compare_entries(const void *va, const void *vb)
{
	const struct port_entry *a = va, *b = vb;
	int d = memcmp(&a->key, &b->key, sizeof(a->key));

	if (d != 0)
		return d;
	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return a->detail < b->detail ? -1 : a->detail > b->detail;
}

static uint32_t
find_slot(const struct port_table *t, const struct port_key *key)
{
	uint32_t at = (uint32_t)hash_words(0, key, sizeof(*key)) & t->mask;

	while (t->slots[at] != 0 &&
	    memcmp(&t->entries[t->slots[at] - 1].key, key, sizeof(*key)) != 0)
		at = (at + 1) & t->mask;
	return at;
}

static enum rf_status
build_table(struct port_table *t, struct gather *g, struct rf_error *err)
{
	uint32_t cap = index_capacity(g->n);

	t->slots = arena_calloc(g->arena, cap, sizeof(*t->slots));
	if (g->failed || t->slots == NULL)
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	t->mask = cap - 1;
	t->entries = g->v;
	if (g->n > 0)
		qsort(g->v, g->n, sizeof(*g->v), compare_entries);
	for (size_t i = 0; i < g->n; i++) {
		uint32_t at = find_slot(t, &g->v[i].key);

		if (t->slots[at] == 0)
			t->slots[at] = (uint32_t)i + 1;
	}
	t->n_entries = g->n;
	return RF_OK;
}

const struct port_entry *
index_find_port(const struct port_table *t, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol, size_t *n)
{
	struct port_key key = key_of(ip, port, protocol);
	uint32_t first = t->slots[find_slot(t, &key)];
	size_t end = first;

	*n = 0;
	if (first == 0)
		return NULL;
	while (end < t->n_entries &&
	    memcmp(&t->entries[end].key, &key, sizeof(key)) == 0)
		end++;
	*n = end - (first - 1);
	return &t->entries[first - 1];
}

static void
gather_service(struct gather *g, const struct kube_service *s, size_t i)
{
	static const struct ip_addr any_node;

	for (size_t p = 0; p < s->n_ports; p++) {
		uint16_t port = s->ports[p].port;
		uint8_t proto = s->ports[p].protocol;

		for (size_t k = 0; k < s->n_cluster_ips; k++)
			gather_add(
			    g, key_of(&s->cluster_ips[k], port, proto), i, p);
		for (size_t k = 0; k < s->n_lb_ips; k++)
			gather_add(g, key_of(&s->lb_ips[k], port, proto), i, p);
		if (s->ports[p].node_port != 0)
			gather_add(g,
			    key_of(&any_node, s->ports[p].node_port, proto), i,
			    p);
	}
}

static void
gather_host_pod(struct gather *g, const struct cluster *c, size_t i)
{
	const struct kube_pod *p = &c->pods[i];
	const struct kube_node *n =
	    p->node == FLOW_NONE ? NULL : &c->nodes[p->node];

	for (size_t k = 0; k < p->n_ports; k++) {
		uint16_t port = p->ports[k].port;
		uint8_t proto = p->ports[k].protocol;

		if (p->ports[k].init)
			continue;
		for (size_t a = 0; a < p->n_host_ips; a++)
			gather_add(
			    g, key_of(&p->host_ips[a], port, proto), i, 0);
		for (size_t a = 0; n != NULL && a < n->n_addrs; a++)
			gather_add(g, key_of(&n->addrs[a], port, proto), i, 0);
	}
}

static int
compare_backends(const void *va, const void *vb)
{
	const struct kube_backend *a = va, *b = vb;
	int d;

	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	if ((d = strcmp(a->port_name, b->port_name)) != 0)
		return d;
	if ((d = ip_compare(&a->ip, &b->ip)) != 0)
		return d;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->protocol - b->protocol;
}

enum rf_status
index_ports(struct cluster *c, struct rf_error *err)
{
	struct cluster_index *ix = c->index;
	struct gather services = { .arena = &c->arena };
	struct gather backends = { .arena = &c->arena };
	struct gather hosts = { .arena = &c->arena };
	enum rf_status st;

	if (c->n_backends > 0)
		qsort(c->backends, c->n_backends, sizeof(*c->backends),
		    compare_backends);
	for (size_t i = 0; i < c->n_services; i++)
		gather_service(&services, &c->services[i], i);
	for (size_t i = 0; i < c->n_backends; i++) {
		const struct kube_backend *b = &c->backends[i];

		gather_add(
		    &backends, key_of(&b->ip, b->port, b->protocol), i, 0);
	}
	for (size_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].host_network)
			gather_host_pod(&hosts, c, i);
	if ((st = build_table(&ix->services, &services, err)) != RF_OK)
		return st;
	if ((st = build_table(&ix->backends, &backends, err)) != RF_OK)
		return st;
	return build_table(&ix->host_ports, &hosts, err);
}
