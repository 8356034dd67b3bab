/* SPDX-License-Identifier: Apache-2.0 */
/*
 * naive_evaluator: NetworkPolicy v1 once more, as slowly and as literally as
 * the numbered rules of SEMANTICS read, for comparing with policy/evaluator.
 *
 * It shares the structs with the real one and no code: own selector
 * matching, own prefix matching, own look at nodes.
 */
#ifndef TESTS_SUPPORT_NAIVE_EVALUATOR_H
#define TESTS_SUPPORT_NAIVE_EVALUATOR_H

#include "policy/evaluator.h"

void naive_evaluator_ask(const struct policy_set *set, const struct cluster *c,
    const struct evaluator_query *q, struct evaluator_answer *answer);

bool naive_evaluator_rule_allows(const struct policy_set *set,
    const struct cluster *c, uint32_t policy, enum policy_direction d,
    uint32_t rule, const struct evaluator_query *q);

/* Its parts, for the nearest miss (tests/support/naive_miss.h). */
bool naive_selects(
    const struct label_selector *s, const struct label_set *labels);
bool naive_block_has(const struct policy_ip_block *b, const struct ip_addr *ip);
const struct kube_pod *naive_visible_pod(
    const struct cluster *c, const struct evaluator_end *end);
bool naive_port_matches(const struct cluster *c, const struct policy_port *p,
    const struct evaluator_query *q, unsigned *flags);
bool naive_applies(const struct policy *p, enum policy_direction d,
    const struct kube_pod *pod);

#endif
