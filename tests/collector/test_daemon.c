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

#include "core/log.h"
#include "tests/collector/daemon_world.h"

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
	w.config.grace_us = 10 * SECOND;
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
	for (unsigned i = 0; i < 20000; i++) {
		const char *to = "10.244.0.77";
		uint16_t port = (uint16_t)(1000 + i);

		segment(&w, CLIENT, 40001, to, port, SYN);
		segment(&w, to, port, CLIENT, 40001, RST | ACK);
	}
	pass(&w, 15 * SECOND, SECOND / 10);
	daemon_stats(w.d, &stats);
	assert_in_range(stats.waiting, 14000, 16384);
	world_finish(&w);
	assert_int_equal(look(&w).unknown, 20001);
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

/* Somebody removes the database: nothing is written to where nobody could find
 * it, which is said once. It goes on when the file is there again. */
static void
test_database_away(void **state)
{
	static const char away[] = ".away";
	struct daemon_stats stats;
	char elsewhere[128];
	struct world w;
	int lines = 0;

	(void)state;
	log_set_sink(no_log, &lines);
	world_open(&w);
	world_start(&w);
	handshake(&w, 40000);
	pass(&w, 30 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 1);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s%s", w.db, away);
	assert_int_equal(rename(w.db, elsewhere), 0);
	handshake(&w, 40001);
	pass(&w, 60 * SECOND, SECOND / 10);
	daemon_stats(w.d, &stats);
	assert_true(stats.flush_failures > 1);
	assert_int_equal(lines, 1);
	assert_int_equal(rename(elsewhere, w.db), 0);
	pass(&w, 60 * SECOND, SECOND / 10);
	assert_int_equal(look(&w).connections, 2);
	assert_int_equal(lines, 2);
	world_finish(&w);
	world_close(&w);
	log_set_sink(NULL, NULL);
}

/* It is full at the end: how much is lost is told, of all that was waiting. */
static void
test_disk_full_at_end(void **state)
{
	struct rf_error err;
	struct world w;
	int lines = 0;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	log_set_sink(no_log, &lines);
	world_open(&w);
	world_start(&w);
	pass(&w, 10 * SECOND, SECOND / 10);
	limit_files(1);
	for (uint16_t i = 0; i < 10; i++) {
		handshake(&w, (uint16_t)(40000 + i));
		pass(&w, 6 * SECOND, SECOND / 10);
	}
	assert_int_equal(daemon_finish(w.d, w.now_us, &err), RF_IO);
	limit_files(RLIM_INFINITY);
	assert_non_null(strstr(err.msg, "the last 10 connections"));
	world_close(&w);
	log_set_sink(NULL, NULL);
}

/* An answer that gives the i-th name its own address outside. */
static void
answer(struct world *w, unsigned i)
{
	uint8_t m[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0"
		      "\5nxxxx\3org\0\0\1\0\1"
		      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12xx";
	size_t n = sizeof(m) - 1;
	struct frame f;

	for (unsigned k = 0; k < 4; k++)
		m[14 + k] = (uint8_t)('a' + (i >> 4 * k & 0xf));
	m[n - 2] = (uint8_t)(i >> 8);
	m[n - 1] = (uint8_t)i;
	frame_init(&f, m, n);
	frame_udp(&f, 53, (uint16_t)(20000 + i % 40000));
	frame_ip(&f, SERVER, CLIENT);
	frame_sll2(&f, 0, 4);
	deliver(w, &f);
}

/* More names in one interval than there is room for: they are written early.
 * Where nobody writes, what found no room is counted. */
static void
test_many_names(void **state)
{
	enum { NAMES = 20000, ROOM = 16384 };

	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		struct daemon_stats stats;
		struct rf_error err;
		struct stored s;
		struct world w;

		world_open(&w);
		w.config.interval_us = 60 * SECOND;
		world_start(&w);
		for (unsigned i = 0; i < NAMES; i++) {
			answer(&w, i);
			if (writes && i % 1000 == 0)
				pass(&w, SECOND / 10, SECOND / 10);
		}
		assert_int_equal(daemon_finish(w.d, w.now_us, &err), RF_OK);
		daemon_stats(w.d, &stats);
		stored_open(&s, w.db);
		assert_int_equal(s.flows.n_names, writes ? NAMES : ROOM);
		assert_int_equal(stats.names, s.flows.n_names);
		assert_int_equal(stats.names_lost, NAMES - s.flows.n_names);
		stored_close(&s);
		world_close(&w);
	}
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

/* What opens while the kernel's table is read may be in it; its packets are in
 * the captures: one connection, as is what was there before. */
static void
test_opened_meanwhile(void **state)
{
	static const bool is_new[] = { false, true };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct flow_known k = {
			.protocol = FLOW_TCP, .opened = true, .last_us = START
		};
		struct conntrack_table t = { .v = &k, .n = 1 };
		struct world w;

		assert_true(ip_parse(&k.client.ip, CLIENT));
		assert_true(ip_parse(&k.server.ip, SERVER));
		k.client.port = 40000;
		k.server.port = 80;
		k.seen = k.client;
		k.dialled = k.server;
		world_open(&w);
		world_start(&w);
		t.read_us = START;
		t.done_us = START + SECOND;
		daemon_know(w.d, &t);
		w.now_us = START + SECOND / 2;
		if (is_new[i])
			handshake(&w, 40000);
		pass(&w, 30 * SECOND, SECOND / 10);
		world_finish(&w);
		assert_int_equal(look(&w).connections, 1);
		assert_int_equal(look(&w).established, is_new[i]);
		world_close(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_lived),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_opened_meanwhile),
		cmocka_unit_test(test_late_watch),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_disk_full_at_end),
		cmocka_unit_test(test_database_away),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_thread),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
