/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that the kernel's table had, and those that a flush tells of:
 * each once, whatever follows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/flow_table.h"
#include "core/flow.h"

#define START    ((int64_t)1700000000000000)
#define SEEN_MAX 16

static const char client[] = "10.244.1.5", vip[] = "10.96.0.10";
static const char node[] = "192.168.0.1", server[] = "10.244.2.7";

struct world {
	struct flow_table *ft;
	struct connection seen[SEEN_MAX];
	size_t n;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++) {
		assert_true(w->n < SEEN_MAX);
		memcpy(&w->seen[w->n++], &v[i], connection_bytes(&v[i]));
	}
}

static void
world_open(struct world *w, uint32_t legs_max)
{
	const struct flow_table_config config = {
		.legs_max = legs_max,
		.seed = 42,
		.sink = sink,
		.sink_arg = w,
	};

	w->n = 0;
	assert_int_equal(flow_table_new(&w->ft, &config, NULL), RF_OK);
}

static void
world_close(struct world *w)
{
	flow_table_finish(w->ft);
	flow_table_free(w->ft);
}

static struct socket_addr
at(const char *ip, uint16_t port)
{
	struct socket_addr a = { .port = port };

	assert_true(ip_parse(&a.ip, ip));
	return a;
}

/* The client dials the VIP and reaches the server; its address is hidden
 * behind the node's where masqueraded is true. */
static struct flow_known
translated(bool masqueraded)
{
	return (struct flow_known){
		.client = at(client, 40000),
		.dialled = at(vip, 80),
		.seen = masqueraded ? at(node, 51111) : at(client, 40000),
		.server = at(server, 8080),
		.protocol = FLOW_TCP,
		.opened = true,
		.last_us = START - 7000000,
	};
}

static void
packet(struct world *w, int ms, struct socket_addr src, struct socket_addr dst,
    uint8_t flags, uint32_t seq)
{
	const struct packet p = {
		.ts_us = START + (int64_t)ms * 1000,
		.src = src.ip,
		.dst = dst.ip,
		.sport = src.port,
		.dport = dst.port,
		.protocol = FLOW_TCP,
		.tcp_flags = flags,
		.type = PACKET_OUTGOING,
		.ifindex = 3,
		.ip_bytes = 140,
		.seq = seq,
		.payload_bytes = flags & TCP_SYN ? 0 : 100,
	};

	flow_table_add(w->ft, &p, 1, NULL);
}

static void
assert_ends(const struct connection_leg *l, const char *from, const char *to)
{
	struct socket_addr c = at(from, 0), s = at(to, 0);

	assert_true(ip_equal(&l->client.ip, &c.ip));
	assert_true(ip_equal(&l->server.ip, &s.ip));
}

/* No packet at all: it is told with the first flush, once. */
static void
test_silent(void **state)
{
	const struct flow_known k = translated(true);
	static struct world w;

	(void)state;
	world_open(&w, 1024);
	assert_true(flow_table_know(w.ft, &k, START));
	flow_table_tick(w.ft, START + 5000000);
	flow_table_flush(w.ft);
	assert_int_equal(w.n, 1);
	assert_true(w.seen[0].counted && w.seen[0].known);
	assert_int_equal(w.seen[0].opening, OPENING_HANDSHAKE);
	assert_int_equal(w.seen[0].n_legs, 2);
	assert_ends(&w.seen[0].legs[0], client, vip);
	assert_ends(&w.seen[0].legs[1], node, server);
	assert_int_equal(w.seen[0].first_us, START - 7000000);
	assert_int_equal(w.seen[0].last_us, START - 7000000);
	assert_int_equal(w.seen[0].packets, 0);
	flow_table_flush(w.ft);
	assert_int_equal(flow_table_stats(w.ft)->known, 1);
	world_close(&w);
	assert_int_equal(w.n, 1);
}

