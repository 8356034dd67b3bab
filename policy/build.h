/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: from an object that decoded to the model: defaulting (SEMANTICS 8
 * to 14), then validation (55 to 65).
 *
 * Private to policy/. Every mistake is reported; what comes back is of use
 * only when there was none.
 */
#ifndef POLICY_BUILD_H
#define POLICY_BUILD_H

#include "policy/problem.h"

/* metadata: name, namespace, labels, annotations. */
void build_metadata(struct reading *r, struct policy *p,
    const struct value *object, const char *default_namespace);

/* spec: everything else. */
void build_spec(
    struct reading *r, struct policy *p, const struct value *object);

/* v NULL: the empty selector. */
void build_selector(struct reading *r, const struct field_path *path,
    const struct value *v, struct label_selector *out);

/* n zeroed elements in arena, or NULL with r->failed. */
void *build_array(struct reading *r, size_t n, size_t size);

#endif
