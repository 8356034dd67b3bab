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

/* Network plugins that do other than the API says; generic: none. */
enum recommend_cni {
	CNI_GENERIC,
	CNI_AWS_VPC,
	CNI_CILIUM,
	CNI_CALICO,
	CNI_KUBE_ROUTER
};

struct recommend_options {
	const char *const *namespaces; /* n 0: all that have flows or pods */
	size_t n_namespaces;
	unsigned max_external; /* exact addresses per workload and port
				* before they are merged; 0: default 16 */
	bool allow_metadata;   /* 169.254.169.254 for every workload seen */
	const char *const *metadata_workloads; /* "ns/name" that may reach it */
	size_t n_metadata_workloads;
	/* Other link-local addresses that may be reached, as text. */
	const char *const *link_local;
	size_t n_link_local;
	unsigned external_budget; /* addresses that merging may cover for each
				   * one observed; 0: default 4 */
	bool external_any; /* beyond max_external: every public address */
	bool public_open;  /* clients from outside: a rule without peers */
	enum recommend_cni cni;
	const struct policy_set *existing; /* that are there, or NULL */
	bool incremental; /* leave out what they allow already */
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

/* What was seen that one rule is there for. */
#define RECOMMEND_SERVICES_MAX 3 /* named in a rule's comment */

struct recommend_evidence {
	bool is_floor;        /* there without an observation: DNS */
	bool is_needed;       /* without it an observed flow is dropped */
	uint64_t connections; /* of the flows that it is first to allow */
	size_t n_edges;       /* of which those flows are */
	int64_t first_us, last_us;
	const struct edge *example;   /* the one with most connections */
	const char *example_text;     /* it in words, or NULL */
	const struct edge *last_edge; /* of the proof: the one counted last */
	/* The Services dialled that the peers' names do not tell; by name. */
	const struct kube_service *services[RECOMMEND_SERVICES_MAX];
	size_t n_services;
	bool more_services;
};

/* One policy and the file it belongs in. */
struct recommend_file {
	const char *namespace;
	const char *name; /* "10-frontend.yaml": order is rollout order */
	uint32_t policy;  /* index in the set */
	const struct recommend_evidence *evidence[2]; /* beside its rules */
};

/* Pods that may connect although nobody saw them do it. */
struct recommend_pair {
	const char *src, *dst; /* "Deployment shop/web" */
	uint8_t protocol;
	uint16_t port, end_port; /* port 0: one that nobody declared or used;
				  * end_port 0: this port alone */
};

/* How sure one can be that what was seen is all there is. */
struct recommend_readiness {
	bool is_ready;
	const char *const *reasons; /* why not, in words */
	size_t n_reasons;
	uint64_t connections; /* that were traffic, of this workload */
	size_t n_edges, n_once;
	double chance;     /* that the next connection is a new edge */
	int64_t newest_us; /* when the last new edge was first seen; 0: none */
};

/* A workload in scope, or several that no label tells apart. */
struct recommend_workload {
	const char *namespace;
	const char *title; /* "Deployment web"; of many "…, … and 3 more" */
	const char *const *members; /* each of them, "Deployment web" */
	size_t n_members;
	uint32_t policy; /* index in the set */
	struct recommend_readiness readiness;
};

struct recommend_proof {
	size_t edges_observed;  /* traffic that touches the chosen namespaces */
	size_t edges_allowed;   /* of them, allowed by the set */
	size_t edges_excluded;  /* of them, on the list of exclusions */
	size_t edges_decisions; /* of them, waiting for a decision */
	size_t rules, rules_needed; /* rules_needed: removing drops an edge */
	size_t rollout_steps;       /* every prefix of them drops nothing */
	/* Workloads, ports that are declared, used or written, and one that
	 * is not: which pairs may connect, both sides together. */
	size_t pairs_observed, pairs_dns;    /* allowed because seen, for DNS */
	const struct recommend_pair *beyond; /* the rest, in stable order */
	size_t n_beyond;
};

/* A policy of the namespaces in scope that is there already. */
struct recommend_existing {
	const char *namespace, *name;
	bool is_replaced; /* one of ours bears the same name */
};

/* What the recommendation changes, where existing policies were given. */
struct recommend_change {
	const struct recommend_existing *policies; /* in their order */
	size_t n_policies;
	bool is_incremental;                /* ours rely on those that stay */
	size_t edges_allowed, edges_denied; /* of those observed, by them */
	/* Pairs that may connect beyond observation while they stay. */
	const struct recommend_pair *beyond;
	size_t n_beyond;
};

/* For how long the cluster was watched. */
#define RECOMMEND_WEEK_HOURS 168

struct recommend_span {
	int64_t from_us, to_us; /* of all captures; both 0: none */
	int64_t watched_us;     /* of it, at least one capture ran */
	unsigned hours_of_week; /* of 168 (UTC), any part of which was */
	uint64_t packets, dropped;
	uint64_t connections, unowned; /* see struct coverage */
};

struct recommendation {
	struct policy_set set;
	const struct recommend_file *files; /* in rollout order */
	size_t n_files;
	const struct recommend_note *notes;
	size_t n_notes;
	struct edge_set edges; /* what was considered, notes point into it */
	struct recommend_proof proof;
	const struct recommend_workload *workloads; /* in scope, by name */
	size_t n_workloads;
	struct recommend_span span;
	struct recommend_change change;
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
