/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge: flows summed over all windows and over the pods of a workload.
 *
 * What is one edge: the same face of source and destination (a workload, a
 * node, an external or unknown address), protocol, pod port, dialled Service
 * and port, outcome and certainty. The flows of an edge differ in pods,
 * addresses, SNAT and window; a verdict is asked for each of them.
 */
#ifndef CORE_EDGE_H
#define CORE_EDGE_H

#include "core/arena.h"
#include "core/flow.h"

struct edge {
	const struct endpoint *src, *dst; /* one of the faces' endpoints */
	const struct flow *const *flows;  /* its flows, in a stable order */
	size_t n_flows;
	uint32_t service;
	uint16_t service_port;
	uint16_t port;
	uint8_t protocol, outcome, certainty;
	bool is_rewritten; /* of some flow: seen_src is not src */
	uint64_t connections, packets, bytes;
	int64_t first_us, last_us;
};

struct edge_set {
	struct edge *edges; /* whoever has the set may put them in order */
	size_t n_edges;
};

/*
 * Roll the flows of fs up. Everything in *out lives in arena and borrows fs.
 * The order is by the edges' key, hence the same for the same content when
 * the indices are; report/ sorts by name before it prints.
 */
RF_MUST_USE enum rf_status edge_roll_up(struct edge_set *out,
    const struct flow_set *fs, struct arena *arena, struct rf_error *err);

/* Total order by face: 0 for the same workload, node, external or unknown
 * address. */
int endpoint_compare_face(const struct endpoint *a, const struct endpoint *b);

/* Traffic that policies must allow: established, oneway or midstream. */
bool outcome_is_traffic(unsigned outcome);

#endif
