/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels: label sets and label selectors (metav1.LabelSelector).
 *
 * Keys and values compare byte for byte (SEMANTICS 22). Sets are sorted by
 * key and hold each key once. Memory is borrowed from the owner's arena.
 */
#ifndef KUBE_LABELS_H
#define KUBE_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"

struct label {
	const char *key, *value;
};

struct label_set {
	const struct label *v;
	size_t n;
};

enum selector_op {
	SELECTOR_IN,
	SELECTOR_NOT_IN,
	SELECTOR_EXISTS,
	SELECTOR_DOES_NOT_EXIST
};

struct selector_requirement {
	const char *key;
	enum selector_op op;
	const char *const *values;
	size_t n_values;
	const char *const *sorted; /* the values, ascending; NULL: they are
				    * compared one by one */
};

/* All of match_labels and all of match_expressions must hold (SEMANTICS 15);
 * empty matches everything (16). */
struct label_selector {
	struct label_set match_labels;
	const struct selector_requirement *match_expressions;
	size_t n_match_expressions;
};

/* The value of key, or NULL when it is absent. */
const char *label_get(const struct label_set *set, const char *key);

/* Sort by key in place; of duplicate keys the last stays. Returns how many
 * are left. */
size_t label_sort(struct label *v, size_t n);

bool label_set_equal(const struct label_set *a, const struct label_set *b);

/* Order by keys and values, for grouping and stable output. */
int label_set_compare(const struct label_set *a, const struct label_set *b);

/* Fill sorted where there are many values, so that a label costs the logarithm
 * of how many. false: out of memory. */
RF_MUST_USE bool selector_sort_values(
    struct selector_requirement *r, struct arena *arena);

bool selector_is_empty(const struct label_selector *s);

/* Does s select an object with these labels? (SEMANTICS 15 to 23) */
bool selector_matches(
    const struct label_selector *s, const struct label_set *labels);

/*
 * Does the key name one replica, one rollout or one version, so that it must
 * never be part of an identity or of a selector that is written:
 * pod-template-hash, controller-revision-hash, pod-template-generation,
 * statefulset.kubernetes.io/pod-name, apps.kubernetes.io/pod-index, job-name,
 * batch.kubernetes.io/..., controller-uid, app.kubernetes.io/version,
 * helm.sh/chart and their like, also of custom resources that are in wide use.
 */
bool label_is_volatile(const char *key);

/*
 * Is the key called what names one pod, run, revision or user:
 * tekton.dev/taskRunUID, run_id, hub.jupyter.org/username, pod-name? A
 * spec.selector that has such a key means it; where there is none it must not
 * part what belongs together.
 */
bool label_names_one(const char *key);

/* Is there a UUID or a long hexadecimal number in the value? */
bool label_value_is_id(const char *value);

/* Does the value end as names do that an API server made up, "web-x7k2p"? Those
 * without a digit cannot be told from words. */
bool label_value_is_generated(const char *value);

/* The set without its volatile labels, and those that repeat one; in arena;
 * v is NULL when memory ran out and n is not 0. */
struct label_set label_stable(const struct label_set *set, struct arena *arena);

/* The same without those that name one and those with an id: what pods that no
 * spec.selector selects may be known by. */
struct label_set label_lasting(
    const struct label_set *set, struct arena *arena);

#endif
