/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortcut: which flow a connection belongs to, when one just like it was
 * resolved before.
 *
 * Connections differ in client port, times and counters, of which nothing but
 * the time matters to who they are between; and that only where an address
 * changes hands or a window ends. So most of them are asked for here first,
 * when it was decided which end is the client. One that only the kernel told
 * of is never known, nor one whose outcome hangs on what was learnt of
 * interfaces. Of a fixed size: the older of those that want one place goes.
 * One thread.
 */
#ifndef COLLECTOR_SHORTCUT_H
#define COLLECTOR_SHORTCUT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/connection.h"
#include "collector/names.h"
#include "core/flow.h"
#include "kube/cluster.h"

struct shortcut;

/* c and names are borrowed for its life. NULL: out of memory. */
struct shortcut *shortcut_new(const struct cluster *c,
    const struct names *names, int64_t window_us, uint64_t seed);
void shortcut_free(struct shortcut *s);

/* The flows are numbered anew, or c is the cluster from now on: all is new. */
void shortcut_forget(struct shortcut *s, const struct cluster *c);

/*
 * What matters of one leg, and of a connection; of its legs the first, as most
 * have but one. In whole words, as it is hashed right after: what was written
 * in smaller parts would have to be in memory before it can be read as one.
 */
struct shortcut_leg {
	struct ip_addr client, server;
	uint64_t way; /* the server's port, where it was last seen to leave */
};

struct shortcut_key {
	uint64_t time; /* its window, and span in which no address changes
			* hands */
	uint64_t what; /* how many legs, and what was seen of it */
	struct shortcut_leg leg;
};

/* A connection that is asked for: the shortcut's own, until it is learnt. */
struct shortcut_ask {
	const struct connection *c; /* NULL: not one to be known; borrowed */
	enum flow_certainty certainty;
	uint32_t era;
	uint32_t place;
	struct shortcut_key key;
};

/* Ask for a connection whose direction is decided, and bring in the place where
 * it is looked for. */
void shortcut_ask(struct shortcut *s, const struct connection *c,
    enum flow_certainty certainty, struct shortcut_ask *ask);

/* Its flow, which most likely is the answer, or FLOW_NONE: only a hint. */
uint32_t shortcut_guess(
    const struct shortcut *s, const struct shortcut_ask *ask);

/* The flow of a connection like this one, or FLOW_NONE. *unresolved: an end of
 * it is unknown. */
uint32_t shortcut_find(
    struct shortcut *s, struct shortcut_ask *ask, bool *unresolved);

/* The connection that was asked for, and not found, went to that flow. */
void shortcut_learn(struct shortcut *s, const struct shortcut_ask *ask,
    uint32_t flow, bool unresolved);

#endif
