/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_look: which pods two versions of a policy cannot tell apart, so that not
 * every one needs to be asked about.
 *
 * An address of a pod looks like another's where the same rules of either
 * version match both pods, both are isolated or neither, both give the same
 * names to the same ports, and no edge of an address range lies between them.
 * Private to report/diff*.c. Memory is the arena's.
 */
#ifndef REPORT_DIFF_LOOK_H
#define REPORT_DIFF_LOOK_H

#include "core/arena.h"
#include "policy/evaluator.h"

/* The same for all policies: a number of each pod's ports. */
struct diff_likeness {
	const struct cluster *c;
	uint32_t *ports; /* by pod */
};

/* false: out of memory. */
bool diff_likeness_make(
    struct diff_likeness *out, const struct cluster *c, struct arena *arena);

struct diff_looker;

struct diff_looks {
	const struct diff_likeness *like;
	const struct evaluator *versions[2];
	struct arena *arena;
	uint64_t *marks[2];    /* by version, then class of pods */
	struct ip_addr *edges; /* where ranges begin, and what is behind them */
	size_t n_edges, cap_edges;
	struct diff_looker *lookers;
	size_t n_slots; /* a power of two */
};

/* Evaluators of one policy each; edges may follow. */
void diff_looks_init(struct diff_looks *l, const struct diff_likeness *like,
    const struct evaluator *const versions[2], struct arena *arena);
/* false, here and below: out of memory. */
bool diff_looks_add_edge(struct diff_looks *l, const struct ip_addr *ip);
/* All edges are there. */
bool diff_looks_make(struct diff_looks *l, const struct policy *const p[2]);

/*
 * Is this pod one of the first max, at most 2, that look so by that address?
 * apart: what else tells it from others, or FLOW_NONE.
 */
bool diff_looks_first(struct diff_looks *l, uint32_t pod,
    const struct ip_addr *ip, uint32_t apart, unsigned max);
/* Begin with the first again. */
void diff_looks_forget(struct diff_looks *l);

#endif
