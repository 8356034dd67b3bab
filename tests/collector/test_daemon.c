/* SPDX-License-Identifier: Apache-2.0 */
/* Invented worlds with a clock of their own: frames and time in, rows out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/daemon.h"
#include "collector/decode.h"
#include "core/log.h"
#include "kube/snapshot.h"
#include "tests/support/frame_builder.h"

#define SECOND   ((int64_t)1000000)
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
};

/* What the database says, summed. */
struct totals {
	uint64_t connections, packets, established, midstream, undelivered;
	uint64_t unknown; /* connections with an unknown end */
	size_t rows;
	uint64_t to_us, dropped;
	char server[64];
};

static struct cluster *
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

static const struct cluster *
current(void *arg, uint64_t *generation)
{
	struct world *w = arg;

	*generation = w->newest + 1;
	w->users[w->newest]++;
	return w->clusters[w->newest];
}

static void
release(void *arg, const struct cluster *c)
{
	struct world *w = arg;

	for (int i = 0; i < 2; i++)
		if (w->clusters[i] == c)
			w->users[i]--;
}

static void
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

static void
world_start(struct world *w)
{
	struct rf_error err;

	assert_int_equal(daemon_new(&w->d, &w->config, &err), RF_OK);
}

static void
world_finish(struct world *w)
{
	struct rf_error err;

	assert_int_equal(daemon_finish(w->d, w->now_us, &err), RF_OK);
	daemon_free(w->d);
	w->d = NULL;
}

static void
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
static void
pass(struct world *w, int64_t us, int64_t step)
{
	for (int64_t end = w->now_us + us; w->now_us < end;) {
		w->now_us += step;
		daemon_step(w->d, w->now_us, w->now_us);
	}
}

static void
segment(struct world *w, const char *src, uint16_t sport, const char *dst,
    uint16_t dport, uint8_t flags)
{
	struct frame_segment s = { .flags = flags,
		.seq = (flags & SYN ? 1000u : 1001u) + sport,
		.ack = flags & ACK ? 1001u + dport : 0 };
	struct capture_frame cf;
	struct frame f;

	frame_init(&f, "hello", flags == DATA ? 5 : 0);
	frame_tcp(&f, sport, dport, &s);
	frame_ip(&f, src, dst);
	frame_sll2(&f, 0, 4);
	cf = (struct capture_frame){ .ts_us = w->now_us,
		.data = frame_bytes(&f),
		.captured = (uint32_t)frame_len(&f),
		.wire_len = (uint32_t)frame_len(&f) };
	w->now_us += 1000;
	daemon_frame(w->d, 0, DECODE_LINK_SLL2, &cf);
}

static void
handshake(struct world *w, uint16_t port)
{
	segment(w, CLIENT, port, SERVER, 80, SYN);
	segment(w, SERVER, 80, CLIENT, port, SYNACK);
}

static void
hang_up(struct world *w, uint16_t port)
{
	segment(w, CLIENT, port, SERVER, 80, FIN | ACK);
	segment(w, SERVER, 80, CLIENT, port, FIN | ACK);
}

static struct totals
look(struct world *w)
{
	struct store_filter all = { 0 };
	struct totals t = { 0 };
	struct cluster *c = NULL;
	struct store *s = NULL;
	struct flow_set set;
	struct rf_error err;
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(store_open(&s, w->db, STORE_READ, &err), RF_OK);
	assert_int_equal(store_get_cluster(s, &c, &err), RF_OK);
	assert_int_equal(
	    store_get_flows(s, c, &all, &arena, &set, &err), RF_OK);
	t.rows = set.n_flows;
	for (size_t i = 0; i < set.n_flows; i++) {
		const struct flow *f = &set.flows[i];
		const struct endpoint *dst = &set.endpoints[f->dst];

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
			    c->pods[dst->pod].name);
	}
	for (size_t i = 0; i < set.n_coverage; i++) {
		t.to_us = (uint64_t)set.coverage[i].to_us;
		t.dropped += set.coverage[i].dropped;
	}
	arena_release(&arena);
	cluster_free(c);
	store_close(s);
	return t;
}

