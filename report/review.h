/* SPDX-License-Identifier: Apache-2.0 */
/*
 * review: REVIEW.md, what a person needs to approve a recommendation: the
 * proof, what to decide, how ready each workload is, what each rule is there
 * for, what was left out and why.
 *
 * Counts and times stand here and not in the policies, so that those only
 * change when what they allow does.
 */
#ifndef REPORT_REVIEW_H
#define REPORT_REVIEW_H

#include "core/strbuf.h"
#include "recommender/recommend.h"

/* Append the whole document. */
RF_MUST_USE enum rf_status review_write(struct strbuf *out,
    const struct recommendation *r, const struct flow_set *fs,
    struct rf_error *err);

#endif
