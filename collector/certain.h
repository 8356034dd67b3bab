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
 * a range of the cluster and nobody's or a gone Service's, or in none but
 * private: there are networks whose pods are in no range that the nodes tell.
 */
bool certain_is_early(const struct cluster *c, const struct connection *conn);

/* Are its ends also those of one that is like it and began at latest_us? */
bool certain_is_steady(
    const struct cluster *c, const struct connection *conn, int64_t latest_us);

/* Who has each of its addresses, client and server: a number of a pod, node or
 * Service, whatever process asks; 0: nobody of the cluster. */
struct certain_owners {
	uint64_t of[CONNECTION_LEGS_MAX][2];
};

void certain_owners(const struct cluster *c, const struct connection *conn,
    struct certain_owners *out);

/* Were those the owners by what was known before, and are they still? Who was
 * not known then may be by now. */
bool certain_is_same(const struct cluster *c, const struct connection *conn,
    const struct certain_owners *before);

/*
 * Is the end what it looks like even if c was known to be right only some time
 * before? Pods and nodes come and go. What stays is the node that we run on
 * (own_node, an index or FLOW_NONE), and the world outside as far as no pod can
 * have such an address.
 */
bool certain_is_lasting(
    const struct cluster *c, const struct endpoint *e, uint32_t own_node);

#endif