/* A connection that stays is told while it lives, and once. */
static void
test_long_lived(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	world_start(&w);
	handshake(&w, 40000);
	pass(&w, 4 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 0);
	pass(&w, 20 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.established, 1);
	assert_int_equal(t.packets, 2);
	assert_string_equal(t.server, "db");
	segment(&w, CLIENT, 40000, SERVER, 80, DATA);
	pass(&w, 20 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.packets, 3);
	hang_up(&w, 40000);
	pass(&w, 60 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.established, 1);
	assert_int_equal(t.packets, 5);
	world_finish(&w);
	assert_int_equal(look(&w).packets, 5);
	world_close(&w);
}

/* It was there before: the census sees data of it, then silence. */
static void
test_midstream(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	world_start(&w);
	segment(&w, CLIENT, 40000, SERVER, 80, DATA);
	segment(&w, SERVER, 80, CLIENT, 40000, DATA);
	pass(&w, 20 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).midstream, 1);
	segment(&w, CLIENT, 40000, SERVER, 80, DATA);
	pass(&w, (int64_t)3 * 3600 * SECOND, SECOND);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.packets, 3);
	/* It was forgotten, and speaks again: still the same one. */
	segment(&w, CLIENT, 40000, SERVER, 80, DATA);
	pass(&w, 20 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.packets, 4);
	world_finish(&w);
	world_close(&w);
}

/* A SYN may be answered late: it is not told as unanswered meanwhile. */
static void
test_half_open(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	world_start(&w);
	segment(&w, CLIENT, 40000, SERVER, 80, SYN);
	segment(&w, CLIENT, 40001, SERVER, 81, SYN);
	pass(&w, 30 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 0);
	segment(&w, SERVER, 80, CLIENT, 40000, SYNACK);
	pass(&w, 120 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.established, 1);
	assert_int_equal(t.undelivered, 1);
	world_finish(&w);
	world_close(&w);
}

/* The watch is late by less than the grace: the flow is resolved all right.
 * What came before a pod was known at all stays unknown. */
static void
test_late_watch(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	w.newest = 0;
	world_start(&w);
	handshake(&w, 40000);
	hang_up(&w, 40000);
	pass(&w, 40 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).unknown, 1);
	handshake(&w, 40001);
	pass(&w, SECOND, SECOND / 10);
	w.newest = 1;
	pass(&w, 30 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.unknown, 1);
	assert_int_equal(t.established, 2);
	assert_string_equal(t.server, "db");
	world_finish(&w);
	world_close(&w);
}

/* With a grace, what ended long before its pod was known waits for it; nobody
 * waits for longer than that, nor when there is no more room. */
static void
test_grace(void **state)
{
	struct daemon_stats stats;
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	w.newest = 0;
	w.config.grace_us = 30 * SECOND;
	world_start(&w);
	handshake(&w, 40000);
	hang_up(&w, 40000);
	pass(&w, 20 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 0);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.waiting, 1);
	w.newest = 1;
	pass(&w, 10 * SECOND, SECOND / 10);
	t = look(&w);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.unknown, 0);
	assert_string_equal(t.server, "db");
	segment(&w, CLIENT, 40001, "10.244.0.77", 80, SYN);
	segment(&w, "10.244.0.77", 80, CLIENT, 40001, RST | ACK);
	pass(&w, 20 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 1);
	pass(&w, 30 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).unknown, 1);
	for (unsigned i = 0; i < 6000; i++) {
		const char *to = "10.244.0.77";
		uint16_t port = (uint16_t)(1000 + i);

		segment(&w, CLIENT, 40001, to, port, SYN);
		segment(&w, to, port, CLIENT, 40001, RST | ACK);
	}
	pass(&w, 15 * SECOND, SECOND / 10);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.waiting, 4096);
	world_finish(&w);
	assert_int_equal(look(&w).unknown, 6001);
	world_close(&w);
}

