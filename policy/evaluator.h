/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluator: NetworkPolicy v1 exactly as SEMANTICS numbers it.
 *
 * A policy set is compiled once against a cluster; queries then allocate
 * nothing, so one compiled evaluator may be asked from several threads, each
 * with its own query and answer. The set and the cluster are borrowed for
 * the evaluator's life.
 */
#ifndef POLICY_EVALUATOR_H
#define POLICY_EVALUATOR_H

#include "core/error.h"
#include "kube/cluster.h"
#include "policy/policy.h"

struct evaluator;

/* One end of a connection: a pod, or an address that is none. */
struct evaluator_end {
	uint32_t pod;      /* index in the cluster's pods, or FLOW_NONE */
	struct ip_addr ip; /* the address of this very connection (35) */
};

struct evaluator_query {
	struct evaluator_end src, dst; /* dst after every DNAT (53) */
	/* The source as dst sees it, after SNAT: a node's address, with pod
	 * FLOW_NONE. Equal to src where nothing was rewritten. */
	struct evaluator_end seen_src;
	uint16_t port; /* on dst */
	uint8_t protocol;
};

enum evaluator_verdict {
	EVAL_ALLOW,        /* isolated, and a rule allows it */
	EVAL_DENY,         /* isolated, and no rule allows it */
	EVAL_NOT_ISOLATED, /* a pod that no policy isolates in that direction */
	EVAL_NOT_SUBJECT   /* no pod, or hostNetwork: its side allows (29) */
};

/*
 * Why a side is allowed, beside the verdict (bits); 0 for any other verdict.
 * The first two allow whatever the rules say, of an isolated pod. The others
 * mean that plugins may differ: they are set only when no rule allows without
 * them.
 */
enum evaluator_flag {
	EVAL_SELF = 1,           /* a pod to itself (49) */
	EVAL_NODE_LOCAL = 2,     /* from or to the pod's own node (50, 51) */
	EVAL_BLOCK_ON_POD = 4,   /* by an ipBlock over a pod address (38) */
	EVAL_NAME_AMBIGUOUS = 8, /* by a port name with several numbers (45) */
	EVAL_NAME_SIDECAR = 16   /* by a port name of a sidecar (46) */
};

struct evaluator_side {
	enum evaluator_verdict verdict;
	unsigned flags;
	uint32_t policy, rule; /* ALLOW by a rule: the first that allows, in
				* set order; else FLOW_NONE */
};

struct evaluator_answer {
	struct evaluator_side egress, ingress;
	bool allowed; /* neither side denies */
};

RF_MUST_USE enum rf_status evaluator_new(struct evaluator **out,
    const struct policy_set *set, const struct cluster *c,
    struct rf_error *err);
void evaluator_free(struct evaluator *e);

void evaluator_ask(const struct evaluator *e, const struct evaluator_query *q,
    struct evaluator_answer *answer);

/* Only whether it is allowed; stops at the first side that is denied. */
bool evaluator_allows(
    const struct evaluator *e, const struct evaluator_query *q);

/* A rule of a policy of the set, in the direction that is spoken of. */
struct evaluator_rule {
	uint32_t policy, rule;
};

/* All rules that let one side pass, in set order. */
struct evaluator_hits {
	struct evaluator_rule *v; /* with room for as many as the set has */
	size_t n;
};

/*
 * One side alone; hits, unless NULL, receives each rule that allows it: also
 * where the side is exempt from policies (EVAL_SELF, EVAL_NODE_LOCAL).
 * Whoever asks much asks about one subject after the other: what policies say
 * of it is then at hand.
 */
void evaluator_ask_side(const struct evaluator *e,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_side *side, struct evaluator_hits *hits);

/*
 * The policies that isolate the pod in that direction: indices into the set,
 * ascending; *n of them. Borrowed from the evaluator. None for FLOW_NONE and
 * hostNetwork pods.
 */
const uint32_t *evaluator_isolating(const struct evaluator *e, uint32_t pod,
    enum policy_direction d, size_t *n);

/*
 * Does that rule of that policy allow the query on its side? For proving
 * that a rule is needed. The policy
 * must apply to the pod on that side; what is exempt from policies anyway
 * (EVAL_SELF, EVAL_NODE_LOCAL) is not looked at.
 */
bool evaluator_rule_allows(const struct evaluator *e, uint32_t policy,
    enum policy_direction d, uint32_t rule, const struct evaluator_query *q);

/*
 * Pods that no selector of the set tells apart are one class; classes are
 * numbers below evaluator_classes. FLOW_NONE: of a hostNetwork pod.
 */
uint32_t evaluator_classes(const struct evaluator *e);
uint32_t evaluator_class(const struct evaluator *e, uint32_t pod);

/* Call each with every class that selectors among the peers of that rule
 * match. None where the policy isolates nothing in that direction. */
void evaluator_rule_classes(const struct evaluator *e, uint32_t policy,
    enum policy_direction d, uint32_t rule,
    void (*each)(void *ctx, uint32_t number), void *ctx);

/* What a rule lacks to match (bits). Higher ones are farther away. */
enum evaluator_lack {
	EVAL_LACKS_PORT = 1,
	EVAL_LACKS_LABEL = 2, /* on the pod at the other end */
	EVAL_LACKS_PROTOCOL = 4,
	EVAL_LACKS_NAMESPACE = 8,
	EVAL_LACKS_CIDR = 16,
	EVAL_LACKS_POD = 32 /* the other end is no pod that selectors see */
};

/* The nearest miss: the rule that came closest to allowing a denied side, and
 * the one condition that failed. */
struct evaluator_miss {
	uint32_t policy, rule; /* FLOW_NONE: no rule exists at all */
	unsigned lacks;        /* enum evaluator_lack; 0 without a rule */
	char text[256]; /* "allow-web, ingress rule 1: peer matches, port 8080
			 * is not 8081"; printable ASCII, rules from 1 */
};

void evaluator_nearest_miss(const struct evaluator *e,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_miss *miss);

#endif
