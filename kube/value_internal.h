/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_internal: what the readers of value.h share.
 */
#ifndef KUBE_VALUE_INTERNAL_H
#define KUBE_VALUE_INTERNAL_H

#include "kube/string_map.h"
#include "kube/value.h"

#define VALUE_DEPTH_MAX 64

/* One text while it is read; documents gather in the arena. */
struct value_reader {
	struct arena *arena;
	value_notice *notice; /* or NULL */
	void *notice_arg;
	struct rf_error *err;
	const struct value **docs;
	size_t n_docs, cap_docs;
};

/* The pairs of a map while they gather; each key once. */
struct pair_builder {
	struct value_pair *v;
	size_t n, cap;
	struct string_map index; /* key to place in v, once there are many */
	bool *merged;            /* it came in by a merge key */
	size_t cap_merged;
};

/* Add or replace; a key that was written twice is noticed. */
RF_MUST_USE enum rf_status value_put(struct value_reader *r,
    struct pair_builder *b, const struct value_pair *p, bool merged);

RF_MUST_USE enum rf_status value_add_doc(
    struct value_reader *r, const struct value *doc);

RF_MUST_USE enum rf_status value_no_memory(struct value_reader *r);

/*
 * Read concatenated JSON documents. *used says how far it came: less than len
 * when a line "---" follows a document, as YAML may then.
 */
RF_MUST_USE enum rf_status value_read_json(
    struct value_reader *r, const char *text, size_t len, size_t *used);

/* Read YAML documents; the text starts on line base_line of its file. */
RF_MUST_USE enum rf_status value_read_yaml(
    struct value_reader *r, const char *text, size_t len, uint32_t base_line);

/*
 * Set kind and value of a plain scalar from v->text as kubectl does. tag is
 * "" or an unabridged YAML tag. false: *why says what is wrong with it.
 */
bool value_resolve(
    struct value *v, const char *tag, struct arena *arena, const char **why);

/* The text of a scalar that stands as a key, in arena; NULL: out of memory.
 * Must not be called for null. */
const char *value_key_text(const struct value *v, struct arena *arena);

#endif
