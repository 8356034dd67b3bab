/* SPDX-License-Identifier: Apache-2.0 */
/*
 * viewer: a live cluster that follows a replay server, by a clock that the
 * test turns.
 */
#ifndef TESTS_KUBE_VIEWER_H
#define TESTS_KUBE_VIEWER_H

#include "kube/live_view.h"
#include "tests/kube/client_world.h"

#define SECOND_US INT64_C(1000000)
/* 2026-03-02T09:00:00Z, when each of these worlds begins. */
#define START_S  INT64_C(1772442000)
#define START_US (START_S * SECOND_US)
#define TURN_US  (SECOND_US / 10)

#define PODS  "/api/v1/pods?limit="
#define WATCH "/api/v1/pods?watch=1"
#define OPEN  .is_open = true, .end = REPLAY_STALL
#define REST                                                                   \
	{ .when = { "?limit=" }, .text = EMPTY },                              \
	{                                                                      \
		.when = { "watch=1" }, .is_open = true, .end = REPLAY_STALL    \
	}

struct viewer {
	struct client_world world;
	struct live_view *view;
	int64_t now_us;
};

static inline void
viewer_init_node(struct viewer *w, const struct replay_answer *answers,
    size_t n, const char *node)
{
	const struct live_view_config config = { .seed = 3, .node = node };
	struct rf_error err = { 0 };

	w->now_us = START_US;
	client_world_init(&w->world, answers, n, "token: t");
	if (live_view_new(&w->view, w->world.client, &config, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

static inline void
viewer_init(struct viewer *w, const struct replay_answer *answers, size_t n)
{
	viewer_init_node(w, answers, n, NULL);
}

static inline void
viewer_release(struct viewer *w)
{
	live_view_free(w->view);
	client_world_release(&w->world);
}

/* Let everything come that comes, until pods say enough. */
static inline void
follow(struct viewer *w, uint64_t events, uint64_t relists)
{
	struct live_view_watch pods;

	for (unsigned i = 0; i < 20000; i++) {
		live_view_watch(w->view, 0, &pods);
		if (live_view_is_synced(w->view) && pods.events >= events &&
		    pods.relists >= relists)
			return;
		live_view_step(w->view, w->now_us, 3);
		w->now_us += relists > 0 ? SECOND_US : TURN_US / 100;
	}
	fail_msg("pods are %s: %s", pods.state, pods.problem);
}

static inline const struct cluster *
publish(struct viewer *w)
{
	struct rf_error err = { 0 };
	uint64_t generation;

	if (live_view_publish(w->view, &err) != RF_OK)
		fail_msg("%s", err.msg);
	return live_view_current(w->view, &generation);
}

#endif
