/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edges: what `ringfence flows` prints. The shapes of JSON and CSV are
 * promised in man/ringfence.1.
 */
#ifndef REPORT_EDGES_H
#define REPORT_EDGES_H

#include <stdbool.h>
#include <stdio.h>

#include "report/view.h"

/* Nothing at all is printed when there are no edges. */
RF_MUST_USE enum rf_status edges_print_table(FILE *out, const struct view *v,
    bool with_headers, bool with_colour, struct rf_error *err);

/* {"edges": […], "coverage": […]} */
void edges_print_json(FILE *out, const struct view *v);

RF_MUST_USE enum rf_status edges_print_csv(
    FILE *out, const struct view *v, bool with_headers, struct rf_error *err);

#endif
