/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_view: a cluster that follows the API server.
 *
 * One thread steps it; any thread may take the cluster that was last published
 * and give it back. A published cluster never changes: the next one replaces
 * it. An object that cannot be read is left out and counted. Pods, Services
 * and controllers that are gone stay for keep_us, with the time when they went:
 * as a watch saw it, or, if none did, the last time at which the server was
 * heard before.
 */
#ifndef KUBE_LIVE_VIEW_H
#define KUBE_LIVE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/client.h"
#include "kube/client_resource.h"
#include "kube/cluster.h"

struct live_view;

struct live_view_config {
	uint64_t seed;
	const char *node; /* only its own pods; NULL: those of all nodes */
	int64_t keep_us;  /* [15 minutes] */
	size_t keep_max;  /* gone objects at most [20000] */
	/* For tests, as in struct reflector_config; 0: the defaults there. */
	int64_t silence_max_us, backoff_min_us, backoff_max_us, denied_us;
	unsigned page_size, watch_s;
};

/* One resource, for metrics and readiness. */
struct live_view_watch {
	const char *resource; /* "pods" */
	const char *state;    /* "watching", "forbidden", … */
	bool is_synced;       /* listed at least once */
	bool is_excluded;     /* forbidden or not served: not waited for */
	bool is_up;           /* watched, or about to be: nothing is wrong */
	uint64_t lists, relists, events, bookmarks, failures, silent;
	int64_t heard_us;  /* when the server last spoke of it; 0: never */
	int64_t event_us;  /* the last change; 0: none */
	char problem[512]; /* "" when all is well */
};

struct live_view_stats {
	uint64_t objects;    /* there now */
	uint64_t gone;       /* kept though they are gone */
	uint64_t bytes;      /* of their texts */
	uint64_t refused;    /* objects that could not be read, ever */
	uint64_t dropped;    /* gone and forgotten early, for lack of room */
	uint64_t generation; /* clusters published so far */
	char refusal[512];   /* why the last refused object was; "" */
};

/* client is borrowed for life, and nobody else's. */
RF_MUST_USE enum rf_status live_view_new(struct live_view **out,
    struct client *client, const struct live_view_config *config,
    struct rf_error *err);
/* All clusters must have been given back. */
void live_view_free(struct live_view *v);

/* Let everything move that can, waiting up to wait_ms for it. */
void live_view_step(struct live_view *v, int64_t now_us, int wait_ms);

/*
 * Make what is known now the published cluster, if anything has changed. An
 * empty one at first. RF_NOMEM leaves the one before in place.
 */
RF_MUST_USE enum rf_status live_view_publish(
    struct live_view *v, struct rf_error *err);

/* Until when the published cluster is all there is to know of pods: while
 * they are watched, the last call of live_view_publish; 0: it is nothing. Safe
 * on any thread. */
int64_t live_view_known_us(struct live_view *v);

/* Have all resources been listed, but those that are excluded? */
bool live_view_is_synced(struct live_view *v);

/* The published cluster and its number, from 1; NULL before the first. Safe
 * on any thread, each to be given back once. */
const struct cluster *live_view_current(
    struct live_view *v, uint64_t *generation);
void live_view_release(struct live_view *v, const struct cluster *c);

/* i below CLIENT_RESOURCE_COUNT. Safe on any thread, as of the last step. */
void live_view_watch(
    struct live_view *v, size_t i, struct live_view_watch *out);
void live_view_stats(struct live_view *v, struct live_view_stats *out);

#endif
