/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unite_part: one input of store_unite. Private to store/.
 */
#ifndef STORE_UNITE_PART_H
#define STORE_UNITE_PART_H

#include "store/unite.h"

/* Beside captures, whose digests are never 0, the mark of what we wrote. */
#define UNITED_DIGEST 0
#define UNITED_NAME   "ringfence merge"

/* One input, and where its objects are in the united cluster. */
struct unite_part {
	struct store *s;
	const char *name;
	struct cluster *c;
	struct arena arena;    /* of all below */
	struct flow_set notes; /* names and coverage */
	struct flow_set now;   /* the flows of the window at hand */
	uint32_t *nodes, *workloads, *pods, *services;
	uint32_t viewpoint;
	uint32_t node;    /* that it was captured on; FLOW_NONE: not told */
	int64_t known_us; /* until when it observed, and knew of what */
	int64_t sure_us;  /* a pod that it does not know the end of was there
			   * until then; TIME_MAX_US: and still is */
	int64_t window_us;
	bool has_window;
};

/* What is known of the input: its objects, names and coverage. */
RF_MUST_USE enum rf_status part_open(
    struct unite_part *p, const struct unite_input *in, struct rf_error *err);
void part_close(struct unite_part *p);

/* For qsort: oldest first; the name only decides where time does not. */
int part_compare(const void *x, const void *y);

/* RF_INVAL: both hold what one capture point saw. */
RF_MUST_USE enum rf_status part_check(const struct unite_part *a,
    const struct unite_part *b, struct rf_error *err);

/* The node that an input was captured on, or NULL: not told, or several. */
const char *part_node(const struct unite_part *p);

/* Give those who pods were before they were relabelled one name in all of
 * them, the oldest input first. false: out of memory. */
bool part_name_pods(struct unite_part *parts, size_t n_parts);

/* Find its objects in the united cluster, whose pods part_sort_pods put into
 * order. */
RF_MUST_USE enum rf_status part_map(struct unite_part *p,
    const struct cluster *c, const uint32_t *order, struct rf_error *err);

/* For free(). NULL: out of memory. */
uint32_t *part_sort_pods(const struct cluster *c);

#endif
