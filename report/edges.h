/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edges: what `ringfence flows` prints. The shapes of JSON and CSV are
 * promised in man/ringfence.1.
 */
#ifndef REPORT_EDGES_H
#define REPORT_EDGES_H

#include <stdio.h>

#include "report/audit_print.h"

/* What is listed: edges, and what policies say of each. */
struct edges {
	const struct view *view;
	const struct audit *audit; /* over that view; NULL: not asked */
};

/* Nothing at all is printed when there are no edges. */
RF_MUST_USE enum rf_status edges_print_table(FILE *out, const struct edges *e,
    const struct audit_style *style, struct rf_error *err);

/* {"edges": […], "coverage": […]} */
void edges_print_json(FILE *out, const struct edges *e);

/* The elements of "edges" alone, each a line. */
void edges_print_json_lines(FILE *out, const struct edges *e);

RF_MUST_USE enum rf_status edges_print_csv(
    FILE *out, const struct edges *e, bool with_headers, struct rf_error *err);

#endif
