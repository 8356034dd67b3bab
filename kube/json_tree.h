/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree: JSON as a tree that is only read, for the many objects of a
 * snapshot.
 *
 * jansson makes a table of each object and an allocation of each value: for a
 * snapshot of two thousand pods, of which a few fields are wanted, that was a
 * third of what `collect` does before its first packet. Here a text is walked
 * once into memory that is given back, or taken again, all at once.
 *
 * It takes exactly what jansson takes (test_json_tree.c and fuzz_value.c
 * compare): of equal keys the last value counts, in the place of the first; no
 * NUL in strings; integers of 64 bits; 2048 levels. What is wrong with a text
 * that it does not take, jansson is asked (kube/json_text.h).
 */
#ifndef KUBE_JSON_TREE_H
#define KUBE_JSON_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#define JSON_TREE_DEPTH_MAX 2048 /* jansson's own */

enum json_node_kind {
	JSON_NODE_NULL,
	JSON_NODE_FALSE,
	JSON_NODE_TRUE,
	JSON_NODE_INTEGER,
	JSON_NODE_REAL,
	JSON_NODE_TEXT,
	JSON_NODE_LIST,
	JSON_NODE_MAP
};

/* A value, and in a map its key. */
struct json_node {
	const char *key; /* NULL but in a map */
	union {
		const char *text; /* NUL-terminated UTF-8 */
		const struct json_node *items;
		int64_t integer;
		double real;
	};
	uint32_t n;       /* items */
	uint16_t key_len; /* or UINT16_MAX, if that is less */
	uint8_t kind;     /* enum json_node_kind */
};

struct json_chunk;

/* Where trees lie, until it is cleared. Zero is an empty one. */
struct json_tree {
	struct json_chunk *chunk;
	struct json_node *stack; /* values whose list or map is not complete */
	size_t n_stack, cap_stack;
};

void json_tree_release(struct json_tree *t);

/* All trees are gone; some of their memory is kept for the next. */
void json_tree_clear(struct json_tree *t);

/*
 * Read the value that text begins with, white space in front of it allowed.
 * *used is where it ends. RF_CORRUPT: there is none, or not all of it; or
 * RF_NOMEM. The text is not needed any more afterwards.
 */
RF_MUST_USE enum rf_status json_tree_read(struct json_tree *t, const char *text,
    size_t len, const struct json_node **out, size_t *used);

/* Is there nothing but white space? */
static inline bool
json_is_space(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len &&
	    (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' ||
		text[i] == '\r'))
		i++;
	return i == len;
}

/*
 * Make *map, but for its key, a map of n values with keys, of which equal ones
 * become one. v is changed, and must live as long. RF_OK or RF_NOMEM.
 */
RF_MUST_USE enum rf_status json_tree_map(
    struct json_node *v, size_t n, struct json_node *map);

/* A copy for jansson; NULL: out of memory. */
json_t *json_node_copy(const struct json_node *j);

/*
 * What follows takes NULL, and values of another kind, as empty: a member that
 * is not there is asked for its own members.
 */
const struct json_node *json_node_get(
    const struct json_node *map, const char *key);

static inline bool
json_node_is(const struct json_node *j, enum json_node_kind kind)
{
	return j != NULL && j->kind == kind;
}

/* How many items a list has. */
static inline size_t
json_node_size(const struct json_node *list)
{
	return json_node_is(list, JSON_NODE_LIST) ? list->n : 0;
}

/* How many members a map has; they are its items. */
static inline size_t
json_node_members(const struct json_node *map)
{
	return json_node_is(map, JSON_NODE_MAP) ? map->n : 0;
}

static inline const struct json_node *
json_node_at(const struct json_node *list, size_t i)
{
	return i < json_node_size(list) ? &list->items[i] : NULL;
}

/* NULL where it is none. */
static inline const char *
json_node_text(const struct json_node *j)
{
	return json_node_is(j, JSON_NODE_TEXT) ? j->text : NULL;
}

#endif
