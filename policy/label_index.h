/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_index: which of many label sets carry a label, so that a selector
 * costs what it matches and not what there is.
 *
 * Private to policy/. Memory is the arena's; labels are borrowed.
 */
#ifndef POLICY_LABEL_INDEX_H
#define POLICY_LABEL_INDEX_H

#include <stdint.h>

#include "kube/labels.h"

struct label_entry {
	const char *key, *value;
	uint64_t hash;
	uint32_t start, n; /* in members */
	uint32_t round;    /* when it was gathered last */
};

struct label_index {
	uint64_t seed;
	struct label_entry *entries;
	uint32_t n_entries;
	uint32_t *slots; /* index of an entry plus one; 0 is free */
	size_t n_slots;  /* a power of two */
	uint32_t *members;
	/* Those of several entries together, until the next question. */
	uint32_t *gathered, round;
};

/* Labels are strangers' words: seed is to be what they cannot know. */
bool label_index_make(struct label_index *ix, struct arena *arena,
    const struct label_set *sets, uint32_t n, uint64_t seed);

/* Whom a selector can match: all of them are among these n sets, ascending,
 * the shortest list of any label that it wants, or of those of which it wants
 * one. */
struct label_candidates {
	const uint32_t *v; /* NULL: it wants no label by name and value, any
			    * set may match */
	uint32_t n;
	bool exact;     /* it wants nothing else: they all match */
	bool one_label; /* it wants one label and nothing else, */
	/* with this number, or UINT32_MAX: nobody carries it. */
	uint32_t label;
};

/* Good until the next question to the same index. */
struct label_candidates label_index_candidates(
    struct label_index *ix, const struct label_selector *s);

/* The number of a label that some set carries. */
uint32_t label_index_number(
    const struct label_index *ix, const struct label *l);

#endif
