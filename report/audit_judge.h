/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_judge: the verdict of one flow after the other, as audit gives it,
 * for whoever sees flows as they come. Compiled once for a set of policies
 * and a cluster; a flow then costs microseconds and no memory.
 */
#ifndef REPORT_AUDIT_JUDGE_H
#define REPORT_AUDIT_JUDGE_H

#include "core/strbuf.h"
#include "report/audit.h"

struct audit_judge;

struct audit_judgement {
	enum audit_verdict verdict;
	enum audit_reason reason;
	/* By enum policy_direction: is that side denied, and by which policies
	 * of the set is its pod isolated then? Borrowed until the next call. */
	bool is_denied[2];
	const uint32_t *policies[2];
	size_t n_policies[2];
};

/* Both are borrowed until audit_judge_free, which does not look at them. */
RF_MUST_USE enum rf_status audit_judge_new(struct audit_judge **out,
    const struct policy_set *set, const struct cluster *c,
    struct rf_error *err);
void audit_judge_free(struct audit_judge *j); /* NULL is allowed */

/* f names its ends in endpoints, and they theirs in the cluster. */
void audit_judge_flow(struct audit_judge *j, const struct endpoint *endpoints,
    const struct flow *f, struct audit_judgement *out);

/* For each denied side, which rule came nearest and what it lacks. */
RF_MUST_USE enum rf_status audit_judge_why(struct audit_judge *j,
    const struct endpoint *endpoints, const struct flow *f, struct strbuf *out,
    struct rf_error *err);

#endif
