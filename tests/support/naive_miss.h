/* SPDX-License-Identifier: Apache-2.0 */
/*
 * naive_miss: the nearest miss by trying each peer of each rule with each
 * port, for comparing with policy/evaluator. The text stays empty.
 */
#ifndef TESTS_SUPPORT_NAIVE_MISS_H
#define TESTS_SUPPORT_NAIVE_MISS_H

#include "tests/support/naive_evaluator.h"

/* Of a side that is denied. */
void naive_nearest_miss(const struct policy_set *set, const struct cluster *c,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_miss *out);

#endif
