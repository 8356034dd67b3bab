/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/string_map.h"

#include <string.h>

#include "core/hash.h"

#define LINEAR_MAX 16 /* keys up to which a search needs no table */

static uint32_t
find_slot(const struct string_map *m, const char *key)
{
	uint32_t at = (uint32_t)hash_string(0, key) & m->mask;

	while (m->slots[at] != 0 && strcmp(m->keys[m->slots[at] - 1], key) != 0)
		at = (at + 1) & m->mask;
	return at;
}

uint32_t *
string_map_find(const struct string_map *m, const char *key)
{
	if (m->slots != NULL) {
		uint32_t i = m->slots[find_slot(m, key)];

		return i == 0 ? NULL : &m->numbers[i - 1];
	}
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->keys[i], key) == 0)
			return &m->numbers[i];
	return NULL;
}

static bool
grow_map(struct string_map *m, struct arena *arena)
{
	size_t cap = m->cap == 0 ? LINEAR_MAX : m->cap * 2;
	const char **keys = arena_calloc(arena, cap, sizeof(*keys));
	uint32_t *numbers = arena_calloc(arena, cap, sizeof(*numbers));
	uint32_t *slots = NULL;

	if (cap > LINEAR_MAX)
		slots = arena_calloc(arena, cap * 2, sizeof(*slots));
	if (keys == NULL || numbers == NULL ||
	    (slots == NULL && cap > LINEAR_MAX))
		return false;
	for (size_t i = 0; i < m->n; i++) {
		keys[i] = m->keys[i];
		numbers[i] = m->numbers[i];
	}
	m->keys = keys;
	m->numbers = numbers;
	m->slots = slots;
	m->mask = (uint32_t)(cap * 2 - 1);
	m->cap = cap;
	for (size_t i = 0; slots != NULL && i < m->n; i++)
		slots[find_slot(m, keys[i])] = (uint32_t)i + 1;
	return true;
}

bool
string_map_add(
    struct string_map *m, struct arena *arena, const char *key, uint32_t number)
{
	if (m->n == m->cap && !grow_map(m, arena))
		return false;
	if (m->slots != NULL)
		m->slots[find_slot(m, key)] = (uint32_t)m->n + 1;
	m->keys[m->n] = key;
	m->numbers[m->n++] = number;
	return true;
}
