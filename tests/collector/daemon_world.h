/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon_world: a daemon with a database, two clusters to choose from and a
 * clock that the test turns, for the tests of this folder. To be included
 * behind cmocka.h.
 */
#ifndef TESTS_COLLECTOR_DAEMON_WORLD_H
#define TESTS_COLLECTOR_DAEMON_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/daemon.h"
#include "collector/decode.h"
#include "core/log.h"
#include "kube/snapshot.h"
#include "tests/support/frame_builder.h"
#include "tests/support/stored.h"

#define SECOND   ((int64_t)1000000)
#define MINUTE   (60 * SECOND)
#define DAY      (86400 * SECOND)
#define START    ((int64_t)1767225600 * SECOND) /* 2026-01-01T00:00:00Z */
#define CLIENT   "10.244.0.5"
#define SERVER   "10.244.0.6"
#define STRANGER "203.0.113.7"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, SYNACK = 18, DATA = 24 };

struct world {
	char db[64];
	struct store *store;
	struct cluster *clusters[2];
	size_t newest;
	int users[2];
	const char *points[1];
	struct daemon_config config;
	struct daemon *d;
	int64_t now_us;
	/* of a source that may be away */
	int64_t known_us;
	bool is_up;
};

/* What the database says, summed. */
struct totals {
	uint64_t connections, packets, established, midstream, undelivered;
	uint64_t unknown; /* connections with an unknown server */
	size_t rows;
	uint64_t to_us, dropped, unowned;
	char server[64];
};

/* A log_sink that lets nothing be read. */
static inline void
world_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static inline struct cluster *
read_cluster(const char *json)
{
	struct snapshot_builder *sb = NULL;
	struct snapshot_stats stats;
	struct cluster *c = NULL;
	struct rf_error err;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_true(fputs(json, f) >= 0);
	rewind(f);
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	assert_int_equal(snapshot_read(sb, f, "world", &err), RF_OK);
	assert_int_equal(snapshot_finish(sb, &c, &stats, &err), RF_OK);
	snapshot_builder_free(sb);
	(void)fclose(f);
	return c;
}

#define POD(name, ip, more)                                                    \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"      \
	"\"" name "\",\"namespace\":\"shop\",\"uid\":\"" name                  \
	"\",\"labels\":{\"app\":\"" name "\"}" more                            \
	"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":"           \
	"\"c\",\"ports\":[{\"containerPort\":80}]}]},\"status\":{\"phase\":"   \
	"\"Running\",\"podIP\":\"" ip "\",\"startTime\":"                      \
	"\"2025-12-31T00:00:00Z\"}}\n"
#define NODE                                                                   \
	"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":"     \
	"\"n1\"},\"spec\":{\"podCIDR\":\"10.244.0.0/24\"},\"status\":{"        \
	"\"addresses\":[{\"type\":\"InternalIP\",\"address\":"                 \
	"\"192.168.0.1\"}]}}\n"

static inline const struct cluster *
current(void *arg, uint64_t *generation)
{
	struct world *w = arg;

	*generation = w->newest + 1;
	w->users[w->newest]++;
	return w->clusters[w->newest];
}

static inline void
release(void *arg, const struct cluster *c)
{
	struct world *w = arg;

	for (int i = 0; i < 2; i++)
		if (w->clusters[i] == c)
			w->users[i]--;
}

static inline int64_t
known(void *arg)
{
	const struct world *w = arg;

	return w->known_us;
}

static inline bool
is_up(void *arg)
{
	const struct world *w = arg;

	return w->is_up;
}

static inline void
world_open(struct world *w)
{
	struct rf_error err;
	int fd;

	*w = (struct world){ .db = "/tmp/test_daemon.XXXXXX",
		.points = { "any" },
		.now_us = START };
	fd = mkstemp(w->db);
	assert_true(fd >= 0);
	(void)close(fd);
	w->clusters[0] = read_cluster(NODE POD("web", CLIENT, ""));
	w->clusters[1] =
	    read_cluster(NODE POD("web", CLIENT, "") POD("db", SERVER, ""));
	w->newest = 1;
	assert_int_equal(
	    store_open(&w->store, w->db, STORE_WRITE, &err), RF_OK);
	w->config = (struct daemon_config){
		.store = w->store,
		.source = { .current = current, .release = release, .arg = w },
		.node = "n1",
		.points = w->points,
		.n_points = 1,
		.start_us = START,
		.interval_us = 5 * SECOND,
		.window_us = 3600 * SECOND,
		.seed = 1,
		.synchronous = true,
	};
}

static inline void
world_start(struct world *w)
{
	struct rf_error err;

	assert_int_equal(daemon_new(&w->d, &w->config, &err), RF_OK);
}

