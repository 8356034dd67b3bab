/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/daemon.h"
#include "collector/decode.h"
#include "kube/live_view.h"
#include "tests/support/frame_builder.h"

#define SECOND    INT64_C(1000000)
#define START     (INT64_C(1795168000) * SECOND) /* 2026-11-20T10:26:40Z */
#define TURN_US   SECOND
#define TURNS_MAX 600
#define SERVER_MS 20
#define WEB       "10.244.0.20"
#define LATE      "10.244.0.99"

enum { FIN = 1, SYN = 2, ACK = 16, SYNACK = 18 };

struct session {
	struct kubeconfig *config;
	struct client *client;
	struct live_view *view;
	struct store *store;
	struct daemon *daemon;
	int64_t now_us;
};

static const struct cluster *
current(void *arg, uint64_t *generation)
{
	struct session *s = arg;

	return live_view_current(s->view, generation);
}

static void
release(void *arg, const struct cluster *c)
{
	struct session *s = arg;

	live_view_release(s->view, c);
}

static int64_t
known_us(void *arg)
{
	struct session *s = arg;

	return live_view_known_us(s->view);
}

/* The server needs a processor to answer, on a machine that does much else:
 * where something is asked, at first and again. */
static int
patience_ms(const struct session *s)
{
	struct live_view_watch w;

	if (s->daemon == NULL)
		return SERVER_MS;
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		live_view_watch(s->view, i, &w);
		if (!w.is_up && !w.is_excluded)
			return SERVER_MS;
	}
	return 2;
}

/* Time goes by; the server's turn to speak comes with it. */
static void
pass(struct session *s, int64_t us)
{
	for (int64_t end_us = s->now_us + us; s->now_us < end_us;) {
		s->now_us += TURN_US;
		live_view_step(s->view, s->now_us, patience_ms(s));
		if (live_view_publish(s->view, NULL) != RF_OK)
			continue; /* it is tried again */
		if (s->daemon != NULL)
			daemon_step(s->daemon, s->now_us, s->now_us);
	}
}

static enum rf_status
follow(struct session *s, struct rf_error *err)
{
	struct live_view_watch pods;
	size_t r = client_resource_find("pods");

	for (unsigned i = 0; i < TURNS_MAX; i++) {
		pass(s, TURN_US);
		live_view_watch(s->view, r, &pods);
		if (live_view_is_synced(s->view) && pods.events >= 1)
			return live_view_publish(s->view, err);
	}
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT && pods.problem[0] == '\0';
	     i++)
		live_view_watch(s->view, i, &pods);
	return rf_fail(
	    err, RF_IO, "the cluster is not known: %s", pods.problem);
}

static enum rf_status
open_all(struct session *s, const char *kubeconfig, const char *db,
    struct rf_error *err)
{
	static const char *const points[] = { "any" };
	const struct kubeconfig_source source = { .path = kubeconfig };
	const struct live_view_config view = { .seed = 5 };
	struct daemon_config config = {
		.source = { .current = current,
		    .release = release,
		    .known_us = known_us,
		    .arg = s },
		.node = "node-a",
		.points = points,
		.n_points = 1,
		.interval_us = 3600 * SECOND, /* all or nothing */
		.window_us = 3600 * SECOND,
		.grace_us = 30 * SECOND,
		.gap_us = 300 * SECOND,
		.seed = 1,
		.legs_max = 1024,
		.flows_max = 1024,
		.synchronous = true,
	};
	enum rf_status st = kubeconfig_load(&s->config, &source, err);

	if (st == RF_OK)
		st = client_open(&s->client, s->config, err);
	if (st == RF_OK)
		st = live_view_new(&s->view, s->client, &view, err);
	if (st == RF_OK)
		st = follow(s, err);
	if (st == RF_OK)
		st = store_open(&s->store, db, STORE_WRITE, err);
	s->now_us = START + TURNS_MAX * TURN_US; /* however long it took */
	config.store = s->store;
	config.start_us = s->now_us;
	return st != RF_OK ? st : daemon_new(&s->daemon, &config, err);
}

static void
segment(struct session *s, const char *src, uint16_t sport, const char *dst,
    uint16_t dport, uint8_t flags)
{
	struct frame_segment seg = { .flags = flags,
		.seq = flags & SYN ? sport : sport + 1u,
		.ack = flags & ACK ? dport + 1u : 0 };
	struct capture_frame cf;
	struct frame f;

	frame_init(&f, "", 0);
	frame_tcp(&f, sport, dport, &seg);
	frame_ip(&f, src, dst);
	frame_sll2(&f, 0, 4);
	cf = (struct capture_frame){ .ts_us = s->now_us++,
		.data = frame_bytes(&f),
		.captured = (uint32_t)frame_len(&f),
		.wire_len = (uint32_t)frame_len(&f) };
	daemon_frame(s->daemon, 0, DECODE_LINK_SLL2, &cf);
}

static void
connect_pods(struct session *s, const char *src, const char *dst, uint16_t from)
{
	segment(s, src, from, dst, 8080, SYN);
	segment(s, dst, 8080, src, from, SYNACK);
	segment(s, src, from, dst, 8080, FIN | ACK);
	segment(s, dst, 8080, src, from, FIN | ACK);
}

static enum rf_status
observe(struct session *s, struct rf_error *err)
{
	struct daemon_stats stats;
	enum rf_status st;

	connect_pods(s, LATE, WEB, 40000);
	pass(s, 20 * SECOND);
	connect_pods(s, WEB, LATE, 40001);
	connect_pods(s, LATE, "203.0.113.7", 40002);
	pass(s, 20 * SECOND);
	st = daemon_finish(s->daemon, s->now_us, err);
	daemon_stats(s->daemon, &stats);
	if (st == RF_OK)
		printf("%" PRIu64 " pods, %" PRIu64 " connections, %" PRIu64
		       " unresolved, %" PRIu64 " lost\n",
		    stats.pods, stats.connections, stats.unresolved,
		    stats.lost_connections);
	return st;
}

int
live_main(int argc, char **argv)
{
	struct session s = { .now_us = START };
	struct rf_error err = { 0 };
	enum rf_status st = argc == 4 ? RF_OK : RF_INVAL;

	if (st == RF_OK)
		st = open_all(&s, argv[2], argv[3], &err);
	if (st == RF_OK)
		st = observe(&s, &err);
	daemon_free(s.daemon);
	store_close(s.store);
	live_view_free(s.view);
	client_close(s.client);
	kubeconfig_free(s.config);
	if (st != RF_OK)
		fprintf(stderr, "live: %s\n", err.msg);
	return st == RF_OK ? 0 : 3;
}
