/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summing: connections become parts of flows, each resolved only where none
 * just like it was before.
 *
 * What an aggregate of it has is the same as if each had been resolved. One
 * thread.
 */
#ifndef COLLECTOR_SUMMING_H
#define COLLECTOR_SUMMING_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/aggregate.h"
#include "collector/connection.h"
#include "collector/resolve.h"
#include "collector/shortcut.h"

struct summing {
	struct resolver *resolver; /* borrowed, as is shortcut */
	struct shortcut *shortcut;
};

/* What came of one connection. */
struct summed {
	bool unresolved; /* an end of it is unknown */
	bool guessed;    /* so is which of them is the client */
};

/* Of up to CONNECTION_BATCH connections that will be added to a in a moment:
 * bring in what that will read. asks: one for each of them. */
void summing_bring(const struct summing *s, const struct aggregate *a,
    const struct connection *v, size_t n, struct shortcut_ask *asks);

/*
 * Add c to a. ask is what summing_bring made of it, or NULL. false: there is no
 * room for another flow in a, and nothing was done.
 */
bool summing_add(const struct summing *s, struct aggregate *a,
    const struct connection *c, struct shortcut_ask *ask, struct summed *did);

#endif
