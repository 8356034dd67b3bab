/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting: connections that wait until it is known who their ends were, in
 * the order in which they came.
 *
 * A watch is a little late, and an API server may be away for minutes. So that
 * what is waited with fits in memory of a fixed size, connections that differ
 * in nothing but client port, counters and times are one group, of which the
 * first and the last beginning are kept. One thread.
 */
#ifndef COLLECTOR_WAITING_H
#define COLLECTOR_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"

struct waiting;

struct waiting_group {
	struct connection c; /* the first to begin, with the sums of all */
	int64_t latest_us;   /* when the last of them began */
	int64_t since_us;    /* the first waits since then */
};

/* max: groups, a power of two. window_us: no group reaches over the bounds of
 * such windows. NULL: out of memory. */
struct waiting *waiting_new(uint32_t max, int64_t window_us, uint64_t seed);
void waiting_free(struct waiting *w);

/* Groups, and the connections in them. */
uint32_t waiting_count(const struct waiting *w);
uint64_t waiting_connections(const struct waiting *w);
/* Is half of the room taken? */
bool waiting_is_filling(const struct waiting *w);

/* Put it in, from now_us on: to a group that then begins within span_us, or as
 * a new one. false: there is no room for one. */
bool waiting_put(struct waiting *w, const struct connection *c, int64_t now_us,
    int64_t span_us);

/* The i-th. Borrowed until the next put or move. */
const struct waiting_group *waiting_at(const struct waiting *w, uint32_t i);

/* The clock was set by by_us: all of it was that much later. */
void waiting_redate(struct waiting *w, int64_t by_us);

/* Keep the i-th as the k-th, which is not behind it; when all are where they
 * stay, forget those behind the first n. No put in between. */
void waiting_move(struct waiting *w, uint32_t k, uint32_t i);
void waiting_cut(struct waiting *w, uint32_t n);

#endif
