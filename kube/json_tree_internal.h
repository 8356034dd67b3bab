/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree_internal: the memory of trees, for the files that make them.
 */
#ifndef KUBE_JSON_TREE_INTERNAL_H
#define KUBE_JSON_TREE_INTERNAL_H

#include "kube/json_tree.h"

struct json_chunk {
	struct json_chunk *next;
	size_t used, size;
	_Alignas(struct json_node) char data[];
};

/* The same out of another chunk. */
void *json_tree_grow(struct json_tree *t, size_t n);

/* n bytes, not cleared, aligned for nodes; NULL: out of memory. */
static inline void *
json_tree_alloc(struct json_tree *t, size_t n)
{
	const size_t align = _Alignof(struct json_node);
	struct json_chunk *c = t->chunk;
	void *p;

	n = (n + align - 1) & ~(align - 1);
	if (c == NULL || c->size - c->used < n)
		return json_tree_grow(t, n);
	p = c->data + c->used;
	c->used += n;
	return p;
}

/* A length as nodes have it. */
static inline uint16_t
json_key_len(size_t n)
{
	return (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
}

#endif
