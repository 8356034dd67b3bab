/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: is a NetworkPolicy object of the shape that a server's strict
 * decoder takes: known fields in their exact case, each once, each of its
 * type (SEMANTICS 66, 67)?
 *
 * Private to policy/. Values are looked at, never kept. null is accepted
 * everywhere, as the zero value (12, 13).
 */
#ifndef POLICY_DECODE_H
#define POLICY_DECODE_H

#include "policy/problem.h"

/* Report everything that does not decode; false when there was anything. */
bool decode_check(struct reading *r, const struct value *object);

/* Accessors for an object that decode_check accepted. A missing field, a
 * null and a NULL map are NULL, "" and 0. */
const struct value *decode_field(const struct value *map, const char *key);
const char *decode_string(const struct value *v);
int64_t decode_integer(const struct value *v);

/* n of a list or map, 0 of none; element i of a list, NULL for null. */
size_t decode_count(const struct value *v);
const struct value *decode_item(const struct value *list, size_t i);

#endif
