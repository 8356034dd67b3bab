/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certain: what of a connection's ends is certain, and what a cluster that is
 * known a little later, or as of another time, may tell otherwise. Pure.
 */
#ifndef COLLECTOR_CERTAIN_H
#define COLLECTOR_CERTAIN_H

#include "collector/connection.h"
#include "core/flow.h"
#include "kube/cluster.h"

/*
 * May a cluster that is known a little later tell more of its ends? One is in
 * a range of the cluster and nobody's, or in none but private: there are
 * networks whose pods are in no range that the nodes tell.
 */
bool certain_is_early(const struct cluster *c, const struct connection *conn);

/* Are its ends also those of one that is like it and began at latest_us? */
bool certain_is_steady(
    const struct cluster *c, const struct connection *conn, int64_t latest_us);

/*
 * Is the end what it looks like even if c was known to be right only some time
 * before? Pods and nodes come and go. What stays is the node that we run on
 * (own_node, an index or FLOW_NONE), and the world outside as far as no pod can
 * have such an address.
 */
bool certain_is_lasting(
    const struct cluster *c, const struct endpoint *e, uint32_t own_node);

#endif
