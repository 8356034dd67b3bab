/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_print: what `ringfence lint` prints. The shape of the JSON is promised
 * in man/ringfence.1.
 */
#ifndef REPORT_LINT_PRINT_H
#define REPORT_LINT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/lint.h"

/* A row for each finding, then a line that counts them. */
RF_MUST_USE enum rf_status lint_print_table(FILE *out,
    const struct lint_result *r, bool with_headers, bool with_colour,
    struct rf_error *err);

/* {"findings": […], "summary": {…}} */
void lint_print_json(FILE *out, const struct lint_result *r, size_t n_policies);

/* Findings about live objects have no file and are left out; *left_out says
 * how many. */
RF_MUST_USE enum rf_status lint_print_sarif(FILE *out,
    const struct lint_result *r, const char *base, size_t *left_out,
    struct arena *arena, struct rf_error *err);

/* What a rule is about, with a wrong and a right example. */
void lint_print_rule(FILE *out, const struct lint_rule *rule);

/* All rules, a row each. */
RF_MUST_USE enum rf_status lint_print_rules(
    FILE *out, bool with_headers, struct rf_error *err);

#endif
