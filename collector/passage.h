/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passage: is an interface one pod's own, so that a packet that left on it
 * was delivered?
 *
 * A bridge shows copies that are dropped behind it; only the last interface,
 * which leads to one pod, proves delivery. Learnt from where packets went: an
 * interface on which they left for two pods is no pod's own. A pod is known by
 * its first address, which outlives its index. Interfaces are
 * told apart by the server's node too: a capture may be merged from many nodes,
 * whose interface numbers collide. Of a fixed size, for weeks: when it is full
 * what leads to one pod is learnt anew.
 */
#ifndef COLLECTOR_PASSAGE_H
#define COLLECTOR_PASSAGE_H

#include <stdbool.h>

#include "collector/connection.h"
#include "core/flow.h"
#include "kube/cluster.h"

struct passage;

struct passage *passage_new(void); /* NULL: out of memory */
void passage_free(struct passage *p);

/* Forget every interface. */
void passage_forget(struct passage *p);

/* Note where the leg's packets left for its server, a workload of c. */
void passage_learn(struct passage *p, const struct connection_leg *leg,
    const struct cluster *c, const struct endpoint *server);

/*
 * Was what the client sent delivered to server? Its last packets left on an
 * interface of the server's own, at one capture point or the other: clocks
 * differ, so the client's node may seem the later one. Where no interface is
 * told (by an old link
 * type of tcpdump) it is enough that they left, and where not even that is,
 * that they were seen.
 */
bool passage_delivered(const struct passage *p, const struct connection *of,
    const struct connection_leg *leg, const struct cluster *c,
    const struct endpoint *server);

#endif
