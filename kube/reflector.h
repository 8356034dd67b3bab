/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflector: keeps up with one resource of the API server: lists it, then
 * watches it from there, and mends what breaks.
 *
 * It never gives up but in list_only mode. Pages that expire start the list
 * over; a watch that ends goes on from its last version; one whose version is
 * gone (410) lists again; what the server refuses is told in words and tried
 * again much later; all else waits, ever longer, with jitter. Time and
 * randomness come in, so that tests have their own.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include <jansson.h>

#include "kube/client.h"
#include "kube/client_resource.h"

struct reflector;

enum reflector_state {
	REFLECTOR_WAITING, /* before the first try, or after a failure */
	REFLECTOR_LISTING,
	REFLECTOR_WATCHING,
	REFLECTOR_FORBIDDEN, /* we lack the right; problem says which */
	REFLECTOR_ABSENT,    /* the server does not serve it */
	REFLECTOR_DONE       /* list_only: listed */
};

enum reflector_event {
	REFLECTOR_LISTED,
	REFLECTOR_ADDED,
	REFLECTOR_MODIFIED,
	REFLECTOR_DELETED
};

struct reflector_sink {
	void *arg;
	/* A list begins. If one was begun before and not ended, it is void.
	 * What was known before was last known to be so at known_us. */
	void (*list_begin)(void *arg, int64_t known_us);
	/* object is borrowed, and may be changed. now_us: when it was read. */
	enum rf_status (*object)(void *arg, enum reflector_event event,
	    json_t *object, int64_t now_us, struct rf_error *err);
	/* What it lacked is gone, and was last known to be at known_us. */
	void (*list_end)(void *arg, int64_t known_us);
};

struct reflector_config {
	const struct client_resource *resource;
	const char *field_selector; /* or NULL; borrowed for life */
	bool list_only; /* whole objects even where metadata would do */
	uint64_t seed;  /* of jitter */
	/* 0 is the default, in brackets. */
	unsigned page_size;     /* [500] */
	uint64_t body_max;      /* bytes of a list, all its pages, or of a
				 * watch [4 GiB] */
	unsigned watch_s;       /* a watch lasts this to double [300] */
	int64_t silence_max_us; /* after a bookmark came, and while
				 * listing [150 s] */
	int64_t backoff_min_us, backoff_max_us; /* [1 s, 30 s] */
	int64_t denied_us;                      /* after 403 and 404 [300 s] */
};

struct reflector_stats {
	enum reflector_state state;
	uint64_t lists, relists; /* complete; relists: all but the first */
	uint64_t events, bookmarks;
	uint64_t failures;     /* requests that failed, of any sort */
	uint64_t silent;       /* of them: because nothing was heard */
	unsigned failures_row; /* since something last went well */
	int status; /* of the last failure, as HTTP has it; 0: no answer, or
		     * all is well */
	int64_t heard_us;    /* when the server last spoke; 0: never */
	bool is_following;   /* a watch is open, and told what it had missed */
	int64_t event_us;    /* the last event or list; 0: none */
	int64_t known_us;    /* all that happened until then was told, but for
			      * what is on its way; 0: nothing was */
	const char *problem; /* of the last failure; "" when all is well */
};

RF_MUST_USE enum rf_status reflector_new(struct reflector **out,
    struct client *client, const struct reflector_config *config,
    const struct reflector_sink *sink, struct rf_error *err);
void reflector_free(struct reflector *r);

/* Do what is due. To be called before every client_work, with its time. */
void reflector_step(struct reflector *r, int64_t now_us);

/* When it is to be stepped again; INT64_MAX: when the client has worked. */
int64_t reflector_due_us(const struct reflector *r);

/* Borrowed until the next step. */
const struct reflector_stats *reflector_stats(const struct reflector *r);

/* "waiting", "listing", … */
const char *reflector_state_name(enum reflector_state state);

#endif
