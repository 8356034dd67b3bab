/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_rules: a policy as one short text, for comparing in tests.
 *
 * "<subject> in <peers> @<ports>; eg <peers> @<ports>": peers are
 * "k=v+k=v", "ns:NAME/k=v", "ns:A~B/k=v" or a CIDR with "!except"; "!key" is
 * DoesNotExist, "key~a~b" is In; no peers are "anyone". Ports are "TCP/80",
 * "TCP/80-90" or "TCP/http". Rules of one direction are joined by " & ".
 */
#ifndef TESTS_SUPPORT_WORLD_RULES_H
#define TESTS_SUPPORT_WORLD_RULES_H

#include <stddef.h>

#include "policy/policy.h"

void world_rules(const struct policy *p, char *buf, size_t size);

#endif
