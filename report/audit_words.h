/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_words: what the printers of an audit say in the same way.
 *
 * Private to report/audit_*.c and edges.c. Texts are not escaped.
 */
#ifndef REPORT_AUDIT_WORDS_H
#define REPORT_AUDIT_WORDS_H

#include "report/audit.h"

/* "allow", "deny", "not-isolated", "not-subject". */
const char *audit_side_name(enum evaluator_verdict v);

/* A sentence; "" for AUDIT_CLEAR. */
const char *audit_reason_text(enum audit_reason r);

/* Edges that are traffic. */
size_t audit_counted(const struct audit *a);

/* How many of the edge's pairs of addresses its verdict is about, when it is
 * WOULD_DROP or UNKNOWN. */
size_t audit_pairs_meant(const struct audit_edge *e);

/* "ns/name". */
void audit_policy_text(
    struct strbuf *out, const struct policy_set *set, uint32_t policy);

/* "ingress rule 1"; rules count from 1 for people. */
void audit_rule_text(struct strbuf *out, const struct usage_rule *r);

/* "its only rule", "all 3 rules". */
void audit_all_rules_text(struct strbuf *out, const struct policy *p);

/* Where the rule stands, or else its policy; 0: not known. */
uint32_t audit_rule_line(
    const struct policy_set *set, const struct usage_rule *r);

/* "file:12", "file", or nothing. */
void audit_place_text(
    struct strbuf *out, const struct policy *p, uint32_t line);

/* Where its podSelector stands, or else it itself. */
uint32_t audit_selector_line(const struct policy *p);

/* Is none of its rules used, so that they need no line each? */
bool audit_policy_is_unused(const struct audit *a, uint32_t policy);
/* Does it select no pod, so that nothing else needs to be said? */
bool audit_policy_is_idle(const struct audit *a, uint32_t policy);
/* How many rules nothing used, but for those of such policies. */
size_t audit_count_unused(const struct audit *a);

/* The edges as people want them: traffic before attempts, worst before
 * harmless, then as they were. For free(); NULL: out of memory. */
const struct audit_edge **audit_order(const struct audit *a);

#endif
