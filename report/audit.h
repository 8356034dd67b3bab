/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: what a set of policies says of every observed edge.
 *
 * The evaluator is asked for each flow of an edge (each pair of addresses);
 * the worst answer is the edge's. Nothing firm is said where nothing firm can
 * be known: an end whose owner is unknown, a direction that was guessed, a
 * pod that reaches itself through its Service (SEMANTICS 49).
 */
#ifndef REPORT_AUDIT_H
#define REPORT_AUDIT_H

#include "core/arena.h"
#include "core/error.h"
#include "kube/cluster.h"
#include "policy/evaluator.h"
#include "policy/policy.h"
#include "report/usage.h"
#include "report/view.h"
#include "report/view_filter.h"

/* Worst first: the least of an edge's flows is the edge's. */
enum audit_verdict {
	AUDIT_WOULD_DROP,
	AUDIT_UNKNOWN,
	AUDIT_ALLOWED,
	AUDIT_NOT_ENFORCEABLE /* no end is a pod that policies can isolate */
};
#define AUDIT_VERDICT_COUNT 4

/* Why a verdict is UNKNOWN. */
enum audit_reason {
	AUDIT_CLEAR,           /* it is not */
	AUDIT_UNKNOWN_ADDRESS, /* who one of the ends was is not known */
	AUDIT_NO_BACKEND,      /* which pods may have answered is not known */
	AUDIT_HAIRPIN,         /* to itself through its Service, no rule */
	AUDIT_REWRITTEN,       /* its own node rewrote who came in, whom no
				* rule allows */
	AUDIT_GUESSED          /* who opened the connection was guessed */
};

struct audit_rule {
	uint32_t policy, rule; /* indices into the set, into its rules */
};

/* One side over all flows of the edge: DENY before ALLOW before NOT_ISOLATED
 * before NOT_SUBJECT. */
struct audit_side {
	enum evaluator_verdict verdict;
	unsigned flags;           /* enum evaluator_flag, of all flows */
	const uint32_t *policies; /* ALLOW: that allow; DENY: that isolate */
	size_t n_policies;
	const struct audit_rule *rules; /* ALLOW: each rule that allows */
	size_t n_rules;
	const char *nearest_miss; /* DENY: of the first flow denied, or "" */
};

struct audit_edge {
	const struct view_edge *view;
	enum audit_verdict verdict;
	enum audit_reason reason;
	struct audit_side sides[2]; /* by enum policy_direction */
	/* Flows (pairs of addresses) of the edge, and of them with verdict
	 * WOULD_DROP and UNKNOWN. */
	size_t pairs, pairs_dropped, pairs_unknown;
	uint64_t connections_dropped;
	bool is_traffic; /* edges that are not are never counted below */
};

struct audit {
	const struct audit_edge *edges; /* in the view's order */
	size_t n_edges;
	const struct policy_set *set;
	const struct flow_set *flows;
	const struct cluster *cluster;
	struct usage usage;                 /* over all edges of the view */
	size_t counts[AUDIT_VERDICT_COUNT]; /* traffic, by verdict */
	size_t n_not_traffic;               /* reported, not counted */
	uint64_t connections_dropped;       /* of counted edges */
};

/* Pure. Everything in *out lives in arena and borrows the rest. */
RF_MUST_USE enum rf_status audit_run(struct audit *out, const struct view *v,
    const struct cluster *c, const struct policy_set *set, struct arena *arena,
    struct rf_error *err);

/*
 * Keep the edges that pass, and count them anew. What rules and policies are
 * used for stays: that a filter hides a use does not make it none.
 */
RF_MUST_USE enum rf_status audit_narrow(struct audit *a,
    const struct view_filter *f, struct arena *arena, struct rf_error *err);

/* Stable words: "would-drop", …; "unknown-address", … and NULL for CLEAR. */
const char *audit_verdict_name(enum audit_verdict v);
const char *audit_reason_name(enum audit_reason r);

#endif
