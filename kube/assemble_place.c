/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, nodes and policies of the cluster, sorted by name. */
#include <stdlib.h>
#include <string.h>

#include "kube/snapshot_internal.h"

#define NAME_LABEL "kubernetes.io/metadata.name"

static enum rf_status
no_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
}

int
assemble_compare(const void *va, const void *vb)
{
	const struct raw_head *const *a = va, *const *b = vb;
	int d = strcmp((*a)->namespace, (*b)->namespace);

	return d != 0 ? d : strcmp((*a)->name, (*b)->name);
}

const char *
assemble_key(struct snapshot_builder *sb, const char *kind,
    const char *namespace, const char *name)
{
	size_t len = (kind == NULL ? 0 : strlen(kind) + 1) + strlen(namespace) +
	    strlen(name) + 2;
	char *key = arena_alloc(&sb->scratch, len), *at = key;

	if (key == NULL)
		return NULL;
	if (kind != NULL) {
		at = stpcpy(at, kind);
		*at++ = '/';
	}
	at = stpcpy(at, namespace);
	*at++ = '/';
	(void)stpcpy(at, name);
	return key;
}

/* The set with the label that the API server sets (SEMANTICS 4). */
static bool
add_name_label(struct snapshot_builder *sb, struct kube_namespace *ns)
{
	struct label_set *set = &ns->labels;
	struct label *v =
	    arena_calloc(&sb->cluster->arena, set->n + 1, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < set->n; i++)
		v[i] = set->v[i];
	v[set->n] = (struct label){ NAME_LABEL, ns->name };
	set->n = label_sort(v, set->n + 1);
	set->v = v;
	return true;
}

