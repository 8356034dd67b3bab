/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direction: which end of a connection is the client, and how sure that is.
 *
 * Handshake first; else the side that is known to listen, by EndpointSlices,
 * Services, declared ports or handshakes seen; else a guess that is called
 * one.
 */
#ifndef COLLECTOR_DIRECTION_H
#define COLLECTOR_DIRECTION_H

#include "collector/connection.h"
#include "collector/listeners.h"
#include "core/flow.h"
#include "kube/cluster.h"

/* Turn c round where its client is the server; returns how sure that is. */
enum flow_certainty direction_decide(struct connection *c,
    const struct cluster *cluster, const struct listeners *learnt);

#endif
