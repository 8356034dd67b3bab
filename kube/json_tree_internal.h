/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree_internal: the memory of trees, for the files that make them, and
 * what is a character for all of JSON.
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

/* How many bytes the character at p, beyond ASCII, has; 0: it is none. */
static inline size_t
json_rune_bytes(const char *p, const char *end)
{
	const unsigned char *b = (const unsigned char *)p;
	size_t n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;

	if (b[0] < 0xc2 || b[0] > 0xf4 || (size_t)(end - p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
	    (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0; /* in too many bytes, a surrogate, or too large */
	return n;
}

#endif