/* Coverage goes on without packets, and knows what the kernel dropped. */
static void
test_coverage(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	world_open(&w);
	world_start(&w);
	pass(&w, 30 * SECOND, SECOND / 10);
	daemon_dropped(w.d, 0, 17);
	pass(&w, 10 * SECOND, SECOND / 10);
	t = look(&w);
	assert_true(t.to_us >= (uint64_t)(START + 35 * SECOND));
	assert_int_equal(t.dropped, 17);
	world_finish(&w);
	world_close(&w);
}

static off_t
database_bytes(const struct world *w)
{
	struct stat st;

	assert_int_equal(stat(w->db, &st), 0);
	return st.st_size;
}

/* 70 days, longer than milliseconds of 32 bits last: one connection stays all
 * the time, another comes each hour, and nothing is kept beyond 30 days. */
static void
test_months(void **state)
{
	struct daemon_stats stats;
	off_t after_40_days = 0;
	struct world w;

	(void)state;
	world_open(&w);
	w.config.interval_us = 1800 * SECOND;
	w.config.retain_us = 30 * DAY;
	world_start(&w);
	handshake(&w, 50000);
	for (int hour = 0; hour < 70 * 24; hour++) {
		uint16_t port = (uint16_t)(1024 + hour);

		handshake(&w, port);
		segment(&w, CLIENT, 50000, SERVER, 80, DATA);
		hang_up(&w, port);
		pass(&w, 3595 * SECOND, 300 * SECOND);
		if (hour == 40 * 24)
			after_40_days = database_bytes(&w);
	}
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.connections, 70 * 24 + 1);
	assert_true(stats.legs < 8);
	world_finish(&w);
	assert_in_range(look(&w).connections, 29 * 24, 31 * 24);
	/* What retention frees is used again: the file has its size by now. */
	assert_true(after_40_days > 0);
	assert_in_range(database_bytes(&w), 1, after_40_days * 5 / 4);
	world_close(&w);
}

static void
no_log(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	++*(int *)arg;
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* The disk is full for a while: said once, kept in memory while that lasts,
 * counted beyond, and all is well again afterwards. */
static void
test_disk_full(void **state)
{
	struct daemon_stats stats;
	struct world w;
	int lines = 0;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	log_set_sink(no_log, &lines);
	world_open(&w);
	w.config.flows_max = 64;
	world_start(&w);
	handshake(&w, 40000);
	hang_up(&w, 40000);
	pass(&w, 30 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 1);
	limit_files(1);
	for (uint16_t i = 0; i < 300; i++) /* to many ports: many rows */
		segment(&w, CLIENT, 41000, SERVER, (uint16_t)(1000 + i), SYN);
	pass(&w, 120 * SECOND, SECOND / 10);
	daemon_stats(w.d, &stats);
	assert_true(stats.flush_failures > 1);
	assert_int_equal(lines, 1);
	assert_true(stats.lost_connections > 0);
	assert_int_equal(stats.connections + stats.lost_connections, 301);
	limit_files(RLIM_INFINITY);
	handshake(&w, 40001);
	pass(&w, 30 * SECOND, SECOND / 10);
	world_finish(&w);
	assert_int_equal(lines, 2);
	assert_int_equal(look(&w).connections, stats.connections + 1);
	assert_int_equal(look(&w).dropped, stats.lost_connections);
	world_close(&w);
	log_set_sink(NULL, NULL);
}

/* With the thread as it really runs. */
static void
test_thread(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	w.config.synchronous = false;
	world_start(&w);
	for (uint16_t i = 0; i < 2000; i++) {
		handshake(&w, (uint16_t)(20000 + i));
		hang_up(&w, (uint16_t)(20000 + i));
		if (i % 50 == 0)
			pass(&w, 6 * SECOND, SECOND);
	}
	world_finish(&w);
	assert_int_equal(look(&w).established, 2000);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_lived),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_late_watch),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_thread),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
