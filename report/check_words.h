/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_words: a verdict in words. Rules count from 1 here, as people do.
 *
 * Names and files are put as they are: whoever prints escapes.
 */
#ifndef REPORT_CHECK_WORDS_H
#define REPORT_CHECK_WORDS_H

#include "report/check.h"

/* "allow", "deny", "not-isolated", "not-subject". */
const char *check_verdict_name(enum evaluator_verdict v);

/* The flag of bit i, as JSON has it; NULL past the last one. */
const char *check_flag_name(unsigned i);

/* "shop/web-1 (10.1.0.4)", "203.0.113.7 (outside the cluster)". */
void check_end_text(
    struct strbuf *out, const struct cluster *c, const struct check_end *e);

/* " (policies/web.yaml:14)", or nothing when it is not known. */
void check_place_text(struct strbuf *out, const char *file, uint32_t line);

/* Why the side is as it is, in one line, without its name: "allowed by
 * shop/web, egress rule 2 (web.yaml:14)". */
void check_why_text(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d);

/* What would let a denied side pass. */
void check_mend_text(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_query *q, enum policy_direction d,
    const struct evaluator_miss *miss);

#endif
