/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timely: of the names that DNS gave to an address at different times, those
 * that it had while it was spoken with.
 */
#ifndef CORE_TIMELY_H
#define CORE_TIMELY_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/flow.h"

/*
 * Keep of fs->names, in their order, those that held (from the first answer to
 * the end of the last one's TTL, and five minutes on either side) while some
 * flow of the set went on with their address; all of an address with none
 * such. What is kept lives in arena. False: out of memory, *fs is as it was.
 */
bool timely_names(struct flow_set *fs, struct arena *arena);

#endif
