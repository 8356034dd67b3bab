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

/* Worst first, then a summary and what the observation covers. */
RF_MUST_USE enum rf_status audit_print_table(FILE *out, const struct audit *a,
    bool with_headers, bool with_colour, struct rf_error *err);

/* {"edges": […], "summary": {…}, "coverage": […]} */
RF_MUST_USE enum rf_status audit_print_json(
    FILE *out, const struct audit *a, struct rf_error *err);

#endif
