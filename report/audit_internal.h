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

struct auditor {
	const struct evaluator *evaluator;
	const struct policy_set *set;
	const struct cluster *c;
	const struct endpoint *endpoints; /* that flows name */
	struct arena *arena;
	struct side_marks marks[2];
	struct usage_index index;
	struct evaluator_hits hits[2]; /* scratch */
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

/* Does a pod reach itself, through its Service or another address? */
bool auditor_is_hairpin(const struct auditor *a, const struct flow *f);

/* The verdict of one flow; a->marks then tell why, added to what is there. */
struct judgement auditor_judge(struct auditor *a, const struct flow *f);

/* The worse of two becomes the worst. */
void judgement_worsen(struct judgement *worst, struct judgement j);

void side_marks_clear(struct side_marks *m);

#endif
