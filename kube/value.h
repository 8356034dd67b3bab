/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: one YAML or JSON document as a tree that remembers where it stood.
 *
 * Plain YAML scalars are resolved late, when the wanted type is known
 * (value_as_*), by the rules of kubectl's YAML 1.1 reader, so that a wrong
 * type can be named with its line. Memory is the arena's.
 */
#ifndef KUBE_VALUE_H
#define KUBE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/error.h"

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP
};

struct value;

struct value_pair {
	const char *key; /* after resolving: `on: x` is key "true" */
	uint32_t line;   /* of the key, 1-based */
	const struct value *value;
};

struct value {
	enum value_kind kind;  /* after resolving */
	uint32_t line, column; /* 1-based in the file */
	const char *text;      /* scalars: as written; strings: the content */
	size_t text_len;       /* strings may hold NUL only if this says so */
	bool boolean;          /* VALUE_BOOL */
	int64_t integer;       /* VALUE_INT */
	double number;         /* VALUE_INT and VALUE_FLOAT */
	const struct value *const *items; /* VALUE_LIST */
	const struct value_pair *pairs;   /* VALUE_MAP, in written order */
	size_t n;                         /* items or pairs */
};

/* The value of key in a map (the last one of duplicates), or NULL. */
const struct value *value_get(const struct value *map, const char *key);

/* "map", "string", … for messages. */
const char *value_kind_name(enum value_kind kind);

struct value_docs {
	const struct value *const *docs; /* the documents that are not empty */
	size_t n;
};

/* A finding that is no refusal: duplicate keys, content after "...". */
typedef void value_notice(void *arg, uint32_t line, const char *text);

/*
 * Read all documents of a YAML or JSON text (a file whose first character
 * that is no white space is "{" goes to the JSON reader, as in kubectl).
 * RF_CORRUPT: err says line and what is wrong; RF_LIMIT: deeper than 64,
 * larger than 64 MiB, or too many events through aliases.
 */
RF_MUST_USE enum rf_status value_read(struct value_docs *out,
    struct arena *arena, const char *text, size_t len, value_notice *notice,
    void *notice_arg, struct rf_error *err);

#endif