static int
compare_namespaces(const void *va, const void *vb)
{
	const struct kube_namespace *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

/* A namespace that is not in *v yet. */
static bool
add_namespace(struct snapshot_builder *sb, struct string_map *seen,
    const struct kube_namespace *ns)
{
	struct cluster *c = sb->cluster;

	if (*ns->name == '\0' || string_map_find(seen, ns->name) != NULL)
		return true;
	if (!string_map_add(seen, &sb->scratch, ns->name, 0))
		return false;
	c->namespaces[c->n_namespaces] = *ns;
	return add_name_label(sb, &c->namespaces[c->n_namespaces++]);
}

/* Those with an object first, then what anything else stands in. */
static bool
gather_namespaces(struct snapshot_builder *sb)
{
	struct string_map seen = { 0 };
	const struct raw_table *t = &sb->raw[RAW_NAMESPACE];

	for (size_t i = 0; i < t->n; i++) {
		const struct raw_namespace *r = (const void *)t->v[i];
		struct kube_namespace ns = { r->head.name, r->labels, false };

		if (!add_namespace(sb, &seen, &ns))
			return false;
	}
	for (unsigned type = 0; type < RAW_TYPE_COUNT; type++)
		for (size_t i = 0; i < sb->raw[type].n; i++) {
			struct kube_namespace ns = { .assumed = true };

			ns.name = sb->raw[type].v[i]->namespace;
			if (!add_namespace(sb, &seen, &ns))
				return false;
		}
	return true;
}

enum rf_status
assemble_namespaces(struct snapshot_builder *sb, struct rf_error *err)
{
	struct cluster *c = sb->cluster;
	size_t max = 0;

	for (unsigned type = 0; type < RAW_TYPE_COUNT; type++)
		max += sb->raw[type].n;
	c->namespaces = arena_calloc(&c->arena, max, sizeof(*c->namespaces));
	if (c->namespaces == NULL || !gather_namespaces(sb))
		return no_memory(err);
	if (c->n_namespaces > 0)
		qsort(c->namespaces, c->n_namespaces, sizeof(*c->namespaces),
		    compare_namespaces);
	for (size_t i = 0; i < c->n_namespaces; i++)
		if (!string_map_add(&sb->namespace_index, &sb->scratch,
			c->namespaces[i].name, (uint32_t)i))
			return no_memory(err);
	return RF_OK;
}

/* A node whose object was not read: its pods tell its addresses. */
struct assumed_node {
	const char *name;
	struct ip_addr *v;
	size_t n, cap;
};

static bool
add_host_ips(struct snapshot_builder *sb, struct assumed_node *n,
    const struct raw_pod *p)
{
	for (size_t i = 0; i < p->pod.n_host_ips; i++) {
		const struct ip_addr *ip = &p->pod.host_ips[i];
		void *v = n->v;
		size_t k = 0;

		while (k < n->n && !ip_equal(&n->v[k], ip))
			k++;
		if (k < n->n)
			continue;
		if (!arena_grow(
			&sb->cluster->arena, &v, n->n, &n->cap, sizeof(*n->v)))
			return false;
		n->v = v;
		n->v[n->n++] = *ip;
	}
	return true;
}

/* Nodes that only pods name, into v; *n counts them. */
static bool
gather_assumed(struct snapshot_builder *sb, struct assumed_node *v, size_t *n)
{
	struct string_map known = { 0 }, assumed = { 0 };
	const struct raw_table *t = &sb->raw[RAW_NODE];

	for (size_t i = 0; i < t->n; i++)
		if (!string_map_add(&known, &sb->scratch, t->v[i]->name, 0))
			return false;
	t = &sb->raw[RAW_POD];
	for (size_t i = 0; i < t->n; i++) {
		const struct raw_pod *p = (const void *)t->v[i];
		const uint32_t *at;

		if (p->node_name == NULL ||
		    string_map_find(&known, p->node_name) != NULL)
			continue;
		at = string_map_find(&assumed, p->node_name);
		if (at == NULL) {
			v[*n].name = p->node_name;
			if (!string_map_add(&assumed, &sb->scratch,
				p->node_name, (uint32_t)(*n)++))
				return false;
			at = string_map_find(&assumed, p->node_name);
		}
		if (!add_host_ips(sb, &v[*at], p))
			return false;
	}
	return true;
}

static int
compare_nodes(const void *va, const void *vb)
{
	const struct kube_node *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

enum rf_status
assemble_nodes(struct snapshot_builder *sb, struct rf_error *err)
{
	struct cluster *c = sb->cluster;
	const struct raw_table *t = &sb->raw[RAW_NODE];
	size_t n_assumed = 0, n_pods = sb->raw[RAW_POD].n;
	struct assumed_node *assumed =
	    arena_calloc(&sb->scratch, n_pods, sizeof(*assumed));

	if (assumed == NULL || !gather_assumed(sb, assumed, &n_assumed))
		return no_memory(err);
	c->nodes = arena_calloc(&c->arena, t->n + n_assumed, sizeof(*c->nodes));
	if (c->nodes == NULL)
		return no_memory(err);
	for (size_t i = 0; i < t->n; i++)
		c->nodes[c->n_nodes++] =
		    ((const struct raw_node *)(const void *)t->v[i])->node;
	for (size_t i = 0; i < n_assumed; i++)
		c->nodes[c->n_nodes++] = (struct kube_node){
			.name = assumed[i].name,
			.provider = "",
			.addrs = assumed[i].v,
			.n_addrs = assumed[i].n,
		};
	if (c->n_nodes > 0)
		qsort(c->nodes, c->n_nodes, sizeof(*c->nodes), compare_nodes);
	for (size_t i = 0; i < c->n_nodes; i++)
		if (!string_map_add(&sb->node_index, &sb->scratch,
			c->nodes[i].name, (uint32_t)i))
			return no_memory(err);
	return RF_OK;
}

enum rf_status
assemble_policies(struct snapshot_builder *sb, struct rf_error *err)
{
	struct cluster *c = sb->cluster;
	struct raw_table *t = &sb->raw[RAW_POLICY];

	c->policies = arena_calloc(&c->arena, t->n, sizeof(*c->policies));
	if (c->policies == NULL)
		return no_memory(err);
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(struct raw_head *), assemble_compare);
	for (size_t i = 0; i < t->n; i++) {
		const struct raw_policy *p = (const void *)t->v[i];

		if (!p->head.deleted)
			c->policies[c->n_policies++] =
			    (struct kube_policy_text){ p->head.namespace,
				    p->head.name, p->json };
	}
	return RF_OK;
}
