/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: a daemon's counts for Prometheus, and whether it is well.
 *
 * The text comes from one table, in Prometheus' format 0.0.4 or, for who asks
 * for it, as OpenMetrics 1.0.0. The server has a thread of its own and answers
 * from the last state that was published.
 */
#ifndef COLLECTOR_METRICS_H
#define COLLECTOR_METRICS_H

#include <stdbool.h>

#include "collector/daemon.h"
#include "core/error.h"
#include "core/strbuf.h"

/* Add the daemon's metrics to out, and those of this process. */
void metrics_render(struct strbuf *out, const struct daemon_stats *stats);
void metrics_render_process(struct strbuf *out);

/* Add text, which is of format 0.0.4, as OpenMetrics, with its end. */
void metrics_to_open(struct strbuf *out, const char *text);

/* Does an Accept header ask for OpenMetrics? NULL: there was none. */
bool metrics_wants_open(const char *accept);

#define METRICS_MORE_MAX 4

/* More text for /metrics, of the caller's own; on the server's thread. */
struct metrics_more {
	void (*render)(void *arg, struct strbuf *out);
	void *arg;
};

/* What /healthz and /readyz say; NULL: all is well. */
struct metrics_state {
	struct daemon_stats stats;
	char idle[64]; /* why not all that was named is captured; "": it is */
	bool complete; /* the cluster's objects are all known */
	/* By a clock that only goes forward: the last state, the last one in
	 * which the writer had tried, and had stored, once more. */
	int64_t published_us, tried_us, stored_us;
};
void metrics_state_update(
    struct metrics_state *s, const struct daemon_stats *stats, int64_t now_us);
const char *metrics_unhealthy(const struct metrics_state *s, int64_t now_us);
const char *metrics_unready(const struct metrics_state *s, int64_t now_us);

struct metrics_server;

/* Is it "ADDRESS:PORT" in numbers? err says why not. */
RF_MUST_USE enum rf_status metrics_check_address(
    const char *address, struct rf_error *err);

/*
 * Listen on "ADDRESS:PORT" ("[::1]:9797"), in the right to do so now;
 * metrics_server_start then answers. RF_INVAL: no such address.
 */
RF_MUST_USE enum rf_status metrics_server_listen(
    struct metrics_server **out, const char *address, struct rf_error *err);
RF_MUST_USE enum rf_status metrics_server_start(
    struct metrics_server *s, struct rf_error *err);
/* Before the start, METRICS_MORE_MAX times. What arg is must outlive the
 * server. */
void metrics_server_add(
    struct metrics_server *s, const struct metrics_more *more);
/* idle: a device that nothing can come from now; NULL: none is. */
void metrics_server_publish(struct metrics_server *s,
    const struct daemon_stats *stats, const char *idle, bool complete);
void metrics_server_free(struct metrics_server *s); /* NULL is allowed */

#endif
