/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_print: what `ringfence audit` prints. The shape of the JSON is
 * promised in man/ringfence.1.
 */
#ifndef REPORT_AUDIT_PRINT_H
#define REPORT_AUDIT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "report/audit.h"
#include "report/table.h"

/* How tables look. */
struct audit_style {
	bool with_headers, with_colour;
	size_t columns; /* of the terminal; 0: as wide as it comes */
};

/* Worst first, then a summary, what was not used, and what the observation
 * covers. */
RF_MUST_USE enum rf_status audit_print_table(FILE *out, const struct audit *a,
    const struct audit_style *style, struct rf_error *err);

/* {"edges": […], "summary": {…}, "unused": {…}, "selectsNothing": […],
 * "coverage": […]} */
RF_MUST_USE enum rf_status audit_print_json(
    FILE *out, const struct audit *a, struct rf_error *err);

/* For a comment on a change: what would be dropped and why, what is unknown,
 * what was not used. Long lists are cut, and say so. */
RF_MUST_USE enum rf_status audit_print_markdown(
    FILE *out, const struct audit *a, struct rf_error *err);

/*
 * One result for each edge that would be dropped, or may be, and policy that
 * isolates an end of it; rules that were not used; policies that select no
 * pod. base as in report/sarif.h. *left_out receives how many have no file to
 * point at.
 */
RF_MUST_USE enum rf_status audit_print_sarif(FILE *out, const struct audit *a,
    const char *base, size_t *left_out, struct arena *arena,
    struct rf_error *err);

enum table_colour audit_verdict_colour(enum audit_verdict v);

#endif
