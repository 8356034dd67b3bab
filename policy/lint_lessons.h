/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_lessons: the texts behind lint --explain, in the order of the ids.
 *
 * Private to policy/lint*.c. The wrong and right examples are excerpts of
 * what fixtures/lint/ holds as whole policies.
 */
#ifndef POLICY_LINT_LESSONS_H
#define POLICY_LINT_LESSONS_H

#include "policy/lint.h"

#define LINT_LESSONS_1 18 /* how many lint_lessons_1 has */

extern const struct lint_lesson lint_lessons_1[], lint_lessons_2[];

#endif