/* Packets on either side, in either order, are more of the same. */
static void
test_speaks(void **state)
{
	const struct flow_known k = translated(true);
	static struct world w;

	(void)state;
	for (int first = 0; first < 3; first++) {
		size_t told;

		world_open(&w, 1024);
		assert_true(flow_table_know(w.ft, &k, START));
		if (first == 1) /* the dialled side is seen nowhere */
			packet(&w, 1, k.server, k.seen, TCP_ACK, 9);
		if (first == 2)
			packet(&w, 1, k.client, k.dialled, TCP_ACK, 5);
		flow_table_tick(w.ft, START + 5000000);
		flow_table_flush(w.ft);
		assert_int_equal(w.n, 1);
		assert_true(w.seen[0].counted);
		packet(&w, 5001, k.seen, k.server, TCP_ACK, 105);
		packet(&w, 5002, k.server, k.seen, TCP_ACK, 109);
		if (first != 1)
			packet(&w, 5003, k.client, k.dialled, TCP_ACK, 205);
		told = w.n;
		world_close(&w);
		assert_int_equal(told, 1);
		assert_int_equal(w.n, 2);
		assert_false(w.seen[1].counted);
		assert_true(w.seen[1].packets > 0);
		assert_int_equal(w.seen[1].n_legs, 2);
		assert_ends(&w.seen[1].legs[0], client, vip);
		assert_ends(&w.seen[1].legs[1], node, server);
		assert_int_equal(w.seen[1].opening, OPENING_HANDSHAKE);
	}
}

/* A connection that was opened while the table was read is in both: its
 * opening counts. One that opens later on the same ports is another. */
static void
test_opens(void **state)
{
	const struct flow_known k = translated(false);
	static struct world w;

	(void)state;
	for (int later = 0; later < 2; later++) {
		int ms = later ? 100 : -100;

		world_open(&w, 1024);
		assert_true(flow_table_know(w.ft, &k, START));
		packet(&w, ms, k.client, k.dialled, TCP_SYN, 100);
		packet(&w, ms, k.client, k.server, TCP_SYN, 100);
		packet(&w, ms + 1, k.server, k.client, TCP_SYN | TCP_ACK, 500);
		world_close(&w);
		assert_int_equal(w.n, later ? 2 : 1);
		assert_int_equal(w.seen[w.n - 1].accepted, 1);
		assert_false(w.seen[w.n - 1].known);
		assert_int_equal(w.seen[w.n - 1].n_legs, 2);
	}
}

/* Two entries for one connection, as of two zones, and an entry twice. */
static void
test_twice(void **state)
{
	struct flow_known k = translated(false), inner = k;
	static struct world w;

	(void)state;
	inner.dialled = inner.server; /* of a zone behind the translation */
	for (int order = 0; order < 2; order++) {
		world_open(&w, 1024);
		assert_true(flow_table_know(w.ft, order ? &inner : &k, START));
		assert_true(flow_table_know(w.ft, order ? &k : &inner, START));
		assert_true(flow_table_know(w.ft, &k, START));
		assert_int_equal(flow_table_stats(w.ft)->known, 1);
		world_close(&w);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.seen[0].n_legs, 2);
	}
}

/* Who spoke first, where nobody saw who opened; UDP only with packets. */
static void
test_unsure(void **state)
{
	struct flow_known k = translated(false);
	static struct world w;

	(void)state;
	k.opened = false;
	world_open(&w, 1024);
	assert_true(flow_table_know(w.ft, &k, START));
	k.protocol = FLOW_UDP;
	k.silent = true;
	assert_true(flow_table_know(w.ft, &k, START));
	flow_table_tick(w.ft, START + 60000000);
	flow_table_flush(w.ft);
	assert_int_equal(flow_table_stats(w.ft)->strays, 0);
	world_close(&w);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.seen[0].protocol, FLOW_TCP);
	assert_int_equal(w.seen[0].opening, OPENING_FIRST);
}

