/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testplan: a shell script that checks with kubectl, from within the pods,
 * that what a recommendation allows connects and that some of what it denies
 * does not.
 *
 * Pods are found by their labels when the script runs. Every name is quoted
 * for the shell; none can end its quotes.
 */
#ifndef REPORT_TESTPLAN_H
#define REPORT_TESTPLAN_H

#include "core/strbuf.h"
#include "kube/cluster.h"
#include "recommender/recommend.h"

/* What was written, for people. */
struct testplan_stats {
	size_t allowed, denied, left_out;
};

/* Append the script; at most max_denied checks of denied connections for
 * each namespace. */
RF_MUST_USE enum rf_status testplan_write(struct strbuf *out,
    const struct recommendation *r, const struct cluster *c, size_t max_denied,
    struct testplan_stats *stats, struct rf_error *err);

#endif
