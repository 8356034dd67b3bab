/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate: sums connections into flows, in memory of a fixed size.
 *
 * When it is full its owner writes it out and clears it. One thread.
 */
#ifndef COLLECTOR_AGGREGATE_H
#define COLLECTOR_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"
#include "core/flow.h"

struct aggregate;

/* max flows and as many endpoints; a power of two. NULL: out of memory. */
struct aggregate *aggregate_new(uint32_t max, uint64_t seed);
void aggregate_free(struct aggregate *a);

/* Is there room for n more flows and the three endpoints each may bring? */
bool aggregate_has_room(const struct aggregate *a, uint32_t n);

/* One connection's part of a flow, with its endpoints spelled out. */
struct aggregate_item {
	struct endpoint src, dst, seen_src;
	struct flow flow; /* src, dst and seen_src are not set */
};

/* Add one item to the flow with the same key (all but sides, counters and
 * times), or as a new one. Needs room. Returns the flow's index. */
uint32_t aggregate_add(struct aggregate *a, const struct aggregate_item *item);

/* Bring in what adding to that flow will touch; FLOW_NONE: nothing. */
void aggregate_prefetch(const struct aggregate *a, uint32_t flow);

/* Add a connection to the flow of that index, to which it is known to belong;
 * its sides are already there. */
void aggregate_more(
    struct aggregate *a, uint32_t flow, const struct connection *c);

/* What was summed so far. */
const struct endpoint *aggregate_endpoints(
    const struct aggregate *a, size_t *n);

/* The flows; before they are written, what is no part of a sum (the Service)
 * may be filled in, and equal keys may come of it. Then only clear is left. */
struct flow *aggregate_flows(struct aggregate *a, size_t *n);
void aggregate_clear(struct aggregate *a);

#endif
