/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grow: arrays of unknown length on the heap, which large ones leave again: in
 * an arena (core/arena.h) every shorter copy of one stays to the end.
 */
#ifndef CORE_GROW_H
#define CORE_GROW_H

#include <stdbool.h>
#include <stddef.h>

/* Room for one more behind n elements of size bytes at *p, of which there is
 * room for *cap; *p is NULL or malloc's, and free's in the end. False: out of
 * memory, nothing has changed. */
bool grow(void **p, size_t n, size_t *cap, size_t size);

#endif
