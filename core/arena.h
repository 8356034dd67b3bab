/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that is given back all at once.
 *
 * For data that is built once and lives as long as its owner: a cluster's
 * objects, one recommender run. Not for data that comes and goes. One arena
 * belongs to one thread.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used_bytes; /* handed out, without the blocks' own overhead */
	size_t max_bytes;  /* refuse beyond this; 0 means no bound */
};

/* An empty arena that refuses to hand out more than max_bytes (0: any). */
void arena_init(struct arena *a, size_t max_bytes);

/* Give everything back. The arena is then as after arena_init. */
void arena_release(struct arena *a);

/* size zeroed bytes, aligned for any type; NULL: out of memory or bound. */
void *arena_alloc(struct arena *a, size_t size);

/* n * size zeroed bytes; NULL also when the product overflows. */
void *arena_calloc(struct arena *a, size_t n, size_t size);

/* A copy of the string, or of its first n bytes with a NUL added. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);

/*
 * An array at *ptr of *cap elements grows (copied within the arena) so that
 * it has room for one more than n; returns false when that failed. The old
 * copy stays in the arena until release, so growth doubles.
 */
int arena_grow(
    struct arena *a, void **ptr, size_t n, size_t *cap, size_t elem_size);

#endif
