/* SPDX-License-Identifier: Apache-2.0 */
/*
 * would_drop_count: what the judge of `collect -i` has counted, by policy and
 * by edge, in memory of a fixed size. Private to would_drop.
 */
#ifndef CLI_WOULD_DROP_COUNT_H
#define CLI_WOULD_DROP_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "report/audit.h"

#define DROP_POLICIES_MAX 512   /* label sets */
#define DROP_EDGES_MAX    32768 /* told apart */

struct drop_counter {
	char *namespace, *name; /* of the policy; NULL: free */
	int direction;          /* enum policy_direction */
	uint64_t connections, edges;
};

/* Zeroed to begin with. */
struct drop_counts {
	uint64_t connections[AUDIT_VERDICT_COUNT]; /* by verdict */
	uint64_t edges;      /* would-dropped ones, each once */
	uint64_t edges_lost; /* flows of edges beyond DROP_EDGES_MAX */
	uint64_t other;      /* connections of policies beyond the table */
	struct drop_counter policies[DROP_POLICIES_MAX * 2];
	size_t n_policies;
	uint64_t seen[DROP_EDGES_MAX * 2]; /* hashes of edges; 0: free */
	size_t n_seen;
};

void drop_counts_release(struct drop_counts *d);

/* Is an edge with this hash new? When there is no room it counts as old. */
bool drop_counts_meet(struct drop_counts *d, uint64_t edge);

/* From now on every edge is new. */
void drop_counts_forget(struct drop_counts *d);

/* The counter of a policy, or NULL when there is no room for more. */
struct drop_counter *drop_counts_of(struct drop_counts *d,
    const char *namespace, const char *name, int direction);

/* As metrics, to be followed by others. */
void drop_counts_render(const struct drop_counts *d, struct strbuf *out);

#endif
