/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recommend: from observed flows to the policies that allow exactly them.
 *
 * Pure: no I/O, no clock, no globals; the same input gives the same output.
 * What cannot be known is never turned into a rule: it is left out and said
 * (struct recommend_note), or asked for as a decision. Before the result is
 * returned the evaluator replays every flow through the set.
 */
#ifndef RECOMMENDER_RECOMMEND_H
#define RECOMMENDER_RECOMMEND_H

#include "core/arena.h"
#include "core/edge.h"
#include "core/error.h"
#include "core/flow.h"
#include "kube/cluster.h"
#include "policy/policy.h"

struct recommend_options {
	const char *const *namespaces; /* n 0: all that have flows or pods */
	size_t n_namespaces;
	unsigned max_external; /* exact addresses per workload and port
				* before they are merged; 0: default 16 */
	bool allow_metadata;   /* 169.254.169.254 for every workload seen */
	const char *const *metadata_workloads; /* "ns/name" that may reach it */
	size_t n_metadata_workloads;
};

enum recommend_note_kind {
	NOTE_EXCLUDED, /* an edge that deliberately gives no rule */
	NOTE_DECISION, /* an edge that a person must decide: exit status 1 */
	NOTE_REMARK    /* what a reviewer should know of a policy */
};

/* Why; stable words for JSON ("refused", "unknown-address", …). */
struct recommend_note {
	enum recommend_note_kind kind;
	const char *reason;      /* stable word */
	const char *namespace;   /* of the policy concerned, or NULL */
	const char *policy;      /* its name, or NULL */
	const struct edge *edge; /* or NULL */
	const char *text;        /* one sentence for people */
};

/* One policy and the file it belongs in. */
struct recommend_file {
	const char *namespace;
	const char *name; /* "10-frontend.yaml": order is rollout order */
	uint32_t policy;  /* index in the set */
};

struct recommend_proof {
	size_t edges_observed;  /* traffic that touches the chosen namespaces */
	size_t edges_allowed;   /* of them, allowed by the set */
	size_t edges_excluded;  /* of them, on the list of exclusions */
	size_t edges_decisions; /* of them, waiting for a decision */
	size_t rules, rules_needed; /* rules_needed: removing drops an edge */
	size_t rollout_steps;       /* every prefix of them drops nothing */
};

struct recommendation {
	struct policy_set set;
	const struct recommend_file *files; /* in rollout order */
	size_t n_files;
	const struct recommend_note *notes;
	size_t n_notes;
	struct edge_set edges; /* what was considered, notes point into it */
	struct recommend_proof proof;
};

/*
 * RF_CORRUPT means that the proof failed: the set would drop an edge that is
 * neither excluded nor a decision. That is our defect; err names the edge,
 * and nothing may be written. Everything in *out lives in arena and borrows
 * c and fs.
 */
RF_MUST_USE enum rf_status recommend(struct recommendation *out,
    const struct cluster *c, const struct flow_set *fs,
    const struct recommend_options *options, struct arena *arena,
    struct rf_error *err);

#endif
