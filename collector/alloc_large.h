/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc_large: zeroed memory for tables that are read at random.
 *
 * Large pages, where the kernel has them, save a page walk for almost every
 * access. What is not touched is not resident.
 */
#ifndef COLLECTOR_ALLOC_LARGE_H
#define COLLECTOR_ALLOC_LARGE_H

#include <stddef.h>

/* size bytes of zeros on a cache line; NULL: out of memory. */
void *alloc_large(size_t size);

/* Of the same size. NULL is allowed. */
void free_large(void *p, size_t size);

#endif
