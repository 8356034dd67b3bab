/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detour: a pod dialled a port of another node, and that node passed the
 * connection on to a pod, most often under its own address.
 *
 * Neither end's policies need see the other end: the client's see the node and
 * the port that was dialled, the server's whoever the node passed it on as. So
 * it is two connections, as it is where each node tells of its own side, also
 * when one capture saw both. Pure.
 */
#ifndef COLLECTOR_DETOUR_H
#define COLLECTOR_DETOUR_H

#include <stdbool.h>

#include "collector/connection.h"
#include "kube/cluster.h"

/*
 * Is conn, whose direction is decided, such a one? Then out[0] is what the
 * client opened, out[1] what came of it behind the node, each with all the
 * counters. conn's own memory is not shared.
 */
bool detour_split(const struct cluster *c, const struct connection *conn,
    struct connection out[2]);

#endif
