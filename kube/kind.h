/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind: what people call a kind of workload: in any case, in the plural, and
 * by kubectl's short names.
 */
#ifndef KUBE_KIND_H
#define KUBE_KIND_H

#include <stdbool.h>
#include <stddef.h>

/* Do the n bytes of word mean that kind, such as "Deployment"? */
bool kind_is_meant(const char *kind, const char *word, size_t n);

#endif
