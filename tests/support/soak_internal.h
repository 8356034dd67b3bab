/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak_internal: what soak_world.c and soak_judge.c share.
 */
#ifndef TESTS_SUPPORT_SOAK_INTERNAL_H
#define TESTS_SUPPORT_SOAK_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>

#include "collector/daemon.h"
#include "kube/live_prune.h"
#include "kube/live_table.h"
#include "tests/support/soak_world.h"

#define SOAK_SECOND    ((int64_t)1000000)
#define SOAK_WINDOW    (3600 * SOAK_SECOND)
#define SOAK_START     (1767225600 * SOAK_SECOND) /* 2026-01-01T00:00:00Z */
#define SOAK_WORKLOADS 200
#define SOAK_CLUSTERS  8
/* Addresses that wait for their next pod. */
#define SOAK_SPARE 8

struct soak_pod {
	unsigned serial, address;
	int64_t started_us;
};

/* One connection: in which window, from which workload to which, or to the
 * world outside (the number behind the last workload). */
struct soak_truth {
	int64_t window_us;
	unsigned src, dst;
};

struct soak_world {
	struct soak_config config;
	char path[256];
	int64_t true_us, off_us; /* the node's clock shows the sum */
	uint64_t random, n_steps, n_connections;
	struct soak_pod pods[SOAK_WORKLOADS];
	unsigned spare[SOAK_SPARE], next_spare;
	struct live_pruner pruner;
	struct live_table table;
	uint64_t mark;
	struct {
		struct cluster *c;
		unsigned users;
	} clusters[SOAK_CLUSTERS];
	unsigned newest;
	uint64_t generation;
	int64_t known_us;
	struct soak_truth *truth;
	size_t n_truth, max_truth;
	struct store *store;
	struct daemon *d;
	struct daemon_stats before; /* at the last measure */
};

static inline void
soak_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "soak: %s\n", what);
	abort();
}

#endif
