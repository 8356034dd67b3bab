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

#include "core/flow.h"

struct aggregate;

/* max flows and as many endpoints; a power of two. NULL: out of memory. */
struct aggregate *aggregate_new(uint32_t max, uint64_t seed);
void aggregate_free(struct aggregate *a);

/* Is there room for one more flow and the three endpoints it may bring? */
bool aggregate_has_room(const struct aggregate *a);

/* The index of an equal endpoint, added if need be. Needs room. */
uint32_t aggregate_endpoint(struct aggregate *a, const struct endpoint *e);

/* Add f to the flow with the same key (all but sides, counters and times), or
 * as a new one. Needs room. */
void aggregate_flow(struct aggregate *a, const struct flow *f);

const struct endpoint *aggregate_endpoints(const struct aggregate *a,
    size_t *n);

/* The flows; before they are written, what is no part of a sum (the Service)
 * may be filled in, and equal keys may come of it. Then only clear is left. */
struct flow *aggregate_flows(struct aggregate *a, size_t *n);
void aggregate_clear(struct aggregate *a);

#endif
