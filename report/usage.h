/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: which rules of a set of policies let through anything that was
 * observed, and which policies select no pod at all.
 *
 * A rule is used when it allows its side of a flow that is traffic, whatever
 * the other side says and whether or not another rule allows it too. Doubt
 * counts as use: a flow whose backend, direction or far end is not known uses
 * every rule that may have allowed it. That a rule was not used in a short
 * time proves little, so the time goes with it.
 */
#ifndef REPORT_USAGE_H
#define REPORT_USAGE_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/flow.h"
#include "core/strbuf.h"
#include "kube/cluster.h"
#include "policy/evaluator.h"
#include "policy/policy.h"

struct usage_rule {
	uint32_t policy; /* in the set */
	enum policy_direction direction;
	uint32_t rule; /* in the policy's rules of that direction */
};

/* Every rule of a set under one number: by policy, ingress before egress. */
struct usage_index {
	const struct usage_rule *rules;
	size_t n_rules;
	const size_t *base[2]; /* by direction, then policy: of its rule 0 */
};

/* Why a policy isolates nothing. */
enum usage_idle_reason {
	IDLE_EMPTY,       /* no pod is known in its whole namespace */
	IDLE_NO_POD,      /* its selector matches nothing that is known */
	IDLE_NO_POD_YET,  /* only the template of a workload without pods */
	IDLE_HOST_NETWORK /* only hostNetwork pods, which policies do not see */
};

struct usage_idle {
	uint32_t policy;
	enum usage_idle_reason reason;
	uint32_t workload; /* NO_POD_YET: the first of them, else FLOW_NONE */
};

struct usage_span {
	int64_t from_us, to_us; /* first to last capture; equal: none */
	int64_t observed_us;    /* of it, what some capture covers */
};

struct usage {
	/* Policies with rules of which none was used. One without rules has
	 * nothing to use: it is there to isolate. */
	uint32_t *policies;
	size_t n_policies;
	struct usage_rule *rules; /* unused; those policies' too */
	size_t n_rules;
	struct usage_idle *idle;
	size_t n_idle;
	struct usage_span span;
};

/* What usage_make looks at; borrowed. used is by usage_index. */
struct usage_input {
	const struct policy_set *set;
	const struct cluster *cluster;
	const struct evaluator *evaluator;
	const struct flow_set *flows;
	const struct usage_index *index;
	const bool *used;
};

RF_MUST_USE enum rf_status usage_index_make(struct usage_index *out,
    const struct policy_set *set, struct arena *arena, struct rf_error *err);

/* Everything in *out lives in arena. Pure. */
RF_MUST_USE enum rf_status usage_make(struct usage *out,
    const struct usage_input *in, struct arena *arena, struct rf_error *err);

/*
 * From when to when, and how long of it, was observed; only what lies within
 * [since, until), 0: open. For usage_make, which takes everything, and for
 * whoever loaded only the flows of that time.
 */
RF_MUST_USE enum rf_status usage_span_make(struct usage_span *out,
    const struct flow_set *fs, int64_t since_us, int64_t until_us,
    struct rf_error *err);

/*
 * Forget the policies of other namespaces. Whoever loaded only the flows that
 * touch some namespaces knows all uses of policies there, and of no others.
 */
void usage_keep_namespaces(struct usage *u, const struct policy_set *set,
    const char *const *namespaces, size_t n);

/* "3m20s", "2h05m", "6d4h": not finer than a person needs. */
void usage_duration(struct strbuf *out, int64_t us);

/* Why, in words; not escaped. */
void usage_idle_text(
    struct strbuf *out, const struct usage_idle *idle, const struct cluster *c);

#endif
