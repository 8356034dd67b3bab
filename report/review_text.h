/* SPDX-License-Identifier: Apache-2.0 */
/*
 * review_text: parts of policies in words, and any text made safe to stand
 * in Markdown. Names come from the cluster and from the wire: none may become
 * markup, a link, or another row of a table.
 */
#ifndef REPORT_REVIEW_TEXT_H
#define REPORT_REVIEW_TEXT_H

#include "core/strbuf.h"
#include "policy/policy.h"
#include "recommender/recommend.h"

/* As kubectl -l takes it; "every pod" for the empty one. */
void review_selector(struct strbuf *out, const struct label_selector *s);

/* "app=web; (blue,red)/app=web", "nodes: 10.0.0.1/32; 10.0.0.2/32",
 * "anyone". */
void review_peers(struct strbuf *out, const struct policy_rule *rule);

/* "TCP 80, UDP 53, TCP 30000-30040, TCP http", "any". */
void review_ports(struct strbuf *out, const struct policy_rule *rule);

/* "Deployment shop/web to Deployment shop/db TCP 80". */
void review_pair(struct strbuf *out, const struct recommend_pair *p);

/* How many of the reasons to wait, from the first on, all workloads share:
 * those of the span. They are said once; those of a single one beside it. */
size_t review_common_reasons(const struct recommendation *r);

/* The text as Markdown shows it, never as markup. One line. */
void review_escape(struct strbuf *out, const char *text);

/* Seconds are enough: "2026-03-02T09:00:00Z". */
void review_time(struct strbuf *out, int64_t us);

#endif
