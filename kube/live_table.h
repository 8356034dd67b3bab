/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_table: the pruned objects of a cluster as they are now, and for a
 * while those that are gone.
 *
 * Objects are kept as text, which is compact, comes and goes one by one, and
 * is turned into a cluster when somebody asks. What is gone stays until it is
 * old or there is too much of it, so that flows which end later still find
 * who it was.
 */
#ifndef KUBE_LIVE_TABLE_H
#define KUBE_LIVE_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "kube/cluster.h"

struct live_object {
	struct live_object *next; /* of the same slot, or the next one gone */
	size_t resource;
	uint64_t mark;             /* of the last list that held it */
	int64_t since_us, gone_us; /* as in struct snapshot_item */
	const char *key, *name;    /* in text, behind the JSON */
	size_t len;
	char text[]; /* the JSON, key (uid), "namespace/name" */
};

struct live_table {
	struct live_object **slots;
	size_t n_slots, n;
	struct live_object *gone, **gone_end; /* earlier first */
	size_t n_gone;
	bool is_changed; /* something is other than when this was unset */
	uint64_t seed;
};

RF_MUST_USE enum rf_status live_table_init(
    struct live_table *t, uint64_t seed, struct rf_error *err);
void live_table_release(struct live_table *t);

/* The state before was last known at known_us, and this one is at now_us. */
struct live_time {
	int64_t known_us, now_us;
};

/*
 * As read at now_us, when the state before was last known at known_us; where
 * the object tells when it was last written, that says more.
 */
struct live_time live_time_of(
    const json_t *object, int64_t known_us, int64_t now_us);

/*
 * The state of an object, which may be that before. A pod whose addresses,
 * labels or owner have changed leaves its former self behind as gone.
 */
RF_MUST_USE enum rf_status live_table_put(struct live_table *t, size_t resource,
    json_t *object, uint64_t mark, struct live_time when, struct rf_error *err);

/* It is gone, at gone_us. keep: it stays among those that are gone. */
RF_MUST_USE enum rf_status live_table_remove(struct live_table *t,
    size_t resource, json_t *object, int64_t gone_us, bool keep,
    struct rf_error *err);

/* The same of one whose last state is of no use: as it was before. */
void live_table_drop(struct live_table *t, size_t resource,
    const json_t *object, int64_t gone_us, bool keep);

/* All of a resource that do not carry mark are gone. Returns how many. */
size_t live_table_sweep(struct live_table *t, size_t resource, uint64_t mark,
    int64_t gone_us, bool keep);

/* Forget what is gone for longer than keep_us, and the oldest beyond max;
 * returns how many of the latter. What will be gone much later than now went
 * by a clock that was wrong: it is forgotten, too. */
size_t live_table_forget(
    struct live_table *t, int64_t now_us, int64_t keep_us, size_t max);

/* The cluster of what is there and what is gone; *bytes: of their text. */
RF_MUST_USE enum rf_status live_table_build(const struct live_table *t,
    struct cluster **out, uint64_t *bytes, struct rf_error *err);

/* All that are there, by resource and name; n of them, to be freed. NULL: out
 * of memory. */
struct live_object **live_table_sorted(const struct live_table *t);

#endif
