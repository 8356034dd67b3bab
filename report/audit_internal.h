/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_internal: judging one flow, which an audit of what is stored and the
 * judge of what is being stored share. Private to report/.
 */
#ifndef REPORT_AUDIT_INTERNAL_H
#define REPORT_AUDIT_INTERNAL_H

#include "report/audit.h"

/* Numbers that were met, each once; clearing costs no more than adding. */
struct mark_list {
	bool *is_marked; /* by number */
	uint32_t *v;
	size_t n;
};

/* What was found on one side of the edge at hand, over its flows. */
struct side_marks {
	enum evaluator_verdict verdict;
	unsigned flags;
	struct mark_list isolating, allowing; /* policies */
	struct mark_list rules;               /* by usage_index */
	const char *nearest_miss;
};

/* A rule that allows, by its policy and by its number of usage_index. */
struct rule_hit {
	uint32_t policy, number;
};

/* What the evaluator says of one side of a question. */
struct side_answer {
	enum evaluator_verdict verdict;
	unsigned flags;
	const struct rule_hit *hits; /* in set order */
	size_t n_hits;
	const char *nearest_miss; /* DENY: or NULL, when it was not asked */
};

/* What a judgement takes from a flow beside the questions it is. */
struct flow_facts {
	bool is_rewritten; /* a Service or SNAT: to itself, it is a hairpin */
	bool is_masked;    /* the server saw another source than the client */
	bool is_unknown;   /* of an end it is not known who it was */
	bool is_guessed;
};

struct auditor {
	const struct evaluator *evaluator;
	const struct policy_set *set;
	const struct cluster *c;
	const struct endpoint *endpoints; /* that flows name */
	struct arena *arena;
	struct side_marks marks[2];
	struct usage_index index;
	struct evaluator_hits hits;   /* scratch */
	struct rule_hit *numbered[2]; /* scratch, by direction */
	bool *used; /* by index: allows a flow of an edge that is traffic */
	/* All numbers of policies, and all rules by index: what marks are
	 * turned into where they follow each other, as one always does. */
	const uint32_t *every_policy;
	const struct audit_rule *every_rule;
	/* Pods by workload: those of w stand from pods[pod_start[w]] to before
	 * pods[pod_start[w + 1]]. */
	uint32_t *pod_start, *pods;
	bool is_terse; /* note who isolates, but neither rules nor words */
	bool failed;   /* out of memory */
};

/* One flow, or one of the pods that may have answered it. */
struct judgement {
	enum audit_verdict verdict;
	enum audit_reason reason;
};

/* Tables for a.set, a.c and a.arena, which are set. false: out of memory. */
bool auditor_init(struct auditor *a);

struct flow_facts auditor_facts(const struct auditor *a, const struct flow *f);

/* Is it a pod that reaches itself, through its Service or another address? */
static inline bool
is_hairpin(const struct flow_facts *about, const struct evaluator_query *q)
{
	return about->is_rewritten && q->src.pod != FLOW_NONE &&
	    q->src.pod == q->dst.pod;
}

/*
 * Call each with every question that f is: one, or one for each pod that may
 * have answered where that is not known. Returns how many.
 */
size_t auditor_questions(const struct auditor *a, const struct flow *f,
    void (*each)(void *ctx, const struct evaluator_query *q), void *ctx);

/* May its own node, as which the client came in, be all that lets it pass? */
bool auditor_may_hide(
    const struct flow_facts *about, const struct side_answer *in);

/* Hits stand in a->numbered until the next question. */
void auditor_ask(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, struct side_answer *out);

/* Needs a side that is denied. Lives in a->arena; NULL: out of memory. */
const char *auditor_nearest_miss(struct auditor *a,
    const struct evaluator_query *q, enum policy_direction d);

/* The verdict of one question; a->marks then tell why, added to what is
 * there. */
struct judgement auditor_weigh(struct auditor *a,
    const struct flow_facts *about, const struct evaluator_query *q,
    const struct side_answer sides[2]);

/* Of a flow of these verdicts on its two sides. */
struct judgement judgement_of(const struct flow_facts *about, bool hairpin,
    enum evaluator_verdict out, enum evaluator_verdict in);

/* The worse of two becomes the worst. */
void judgement_worsen(struct judgement *worst, struct judgement j);

void side_marks_clear(struct side_marks *m);

#endif
