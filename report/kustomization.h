/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kustomization: what lists files or folders for kubectl apply -k.
 */
#ifndef REPORT_KUSTOMIZATION_H
#define REPORT_KUSTOMIZATION_H

#include "core/arena.h"

/* A kustomization.yaml of these resources, in this order; NULL: out of memory.
 * The names are those of *.yaml files or of namespaces. */
const char *kustomization_text(
    struct arena *arena, const char *const *names, size_t n);

#endif
