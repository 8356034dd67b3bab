/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects to their indices in the cluster. */
#include <string.h>

#include "core/hash.h"
#include "kube/internal.h"

struct name_key {
	const char *kind, *namespace, *name;
};

uint32_t
index_capacity(size_t n)
{
	uint32_t cap = 8;

	while (cap < n * 2 && cap < UINT32_C(1) << 31)
		cap *= 2;
	return cap;
}

static struct name_key
key_of(const struct cluster *c, enum name_table_id id, uint32_t i)
{
	struct name_key k = { "", "", "" };

	switch (id) {
	case NAMES_NAMESPACE:
		k.name = c->namespaces[i].name;
		break;
	case NAMES_NODE:
		k.name = c->nodes[i].name;
		break;
	case NAMES_WORKLOAD:
		k.kind = c->workloads[i].kind;
		k.namespace = c->workloads[i].namespace;
		k.name = c->workloads[i].name;
		break;
	case NAMES_POD:
		k.namespace = c->pods[i].namespace;
		k.name = c->pods[i].name;
		break;
	case NAMES_SERVICE:
		k.namespace = c->services[i].namespace;
		k.name = c->services[i].name;
		break;
	}
	return k;
}

static size_t
count_of(const struct cluster *c, enum name_table_id id)
{
	switch (id) {
	case NAMES_NAMESPACE:
		return c->n_namespaces;
	case NAMES_NODE:
		return c->n_nodes;
	case NAMES_WORKLOAD:
		return c->n_workloads;
	case NAMES_POD:
		return c->n_pods;
	case NAMES_SERVICE:
		return c->n_services;
	}
	return 0;
}

static uint32_t
hash_key(const struct name_key *k)
{
	uint64_t h = hash_string(1, k->kind);

	h = hash_string(h, k->namespace);
	return (uint32_t)hash_string(h, k->name);
}

static bool
keys_equal(const struct name_key *a, const struct name_key *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    strcmp(a->namespace, b->namespace) == 0 &&
	    strcmp(a->kind, b->kind) == 0;
}

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t *
find_slot(
    const struct cluster *c, enum name_table_id id, const struct name_key *k)
{
	const struct name_table *t = &c->index->names[id];
	uint32_t at = hash_key(k) & t->mask;

	while (t->slots[at] != 0) {
		struct name_key have = key_of(c, id, t->slots[at] - 1);

		if (keys_equal(&have, k))
			break;
		at = (at + 1) & t->mask;
	}
	return &t->slots[at];
}

static bool
is_newer_pod(const struct kube_pod *a, const struct kube_pod *b)
{
	if (a->deleted != b->deleted)
		return b->deleted;
	return a->from_us >= b->from_us;
}

static void
add_name(struct cluster *c, enum name_table_id id, uint32_t i)
{
	struct name_key k = key_of(c, id, i);
	uint32_t *slot = find_slot(c, id, &k);

	if (*slot == 0 ||
	    (id == NAMES_POD && is_newer_pod(&c->pods[i], &c->pods[*slot - 1])))
		*slot = i + 1;
}

enum rf_status
index_names(struct cluster *c, struct rf_error *err)
{
	for (unsigned u = 0; u < NAME_TABLE_COUNT; u++) {
		enum name_table_id id = (enum name_table_id)u;
		struct name_table *t = &c->index->names[id];
		size_t n = count_of(c, id);
		uint32_t cap = index_capacity(n);

		t->slots = arena_calloc(&c->arena, cap, sizeof(*t->slots));
		if (t->slots == NULL)
			return rf_fail(err, RF_NOMEM, "cluster: out of memory");
		t->mask = cap - 1;
		for (size_t i = 0; i < n; i++)
			add_name(c, id, (uint32_t)i);
	}
	return RF_OK;
}

uint32_t
index_find_name(const struct cluster *c, enum name_table_id id,
    const char *kind, const char *namespace, const char *name)
{
	struct name_key k = { kind, namespace, name };

	return *find_slot(c, id, &k) - 1; /* 0 - 1 is FLOW_NONE */
}
