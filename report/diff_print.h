/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_print: the differences of two policy sets, for people and programs.
 */
#ifndef REPORT_DIFF_PRINT_H
#define REPORT_DIFF_PRINT_H

#include <stdio.h>

#include "report/diff.h"

struct diff_report {
	const struct diff *diff;
	const struct cluster *cluster;      /* NULL without one */
	const struct audit *before, *after; /* of the same view, or NULL */
	const struct diff_pairs *pairs;     /* or NULL */
};

/* Is there any policy that differs in meaning? */
bool diff_has_changes(const struct diff *d);

RF_MUST_USE enum rf_status diff_print_table(FILE *out,
    const struct diff_report *r, bool with_colour, struct rf_error *err);
RF_MUST_USE enum rf_status diff_print_json(
    FILE *out, const struct diff_report *r, struct rf_error *err);

#endif
