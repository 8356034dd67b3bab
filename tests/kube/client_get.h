/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_get: one request to its end, and a folder for what it needs.
 */
#ifndef TESTS_KUBE_CLIENT_GET_H
#define TESTS_KUBE_CLIENT_GET_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/client.h"

#define SECOND_US INT64_C(1000000)

/* One GET, to its end. */
struct get {
	bool is_over;
	int status;
	char message[512];
	size_t body_bytes;
};

static inline enum rf_status
on_body(void *arg, const char *data, size_t n, struct rf_error *err)
{
	struct get *g = arg;

	(void)data;
	(void)err;
	g->body_bytes += n;
	return RF_OK;
}

static inline void
on_done(void *arg, const struct client_answer *a)
{
	struct get *g = arg;

	g->is_over = true;
	g->status = a->status;
	(void)snprintf(g->message, sizeof(g->message), "%s", a->message);
}

static inline struct get
get(struct client *c, int64_t now_us)
{
	const struct client_query q = { .path = "/version",
		.silence_max_us = 60 * SECOND_US };
	struct get g = { 0 };
	const struct client_handler h = { on_body, on_done, &g };
	struct client_request *r;
	struct rf_error err = { 0 };

	if (client_get(c, &q, &h, now_us, &r, &err) != RF_OK) {
		g.status = -1;
		(void)snprintf(g.message, sizeof(g.message), "%s", err.msg);
		return g;
	}
	for (unsigned i = 0; i < 1000 && !g.is_over; i++)
		client_work(c, now_us, 20);
	assert_true(g.is_over);
	return g;
}

struct folder {
	char path[64];
};

static inline void
folder_init(struct folder *d)
{
	(void)snprintf(d->path, sizeof(d->path), "/tmp/ringfence-auth.XXXXXX");
	assert_non_null(mkdtemp(d->path));
}

static inline void run(const char *fmt, ...) RF_PRINTF(1, 2);

/* A command of the shell, which must succeed. */
static inline void
run(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* NOLINTNEXTLINE(cert-env33-c): texts of the tests */
	if (system(text) != 0)
		fail_msg("failed: %s", text);
}

static inline void
folder_release(struct folder *d)
{
	run("rm -r '%s'", d->path);
}

#endif
