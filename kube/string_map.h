/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_map: strings to numbers, in an arena; linear while it is small.
 *
 * Keys are borrowed. A zeroed struct is an empty map. Private to kube/.
 */
#ifndef KUBE_STRING_MAP_H
#define KUBE_STRING_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"

struct string_map {
	const char **keys;
	uint32_t *numbers;
	size_t n, cap;
	uint32_t *slots; /* index of a key + 1; NULL while linear */
	uint32_t mask;
};

/* The place of key's number, or NULL. */
uint32_t *string_map_find(const struct string_map *m, const char *key);
/* Add a key that is not there yet; false: out of memory. */
bool string_map_add(struct string_map *m, struct arena *arena, const char *key,
    uint32_t number);

#endif
