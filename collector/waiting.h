/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting: connections that wait until it is known who their ends were, in
 * the order in which they came.
 *
 * A watch is a little late, and an API server may be away for minutes. So that
 * what is waited with fits in memory of a fixed size, connections that differ
 * in nothing but client port, counters and times are one group, of which the
 * first and the last beginning are kept. One thread.
 *
 * All of it is also to be in a database, as rows, so that another process can
 * put it back: for that it is known which groups have none yet or one that says
 * something else, and which rows belong to no group any more.
 */
#ifndef COLLECTOR_WAITING_H
#define COLLECTOR_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/certain.h"
#include "collector/connection.h"

struct waiting;

struct waiting_group {
	struct connection c; /* the first to begin, with the sums of all */
	int64_t latest_us;   /* when the last of them began */
	int64_t since_us;    /* the first waits since then */
	int64_t row;         /* its number, from 1; 0: it has none */
	bool is_stored;      /* the row says what this does */
	bool is_gone;        /* taken, or moved to another place */
	/* By whom it was left that a process before this one put in; NULL: it
	 * is of this one. Borrowed. */
	const struct certain_owners *before;
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

/* Put back a group that a process before this one had put in, with its row;
 * later ones stay apart from it. false: there is no room. */
bool waiting_put_back(struct waiting *w, const struct waiting_group *g);

/* The i-th. Borrowed until the next put or move. */
const struct waiting_group *waiting_at(const struct waiting *w, uint32_t i);

/* The clock was set by by_us: all of it was that much later. */
void waiting_redate(struct waiting *w, int64_t by_us);

/* The i-th was taken. Its row is one of those that belong to nothing. */
void waiting_take(struct waiting *w, uint32_t i);

/* The i-th will have a row of this number that says what it does. */
void waiting_set_row(struct waiting *w, uint32_t i, int64_t row);

/* Rows that belong to nothing any more, until they are forgotten. */
const int64_t *waiting_rows_left(const struct waiting *w, size_t *n);
void waiting_forget_rows(struct waiting *w);

/* Keep the i-th as the k-th, which is not behind it; when all are where they
 * stay, forget those behind the first n. No put in between. */
void waiting_move(struct waiting *w, uint32_t k, uint32_t i);
void waiting_cut(struct waiting *w, uint32_t n);

#endif
