/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problems: what is wrong with policies, one line each.
 */
#ifndef REPORT_PROBLEMS_H
#define REPORT_PROBLEMS_H

#include <stdio.h>

#include "core/error.h"
#include "policy/read.h"

/* "file:line: object: field: Invalid: detail"; parts that are not known are
 * left out. */
RF_MUST_USE enum rf_status problems_print_text(
    FILE *out, const struct policy_problem *v, size_t n, struct rf_error *err);

/* {"file", "line", "object", "field", "type", "detail"} a line; line null
 * when it is not known. */
void problems_print_json(FILE *out, const struct policy_problem *v, size_t n);

#endif
