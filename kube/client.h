/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: GET requests to one API server, several at a time, on one thread.
 *
 * Nothing blocks but client_work, which waits as long as it is told to, and
 * an exec plugin while it runs. Time comes in as now_us and is used for
 * silence only; it may be a test's. Answers stream: nothing is held of a body
 * but what the handler keeps. Proxies of the environment are not used.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "kube/kubeconfig.h"

struct client;
struct client_request;

/* What is asked for. Borrowed for the call of client_get alone. */
struct client_query {
	const char *path;   /* "/api/v1/pods?limit=500" */
	const char *accept; /* NULL: application/json */
	bool gzip;
	int64_t silence_max_us; /* nothing heard for longer ends it */
};

/* How a request ended. Borrowed for the call of done alone. */
struct client_answer {
	int status;             /* HTTP status; 0: no answer */
	bool is_complete;       /* the body came to its own end */
	bool was_silent;        /* ended because nothing was heard */
	int64_t retry_after_us; /* the server's wish; -1: none */
	const char *message;    /* what went wrong, one line; "" if nothing */
};

struct client_handler {
	/* A piece of a body with status 200; not RF_OK ends the request. */
	enum rf_status (*body)(
	    void *arg, const char *data, size_t n, struct rf_error *err);
	/* The last call; the request is gone when it returns. It may start
	 * others. Not called for a request that was cancelled. */
	void (*done)(void *arg, const struct client_answer *answer);
	void *arg;
};

/* kc is borrowed until client_close, which ends all requests. */
RF_MUST_USE enum rf_status client_open(
    struct client **out, const struct kubeconfig *kc, struct rf_error *err);
void client_close(struct client *c);

/*
 * Start a request. *out is valid until done is called or it is cancelled.
 * Fails when there are no credentials to be had (a plugin that fails, a token
 * file that cannot be read) or no memory; done is then not called.
 */
RF_MUST_USE enum rf_status client_get(struct client *c,
    const struct client_query *q, const struct client_handler *h,
    int64_t now_us, struct client_request **out, struct rf_error *err);

/* Without a call of done. NULL is allowed. */
void client_cancel(struct client_request *r);

/* Has the head of an answer with status 200 come? */
bool client_is_answered(const struct client_request *r);

/* From now on the request ends when nothing is heard for longer than this. */
void client_limit_silence(struct client_request *r, int64_t silence_max_us);

/* The server did not accept what we showed: get new credentials next time. */
void client_forget_credentials(struct client *c);

/* By how much the server's clock was ahead of now_us when it last told, to the
 * second; 0: it never did. */
int64_t client_ahead_us(const struct client *c);

/* Move everything on that can move, waiting up to wait_ms for it. */
void client_work(struct client *c, int64_t now_us, int wait_ms);

size_t client_n_requests(const struct client *c);

/* "https://host:port", for messages. */
const char *client_server(const struct client *c);

#endif