static inline void
world_finish(struct world *w)
{
	struct rf_error err;

	assert_int_equal(daemon_finish(w->d, w->now_us, &err), RF_OK);
	daemon_free(w->d);
	w->d = NULL;
}

static inline void
world_close(struct world *w)
{
	char name[80];

	daemon_free(w->d);
	store_close(w->store);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w->users[i], 0);
		cluster_free(w->clusters[i]);
	}
	(void)unlink(w->db);
	(void)snprintf(name, sizeof(name), "%s-wal", w->db);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s-shm", w->db);
	(void)unlink(name);
}

/* Let time pass, as the loop does. */
static inline void
pass(struct world *w, int64_t us, int64_t step)
{
	for (int64_t end = w->now_us + us; w->now_us < end;) {
		w->now_us += step;
		if (w->is_up)
			w->known_us = w->now_us;
		daemon_step(w->d, w->now_us, w->now_us);
	}
}

/* A frame with its SLL2 header comes at this moment. */
static inline void
deliver(struct world *w, struct frame *f)
{
	const struct capture_frame cf = { .ts_us = w->now_us,
		.data = frame_bytes(f),
		.captured = (uint32_t)frame_len(f),
		.wire_len = (uint32_t)frame_len(f) };

	daemon_frame(w->d, 0, DECODE_LINK_SLL2, &cf);
}

static inline void
segment(struct world *w, const char *src, uint16_t sport, const char *dst,
    uint16_t dport, uint8_t flags)
{
	struct frame_segment s = { .flags = flags,
		.seq = (flags & SYN ? 1000u : 1001u) + sport,
		.ack = flags & ACK ? 1001u + dport : 0 };
	struct frame f;

	frame_init(&f, "hello", flags == DATA ? 5 : 0);
	frame_tcp(&f, sport, dport, &s);
	frame_ip(&f, src, dst);
	frame_sll2(&f, 0, 4);
	deliver(w, &f);
	w->now_us += 1000;
}

static inline void
handshake(struct world *w, uint16_t port)
{
	segment(w, CLIENT, port, SERVER, 80, SYN);
	segment(w, SERVER, 80, CLIENT, port, SYNACK);
}

static inline void
hang_up(struct world *w, uint16_t port)
{
	segment(w, CLIENT, port, SERVER, 80, FIN | ACK);
	segment(w, SERVER, 80, CLIENT, port, FIN | ACK);
}

/* With a source that tells until when it knows, as an API server does. */
static inline void
open_watched(struct world *w)
{
	world_open(w);
	w->is_up = true;
	w->known_us = START;
	w->config.source.known_us = known;
	w->config.source.is_up = is_up;
	w->config.grace_us = 30 * SECOND;
	w->config.gap_us = 5 * MINUTE;
	world_start(w);
	pass(w, 10 * SECOND, SECOND / 10);
}

/* One connection. No two have the same client port, and so the same number at
 * their beginning, by which copies of one are known. */
static inline void
exchange(struct world *w, const char *src, const char *dst, uint16_t port)
{
	uint16_t from = (uint16_t)(30000 + w->now_us / 1000 % 30000);

	segment(w, src, from, dst, port, SYN);
	segment(w, dst, port, src, from, SYNACK);
	segment(w, src, from, dst, port, FIN | ACK);
	segment(w, dst, port, src, from, FIN | ACK);
}

static inline struct totals
look(struct world *w)
{
	struct totals t = { 0 };
	struct stored s;

	stored_open(&s, w->db);
	t.rows = s.flows.n_flows;
	for (size_t i = 0; i < s.flows.n_flows; i++) {
		const struct flow *f = &s.flows.flows[i];
		const struct endpoint *dst = &s.flows.endpoints[f->dst];

		t.connections += f->connections;
		t.packets += f->packets;
		if (f->outcome == OUTCOME_ESTABLISHED)
			t.established += f->connections;
		if (f->outcome == OUTCOME_MIDSTREAM)
			t.midstream += f->connections;
		if (f->outcome == OUTCOME_DROPPED)
			t.undelivered += f->connections;
		if (dst->type == ENDPOINT_UNKNOWN)
			t.unknown += f->connections;
		else if (dst->type == ENDPOINT_WORKLOAD)
			(void)snprintf(t.server, sizeof(t.server), "%s",
			    s.c->pods[dst->pod].name);
	}
	for (size_t i = 0; i < s.flows.n_coverage; i++) {
		t.to_us = (uint64_t)s.flows.coverage[i].to_us;
		t.dropped += s.flows.coverage[i].dropped;
		t.unowned += s.flows.coverage[i].unowned;
	}
	stored_close(&s);
	return t;
}

#endif
