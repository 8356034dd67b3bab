/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of trees, their maps, and what is asked of them. */
#include "kube/json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "kube/json_tree_internal.h"

#define CHUNK_BYTES ((size_t)64 * 1024)
#define PAIRS_MAX   ((size_t)24) /* members that are compared each with each */

static void
free_chunks(struct json_chunk *c)
{
	while (c != NULL) {
		struct json_chunk *next = c->next;

		free(c);
		c = next;
	}
}

void
json_tree_release(struct json_tree *t)
{
	free_chunks(t->chunk);
	free(t->stack);
	*t = (struct json_tree){ 0 };
}

void
json_tree_clear(struct json_tree *t)
{
	t->n_stack = 0;
	if (t->chunk == NULL)
		return;
	free_chunks(t->chunk->next);
	t->chunk->next = NULL;
	t->chunk->used = 0;
	if (t->chunk->size == CHUNK_BYTES)
		return;
	free_chunks(t->chunk); /* larger than most will ever need */
	t->chunk = NULL;
}

void *
json_tree_grow(struct json_tree *t, size_t n)
{
	size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;
	struct json_chunk *c;

	if (n > SIZE_MAX / 2)
		return NULL;
	c = malloc(sizeof(*c) + size);
	if (c == NULL)
		return NULL;
	*c = (struct json_chunk){ .next = t->chunk, .used = n, .size = size };
	t->chunk = c;
	return c->data;
}

static bool
same_key(const struct json_node *a, const struct json_node *b)
{
	return a->key_len == b->key_len && a->key[0] == b->key[0] &&
	    strcmp(a->key, b->key) == 0;
}

/* The value of b, in the place of a. */
static void
replace(struct json_node *a, const struct json_node *b)
{
	const char *key = a->key;

	*a = *b;
	a->key = key;
}

static size_t
join_few(struct json_node *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < kept && !same_key(&v[k], &v[i]))
			k++;
		if (k < kept)
			replace(&v[k], &v[i]);
		else if (kept++ != i)
			v[k] = v[i];
	}
	return kept;
}

/* By key, and of equal ones the earlier first. */
static int
compare(const void *va, const void *vb)
{
	const struct json_node *const *a = va, *const *b = vb;
	int d = strcmp((*a)->key, (*b)->key);

	return d != 0 ? d : (*a > *b) - (*a < *b);
}

/* The same for maps that somebody may have made as large as he could. */
static bool
join_many(struct json_node *v, size_t *n)
{
	struct json_node **sorted = reallocarray(NULL, *n, sizeof(*sorted));
	size_t kept = 0;

	if (sorted == NULL)
		return false;
	for (size_t i = 0; i < *n; i++)
		sorted[i] = &v[i];
	qsort(sorted, *n, sizeof(struct json_node *), compare);
	for (size_t i = 1, first = 0; i < *n; i++) {
		if (!same_key(sorted[first], sorted[i])) {
			first = i;
			continue;
		}
		replace(sorted[first], sorted[i]);
		sorted[i]->key = NULL;
	}
	for (size_t i = 0; i < *n; i++)
		if (v[i].key != NULL)
			v[kept++] = v[i];
	free(sorted);
	*n = kept;
	return true;
}

enum rf_status
json_tree_map(struct json_node *v, size_t n, struct json_node *map)
{
	if (n <= PAIRS_MAX)
		n = join_few(v, n);
	else if (!join_many(v, &n))
		return RF_NOMEM;
	map->kind = JSON_NODE_MAP;
	map->items = v;
	map->n = (uint32_t)n;
	return RF_OK;
}

const struct json_node *
json_node_get(const struct json_node *map, const char *key)
{
	size_t len = strlen(key), n = json_node_members(map);

	for (size_t i = 0; i < n; i++) {
		const struct json_node *j = &map->items[i];

		if (j->key_len == json_key_len(len) && strcmp(j->key, key) == 0)
			return j;
	}
	return NULL;
}

static json_t *
copy_list(const struct json_node *list)
{
	json_t *to = json_array();

	for (uint32_t i = 0; to != NULL && i < list->n; i++)
		if (json_array_append_new(
			to, json_node_copy(&list->items[i])) != 0) {
			json_decref(to);
			return NULL;
		}
	return to;
}

static json_t *
copy_map(const struct json_node *map)
{
	json_t *to = json_object();

	for (uint32_t i = 0; to != NULL && i < map->n; i++)
		if (json_object_set_new(to, map->items[i].key,
			json_node_copy(&map->items[i])) != 0) {
			json_decref(to);
			return NULL;
		}
	return to;
}

json_t *
json_node_copy(const struct json_node *j)
{
	switch ((enum json_node_kind)j->kind) {
	case JSON_NODE_NULL:
		return json_null();
	case JSON_NODE_FALSE:
		return json_false();
	case JSON_NODE_TRUE:
		return json_true();
	case JSON_NODE_INTEGER:
		return json_integer(j->integer);
	case JSON_NODE_REAL:
		return json_real(j->real);
	case JSON_NODE_TEXT:
		return json_string(j->text);
	case JSON_NODE_LIST:
		return copy_list(j);
	case JSON_NODE_MAP:
		return copy_map(j);
	}
	return NULL;
}
