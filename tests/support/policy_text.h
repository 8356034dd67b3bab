/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_text: policies from a text that must be right.
 */
#ifndef TESTS_SUPPORT_POLICY_TEXT_H
#define TESTS_SUPPORT_POLICY_TEXT_H

#include "core/arena.h"
#include "policy/policy.h"

/* YAML or JSON documents, as if they stood in that file; a policy without a
 * namespace is in ns. In the arena. A refusal fails the cmocka test. */
struct policy_set policy_text_read(
    struct arena *arena, const char *ns, const char *file, const char *text);

#endif
