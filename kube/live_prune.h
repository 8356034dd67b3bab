/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_prune: of an object, only what the readers of kube/ look at.
 *
 * Most of what the API server sends (managedFields, status of containers,
 * heartbeats of nodes) is of no use here: it would cost memory, and a change
 * of it alone is no change.
 */
#ifndef KUBE_LIVE_PRUNE_H
#define KUBE_LIVE_PRUNE_H

#include <jansson.h>

#include "kube/client_resource.h"

/* Templates, one per resource. */
struct live_pruner {
	json_t *keep[CLIENT_RESOURCE_COUNT];
};

/* false: out of memory. */
bool live_pruner_init(struct live_pruner *p);
void live_pruner_release(struct live_pruner *p);

/* A new object, with kind and apiVersion of the resource; NULL: out of
 * memory. Wrong types stay as they are, for the readers to refuse. */
json_t *live_prune(
    const struct live_pruner *p, size_t resource, const json_t *object);

#endif
