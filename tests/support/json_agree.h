/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_agree: jansson as the judge of kube/json_tree.h.
 */
#ifndef TESTS_SUPPORT_JSON_AGREE_H
#define TESTS_SUPPORT_JSON_AGREE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Do both readers say the same of a text: that it is not one JSON value, or
 * which it is, down to the order of members? A text with a NUL in it, which
 * jansson may skip, must be refused. *is_json, unless it is NULL: it was taken.
 */
bool json_agree(const char *text, size_t len, bool *is_json);

#endif
