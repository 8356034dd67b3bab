/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem: how the policy reader's parts record what is wrong, and where.
 *
 * Private to policy/. A path lives on the stack of whoever walks the object
 * and is turned into text only when there is something to report. What a
 * manifest holds is quoted: no byte of it reaches a terminal unescaped.
 */
#ifndef POLICY_PROBLEM_H
#define POLICY_PROBLEM_H

#include "core/arena.h"
#include "core/strbuf.h"
#include "kube/value.h"
#include "policy/read.h"
#include "policy/selector_pool.h"

/* One step of a field path; key NULL: an index into a list. */
struct field_path {
	const struct field_path *up;
	const char *key;
	size_t index;
};

/* A key that value_read found twice; line is that of the later one. */
struct duplicate_key {
	uint32_t line;
	const char *text; /* as value_read said it */
	bool is_placed;   /* decode_check knew its object and field */
};

#define DUPLICATE_KEYS_MAX 64

/* What is being read, and what was found so far. */
struct reading {
	struct arena *arena;
	struct policy_problem *problems;
	size_t n_problems, cap_problems, n_refusals;
	const char *file;   /* in arena, or NULL */
	const char *object; /* "NetworkPolicy ns/name", or "" */
	bool is_json;       /* the text is JSON, not YAML */
	struct duplicate_key duplicates[DUPLICATE_KEYS_MAX]; /* of the text */
	size_t n_duplicates;
	struct selector_pool selectors; /* of all texts' peers */
	bool failed; /* memory ran out: what was recorded is not all */
};

static inline struct field_path
path_key(const struct field_path *up, const char *key)
{
	return (struct field_path){ .up = up, .key = key };
}

static inline struct field_path
path_index(const struct field_path *up, size_t index)
{
	return (struct field_path){ .up = up, .index = index };
}

/* Record one problem. path NULL: of the object as a whole. */
void problem_add(struct reading *r, const struct field_path *path,
    uint32_t line, enum policy_problem_type type, const char *fmt, ...)
    RF_PRINTF(5, 6);

/* "Invalid value: "value": why", as the API server writes it. */
void problem_invalid(struct reading *r, const struct field_path *path,
    uint32_t line, const char *value, const char *why);

/*
 * The text in double quotes, in arena: printable ASCII, the rest escaped,
 * at most 300 bytes of it. Never NULL: "" and r->failed without memory.
 */
const char *problem_quote(struct reading *r, const char *text);

/* The same without quotes, for names inside a sentence. */
const char *problem_clean(struct reading *r, const char *text);

#endif
