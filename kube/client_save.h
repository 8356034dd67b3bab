/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_save: the cluster's objects as one List, as `kubectl get … -A -o
 * json` prints it.
 */
#ifndef KUBE_CLIENT_SAVE_H
#define KUBE_CLIENT_SAVE_H

#include <stdio.h>

#include "kube/client.h"
#include "kube/client_resource.h"

struct client_save_config {
	/* The time, as microseconds since the epoch. */
	int64_t (*now_us)(void *arg);
	/* Something that a person should know: a resource that is left out,
	 * or a failure after which it is tried again. NULL: say nothing. */
	void (*warn)(void *arg, const char *text);
	void *arg;
	/* Save this resource alone, which then must be there to be read; NULL:
	 * all of them, of which pods must. */
	const char *only;
	uint64_t seed;
	/* Per resource, without luck; 0: 5. Half as many, rounded up, when
	 * there is no answer at all; two when the server refuses. */
	unsigned attempts_max;
	int wait_ms;            /* between looks at the clock; 0: 200 */
	int64_t silence_max_us; /* of an answer; 0: the reflector's */
};

struct client_save_report {
	uint64_t objects[CLIENT_RESOURCE_COUNT];
	bool missing[CLIENT_RESOURCE_COUNT]; /* forbidden, not served, or not
					      * asked for */
};

/*
 * Write all objects to out, which must allow seeking (a list may have to
 * begin anew). Resources that we may not read or that are not served are left
 * out with a warning; without what must be there, or when the server cannot be
 * reached, it fails.
 */
RF_MUST_USE enum rf_status client_save(struct client *c, FILE *out,
    const struct client_save_config *config, struct client_save_report *report,
    struct rf_error *err);

#endif
