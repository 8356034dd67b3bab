/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_sum: rows of flows added up by key, as a database hands them out: in
 * the order of the key, window after window. What comes in order makes a run;
 * runs are merged when the last one has grown to half of the one before, so
 * that each row is moved a few times, and keys that windows share take memory
 * about twice at most. (A hash table waits for memory at each row.)
 *
 * Private to store/. A struct flow here holds row ids; see store/total.h.
 */
#ifndef STORE_FLOW_SUM_H
#define STORE_FLOW_SUM_H

#include "store/internal.h"

#define FLOW_SUM_RUNS 64 /* each more than half as long again as the next */

struct flow_sum {
	struct flow *v; /* one run behind the other */
	size_t n, cap;
	size_t starts[FLOW_SUM_RUNS];
	unsigned n_runs;
	struct flow *spare; /* scratch of a merge */
	size_t cap_spare;
};

/* Of an empty sum, all of it zero. False: out of memory. */
bool flow_sum_add(struct flow_sum *s, const struct flow *f);

/* s->v is now in the order of the key, each key once. */
bool flow_sum_finish(struct flow_sum *s);

void flow_sum_release(struct flow_sum *s);

/* By the key without the window, in ids as the flows have them. */
int flow_sum_compare(const struct flow *a, const struct flow *b);

#endif