/* What was open before us, and had no answer then: the kernel saw one. */
static void
test_answered(void **state)
{
	struct flow_known k = translated(false);
	static struct world w;

	(void)state;
	for (int later = 0; later < 2; later++) {
		world_open(&w, 1024);
		packet(&w, -100, k.client, k.dialled, TCP_SYN, 100);
		k.last_us = START + (later ? 0 : -7000000);
		assert_true(flow_table_know(w.ft, &k, START));
		flow_table_tick(w.ft, START + 5000000);
		flow_table_flush(w.ft);
		assert_int_equal(w.n, later);
		world_close(&w);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.seen[0].accepted, later);
		assert_int_equal(w.seen[0].packets, 1);
		assert_int_equal(w.seen[0].n_legs, 2);
	}
}

/* Both sides of a translation were open before us, each as one of its own: they
 * become one, and neither is one that the kernel alone knew. */
static void
test_both_open(void **state)
{
	struct flow_known k = translated(true);
	static struct world w;

	(void)state;
	world_open(&w, 1024);
	packet(&w, -5000, k.client, k.dialled, TCP_SYN, 100);
	packet(&w, -1000, k.seen, k.server, TCP_SYN, 900);
	assert_true(flow_table_know(w.ft, &k, START));
	assert_int_equal(flow_table_stats(w.ft)->known, 0);
	world_close(&w);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.seen[0].n_legs, 2);
}

/* The table keeps half of itself for what is to come. */
static void
test_bounded(void **state)
{
	struct flow_known k = translated(false);
	static struct world w;
	unsigned taken = 0;

	(void)state;
	k.silent = true; /* nothing of it is told */
	world_open(&w, 64);
	for (uint16_t i = 0; i < 64; i++) {
		k.client.port = (uint16_t)(1000 + i);
		k.seen.port = k.client.port;
		taken += flow_table_know(w.ft, &k, START);
	}
	assert_int_equal(taken, 16);
	assert_int_equal(flow_table_legs(w.ft), 32);
	world_close(&w);
	assert_int_equal(w.n, 0);
}

/* A connection with this answer, and its end: is it told so long after? */
static void
assert_told(uint8_t answer, bool is_over, int ms, bool is_told)
{
	const struct socket_addr c = at(client, 40000), s = at(server, 80);
	static struct world w;

	world_open(&w, 1024);
	packet(&w, 0, c, s, TCP_SYN, 100);
	if (answer != 0)
		packet(&w, 1, s, c, answer, 200);
	if (is_over) {
		packet(&w, 2, c, s, TCP_FIN | TCP_ACK, 101);
		packet(&w, 3, s, c, TCP_FIN | TCP_ACK, 201);
	}
	flow_table_tick(w.ft, START + (int64_t)ms * 1000);
	flow_table_flush(w.ft);
	flow_table_flush(w.ft);
	assert_int_equal(w.n, is_told);
	world_close(&w);
	assert_int_equal(w.n, 1);
	assert_true(w.seen[0].counted);
	assert_int_equal(w.seen[0].packets, 1 + (answer != 0) + 2 * is_over);
	assert_int_equal(w.seen[0].refused, answer == (TCP_RST | TCP_ACK));
}

/* A flush tells of what is decided as soon as its copies are joined, over or
 * not: a crash does not lose it. An opening may still be answered. */
static void
test_soon(void **state)
{
	(void)state;
	assert_told(TCP_SYN | TCP_ACK, false, 1600, true);
	assert_told(TCP_SYN | TCP_ACK, true, 1600, true);
	assert_told(TCP_RST | TCP_ACK, false, 1600, true);
	assert_told(TCP_SYN | TCP_ACK, false, 1400, false);
	assert_told(TCP_RST | TCP_ACK, false, 1400, false);
	assert_told(0, false, 1600, false);
	assert_told(0, false, 60000, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_speaks),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_both_open),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_soon),
	};

	return cmocka_run_group_tests_name("flow_known", tests, NULL, NULL);
}
