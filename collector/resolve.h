/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: from a connection's addresses to who talked to whom.
 *
 * Decides direction and certainty, orders the legs into what was dialled and
 * what was reached, resolves addresses with the connection's own time, and
 * names the outcome. What cannot be known comes out as ENDPOINT_UNKNOWN or
 * CERTAINTY_GUESSED. No I/O; learns listeners and interfaces as it goes.
 */
#ifndef COLLECTOR_RESOLVE_H
#define COLLECTOR_RESOLVE_H

#include "collector/aggregate.h"
#include "collector/connection.h"
#include "collector/names.h"
#include "core/flow.h"
#include "kube/cluster.h"

struct resolver;

/* c and names are borrowed for the resolver's life. NULL: out of memory. */
struct resolver *resolver_new(const struct cluster *c,
    const struct names *names, int64_t window_us, uint64_t seed);
void resolver_free(struct resolver *r);

/*
 * From now on the cluster is c; the one before is still there to be read.
 * What was learnt of listeners and, while the nodes are the same, of
 * interfaces stays.
 */
void resolver_set_cluster(struct resolver *r, const struct cluster *c);

/* A connection whose direction is decided: is it two of them (collector/
 * detour.h)? The parts then stand for it. */
bool resolver_split(const struct resolver *r, const struct connection *c,
    struct connection parts[2]);

void resolver_resolve(
    struct resolver *r, const struct connection *c, struct aggregate_item *out);

/* Decide the direction of c alone, turning it round where its client is the
 * server; returns how sure that is … */
enum flow_certainty resolver_direct(
    const struct resolver *r, struct connection *c);

/* … and do the rest: together they are resolver_resolve. */
void resolver_resolve_directed(struct resolver *r, const struct connection *c,
    enum flow_certainty certainty, struct aggregate_item *out);

/*
 * The same for a connection as of whose time the cluster is not known: ends
 * that are not lasting (collector/certain.h) come out as ENDPOINT_UNKNOWN,
 * each with its address. A Service that was dialled is told.
 */
void resolver_resolve_unowned(struct resolver *r, const struct connection *c,
    uint32_t own_node, struct aggregate_item *out);

/*
 * Name the headless Service under which the flow's client found its server, if
 * by now such an answer was seen; what has a Service is left alone. A name is
 * cached for longer than one connection, so this is asked as late as can be.
 */
void resolver_name_service(const struct resolver *r, struct flow *f,
    const struct endpoint *src, const struct endpoint *dst);

#endif
