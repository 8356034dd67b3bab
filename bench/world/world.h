/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: a cluster with flows that the benchmarks share. Workloads of
 * WORLD_PODS pods each in 50 namespaces, random flows between pods on one of
 * five ports of the destination, one in twenty from outside. The same sizes
 * give the same world. Runs out of memory by ending the program.
 */
#ifndef BENCH_WORLD_WORLD_H
#define BENCH_WORLD_WORLD_H

#include "core/flow.h"
#include "kube/cluster.h"
#include "policy/policy.h"

#define WORLD_PODS      2 /* of each workload */
#define WORLD_OUTSIDE   500
#define WORLD_PORTS     5
#define WORLD_WORKLOADS 1000000 /* at most */

struct world {
	struct cluster *c;
	struct endpoint *endpoints; /* pods by index, then those outside */
	size_t n_endpoints;
	struct flow *flows;
	size_t n_flows;
	uint64_t seed;
};

/* False for sizes that cannot be. */
bool world_make(struct world *w, size_t n_workloads, size_t n_flows);
void world_free(struct world *w);

uint32_t world_below(struct world *w, size_t n);

/* Zeroed memory that lives as long as w. */
void *world_get(struct world *w, size_t n, size_t size);

/*
 * One policy with both directions for each of the first n workloads: a rule
 * for each port with the peers that were seen there, of which each is missing
 * with a chance of one in miss_one_in (0: none is). Lives as long as w.
 */
struct policy_set world_policies(struct world *w, size_t n, size_t miss_one_in);

/* CPU seconds of this process so far. */
double world_cpu(void);

/* Peak resident memory of this process, in MiB. */
long world_peak(void);

#endif
