/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortcut: which flow a connection belongs to, when one just like it was
 * resolved before.
 *
 * Connections differ in client port, times and counters, of which nothing but
 * the time matters to who they are between; and that only where an address
 * changes hands or a window ends. So most of them are asked for here first.
 * One whose packets alone do not tell direction and outcome is never known. Of
 * a fixed size: the older of two that want one place goes. One thread.
 */
#ifndef COLLECTOR_SHORTCUT_H
#define COLLECTOR_SHORTCUT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/connection.h"
#include "collector/names.h"
#include "kube/cluster.h"

struct shortcut;

/* c and names are borrowed for its life. NULL: out of memory. */
struct shortcut *shortcut_new(const struct cluster *c,
    const struct names *names, int64_t window_us, uint64_t seed);
void shortcut_free(struct shortcut *s);

/* The flows are numbered anew, or c is the cluster from now on: all is new. */
void shortcut_forget(struct shortcut *s, const struct cluster *c);

/* The flow of a connection like this one, or FLOW_NONE. *unresolved: an end of
 * it is unknown. */
uint32_t shortcut_find(
    struct shortcut *s, const struct connection *c, bool *unresolved);

/* The connection that was asked for last went to that flow. */
void shortcut_learn(struct shortcut *s, uint32_t flow, bool unresolved);

#endif
