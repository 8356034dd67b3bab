/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define ALIGN       alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[]; /* zeroed */
};

void
arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max_bytes = max_bytes };
}

void
arena_release(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	arena_init(a, a->max_bytes);
}

static struct arena_block *
add_block(struct arena *a, size_t need)
{
	size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
	/* Large blocks come zeroed from the kernel; nobody does it again. */
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->size = size;
	if (a->head != NULL && need > BLOCK_BYTES) {
		b->next = a->head->next; /* keep the half-full one in front */
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = size == 0 ? ALIGN : (size + ALIGN - 1) / ALIGN * ALIGN;
	if (a->max_bytes != 0 && size > a->max_bytes - a->used_bytes)
		return NULL;
	if (b == NULL || b->size - b->used < size) {
		b = add_block(a, size);
		if (b == NULL)
			return NULL;
	}
	p = b->data + b->used;
	b->used += size;
	a->used_bytes += size;
	return p;
}

void *
arena_calloc(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, n * size);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (p != NULL)
		memcpy(p, s, n);
	return p;
}

int
arena_grow(struct arena *a, void **ptr, size_t n, size_t *cap, size_t elem_size)
{
	size_t want = *cap == 0 ? 8 : *cap * 2;
	void *p;

	if (n < *cap)
		return 1;
	if (want <= n)
		want = n + 1;
	p = arena_calloc(a, want, elem_size);
	if (p == NULL)
		return 0;
	if (n > 0)
		memcpy(p, *ptr, n * elem_size);
	*ptr = p;
	*cap = want;
	return 1;
}
