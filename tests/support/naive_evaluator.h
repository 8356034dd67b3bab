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

#endif
