/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: NetworkPolicies as YAML in kubectl's style, byte for byte the same
 * for the same set.
 *
 * Fixed key order, two spaces, comments cleaned to printable ASCII and capped
 * (they may hold names from the wire). What was written is read back by
 * policy/read.h and compared before the caller gets it.
 */
#ifndef POLICY_WRITE_H
#define POLICY_WRITE_H

#include "core/error.h"
#include "core/strbuf.h"
#include "policy/policy.h"

/* Append one document, with "---" before it when out is not empty. */
RF_MUST_USE enum rf_status policy_write(
    struct strbuf *out, const struct policy *p, struct rf_error *err);

/* Append text as YAML: in double quotes unless every reader takes it for this
 * very string (YAML 1.1 has on, 012 and 2020-01-01 for something else). */
void policy_write_text(struct strbuf *out, const char *text);

/* Do two policies mean the same, comments and source places aside? */
bool policy_equal(const struct policy *a, const struct policy *b);

#endif
