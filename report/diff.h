/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: what two sets of policies say differently: by their normal forms, on
 * the pods of a cluster, and on the edges that were observed.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include "core/arena.h"
#include "kube/cluster.h"
#include "policy/compare.h"
#include "report/audit.h"

enum diff_kind {
	DIFF_CHANGED, /* of one namespace and name, not of one meaning */
	DIFF_ONLY_A,
	DIFF_ONLY_B,
	DIFF_RENAMED /* the same meaning under another name: no difference */
};

/* What a changed policy does to the pods of the cluster at hand. */
enum diff_effect { DIFF_EFFECT_UNKNOWN, DIFF_EFFECT_SAME, DIFF_EFFECT_DIFFERS };

struct diff_line {
	char sign; /* '-': in A; '+': in B */
	const char *text;
};

struct diff_policy {
	enum diff_kind kind;
	enum diff_effect effect;    /* CHANGED, with a cluster */
	const struct policy *a, *b; /* NULL where it is not there */
	const struct diff_line *lines;
	size_t n_lines;
};

/* One policy set and its forms. */
struct diff_side {
	const struct policy_set *set;
	const struct policy_form *forms;
};

struct diff {
	struct diff_side a, b;
	const struct diff_policy *policies; /* by kind, then by name */
	size_t n_policies;
	size_t n_same;
	size_t counts[DIFF_RENAMED + 1];
};

/* Everything in *out lives in arena and borrows the sets. */
RF_MUST_USE enum rf_status diff_make(struct diff *out,
    const struct policy_set *a, const struct policy_set *b, struct arena *arena,
    struct rf_error *err);

/*
 * Fill in the effects: each changed policy alone, asked about every pod, the
 * edges of every address range and of every port range of both versions.
 * UNKNOWN where that would be too many questions.
 */
RF_MUST_USE enum rf_status diff_find_effects(struct diff *d,
    const struct cluster *c, struct arena *arena, struct rf_error *err);

/* A workload, or with FLOW_NONE an address outside of the cluster. */
struct diff_pair {
	uint32_t src, dst;
	uint16_t port;
	uint8_t protocol;
	bool now_allowed; /* by B and not by A; else the reverse */
};

struct diff_pairs {
	const struct diff_pair *v; /* denied before allowed, from outside
				    * first, then by names */
	size_t n;
	size_t n_denied, n_allowed; /* of all */
	size_t n_asked;
};

/* How many pairs are kept, and how many of all are not. */
#define DIFF_PAIRS_MAX 100000

static inline size_t
diff_pairs_left_out(const struct diff_pairs *p)
{
	return p->n_denied + p->n_allowed - p->n;
}

/* The outside that pairs are asked from: an address of a network that is for
 * documentation (RFC 5737, RFC 3849). */
#define DIFF_OUTSIDE    "192.0.2.1"
#define DIFF_OUTSIDE_V6 "2001:db8::1"

/* Pairs of workloads (one pod of each set of labels) and ports that pods
 * declare or Services lead to. */
RF_MUST_USE enum rf_status diff_find_pairs(struct diff_pairs *out,
    const struct diff *d, const struct cluster *c, struct arena *arena,
    struct rf_error *err);

const char *diff_kind_name(enum diff_kind k);     /* "changed", "only-in-a" */
const char *diff_effect_name(enum diff_effect e); /* NULL for UNKNOWN */

#endif
