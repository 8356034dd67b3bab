/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: reads what `kubectl get … -o json` and `kubectl get pods -A -w
 * --output-watch-events -o json` print into a cluster.
 *
 * One List (also PodList, …), several concatenated, single objects, or watch
 * events ({"type":"ADDED|MODIFIED|DELETED|BOOKMARK|ERROR","object":{…}}), one
 * after the other in any mix. Lists are read item by item: memory does not
 * grow with the size of the file beyond what is kept of it. Items of a typed
 * list carry no kind of their own; it is the list's without "List".
 *
 * States are given earlier first: a later state of an object replaces the
 * earlier, and what a later List of a kind no longer has is marked deleted
 * but keeps its interval. A List does not say what it was asked for: it speaks
 * for the one namespace that it shows, or for all if it shows several.
 */
#ifndef KUBE_SNAPSHOT_H
#define KUBE_SNAPSHOT_H

#include <stdio.h>

#include "kube/cluster.h"

struct snapshot_builder;

/* What was read, for people and tests. */
struct snapshot_stats {
	uint64_t objects, events;
	uint64_t skipped; /* objects of kinds that we have no use for */
	uint64_t lists;
};

RF_MUST_USE enum rf_status snapshot_builder_new(
    struct snapshot_builder **out, struct rf_error *err);
void snapshot_builder_free(struct snapshot_builder *sb);

/*
 * Read one file to its end. name is for messages. RF_CORRUPT names the line,
 * the object and the field of what is wrong (bad JSON, wrong types, a podIP
 * that is none); the builder must then be freed. An object without a name is
 * refused; unknown fields are ignored, as a client must.
 */
RF_MUST_USE enum rf_status snapshot_read(struct snapshot_builder *sb, FILE *f,
    const char *name, struct rf_error *err);

/* The finished cluster, owned by the caller; the builder is spent. */
RF_MUST_USE enum rf_status snapshot_finish(struct snapshot_builder *sb,
    struct cluster **out, struct snapshot_stats *stats, struct rf_error *err);

#endif
