/* SPDX-License-Identifier: Apache-2.0 */
/* Legs of one connection that are late to be seen as one, and packets of
 * several that look like one. */
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
#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

#define POD_A "10.244.1.5"
#define POD_B "10.244.2.7"
#define VIP   "10.96.0.10"
#define NODE  "192.168.0.1"
#define EXT   "203.0.113.10"
#define EXT_2 "203.0.113.11"

enum { S = TCP_SYN, SA = TCP_SYN | TCP_ACK };

struct world {
	struct flow_table *ft;
	struct connection seen[SEEN_MAX];
	size_t n;
	uint64_t counted;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++) {
		assert_true(w->n < SEEN_MAX);
		memcpy(&w->seen[w->n++], &v[i], connection_bytes(&v[i]));
		w->counted += v[i].counted;
	}
}

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	struct ip_addr known;

	(void)arg;
	(void)at_us;
	if (ip_parse(&known, VIP) && ip_equal(ip, &known))
		return ADDRESS_CLASS_SERVICE;
	if (ip_parse(&known, NODE) && ip_equal(ip, &known))
		return ADDRESS_CLASS_NODE;
	return ip->b[12] == 10 ? ADDRESS_CLASS_POD : ADDRESS_CLASS_OTHER;
}

static void
world_open(struct world *w)
{
	const struct flow_table_config config = {
		.legs_max = 1024,
		.seed = 42,
		.view = { .classify = classify },
		.is_ticked = true,
		.sink = sink,
		.sink_arg = w,
	};

	memset(w, 0, sizeof(*w));
	assert_int_equal(flow_table_new(&w->ft, &config, NULL), RF_OK);
}

static void
world_close(struct world *w)
{
	flow_table_finish(w->ft);
	flow_table_free(w->ft);
}

struct sight {
	int ms;
	uint8_t type;
	uint32_t ifindex;
	const char *src;
	uint16_t sport;
	const char *dst;
	uint16_t dport;
	uint8_t flags;
	uint32_t seq, ack, tsval;
};

enum { IN = PACKET_HOST, OUT = PACKET_OUTGOING };

static void
play(struct world *w, const struct sight *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct packet p = {
			.ts_us = START + (int64_t)v[i].ms * 1000,
			.sport = v[i].sport,
			.dport = v[i].dport,
			.protocol = FLOW_TCP,
			.tcp_flags = v[i].flags,
			.type = v[i].type,
			.ifindex = v[i].ifindex,
			.ip_bytes = 60,
			.seq = v[i].seq,
			.ack = v[i].ack,
			.tsval = v[i].tsval,
		};

		assert_true(ip_parse(&p.src, v[i].src));
		assert_true(ip_parse(&p.dst, v[i].dst));
		flow_table_add(w->ft, &p, 1, NULL);
	}
}

/* A SYN that is repeated, as Linux does each second, until something on the
 * node lets it through: its policies, or a Service that has a backend now. */
static void
test_let_through_late(void **state)
{
	static const struct sight v[] = {
		{ 0, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 100 },
		{ 1010, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 1110 },
		{ 2030, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 2130 },
		{ 3050, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 3150 },
		{ 4070, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 4170 },
		{ 5090, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 5190 },
		{ 5090, OUT, 9, POD_A, 4000, POD_B, 8080, S, 1, 0, 5190 },
		{ 5091, IN, 9, POD_B, 8080, POD_A, 4000, SA, 70, 2, 9 },
		{ 5091, OUT, 7, VIP, 80, POD_A, 4000, SA, 70, 2, 9 },
	};
	static struct world w;

	(void)state;
	for (size_t without = 0; without < 2; without++) {
		world_open(&w);
		/* without: by the answer alone */
		play(&w, v, 5 + without);
		play(&w, v + 6, NELEM(v) - 6);
		world_close(&w);
		assert_int_equal(w.counted, 1);
		assert_int_equal(w.seen[0].n_legs, 2);
		assert_true(w.seen[0].accepted);
	}
}

/* One side of it was told by then, and the other, which a busy capture hands
 * over later, came before it: no second connection. */
static void
test_told_before(void **state)
{
	static const struct sight near[] = {
		{ 0, IN, 9, POD_A, 4000, POD_B, 8080, S, 1, 0, 100 },
		{ 300, OUT, 9, POD_B, 8080, POD_A, 4000, SA, 70, 2, 9 },
	};
	static const struct sight far[] = {
		{ -1, IN, 7, POD_A, 4000, VIP, 80, S, 1, 0, 100 },
		{ 301, OUT, 7, VIP, 80, POD_A, 4000, SA, 70, 2, 9 },
	};
	static struct world w;

	(void)state;
	world_open(&w);
	play(&w, near, NELEM(near));
	flow_table_tick(w.ft, START + 1600000);
	flow_table_flush(w.ft);
	assert_int_equal(w.counted, 1);
	play(&w, far, NELEM(far));
	world_close(&w);
	assert_int_equal(w.counted, 1);
}

/* Who looks for ports and hosts sends one number to all of them, without a
 * time: each is a connection of its own, with its own fate. */
static void
test_scan(void **state)
{
	enum { R = TCP_RST | TCP_ACK };
	static const struct sight v[] = {
		{ 0, IN, 7, POD_A, 4000, EXT, 22, S, 1, 0, 0 },
		{ 0, OUT, 2, NODE, 4000, EXT, 22, S, 1, 0, 0 },
		{ 1, IN, 7, POD_A, 4000, EXT, 443, S, 1, 0, 0 },
		{ 1, OUT, 2, NODE, 4000, EXT, 443, S, 1, 0, 0 },
		{ 2, IN, 7, POD_A, 4000, EXT, 80, S, 1, 0, 0 },
		{ 2, OUT, 2, NODE, 4000, EXT, 80, S, 1, 0, 0 },
		{ 3, IN, 7, POD_A, 4000, EXT_2, 22, S, 1, 0, 0 },
		{ 3, OUT, 2, NODE, 4000, EXT_2, 22, S, 1, 0, 0 },
		{ 4, IN, 2, EXT, 22, NODE, 4000, R, 0, 2, 0 },
		{ 4, OUT, 7, EXT, 22, POD_A, 4000, R, 0, 2, 0 },
		{ 5, IN, 2, EXT, 443, NODE, 4000, SA, 70, 2, 0 },
		{ 5, OUT, 7, EXT, 443, POD_A, 4000, SA, 70, 2, 0 },
		{ 6, IN, 2, EXT, 80, NODE, 4000, R, 0, 2, 0 },
		{ 6, OUT, 7, EXT, 80, POD_A, 4000, R, 0, 2, 0 },
		{ 7, IN, 2, EXT_2, 22, NODE, 4000, R, 0, 2, 0 },
		{ 7, OUT, 7, EXT_2, 22, POD_A, 4000, R, 0, 2, 0 },
	};
	static const struct sight nodes[] = {
		{ 0, IN, 7, POD_A, 4000, NODE, 22, S, 1, 0, 0 },
		{ 1, IN, 7, POD_A, 4000, NODE, 443, S, 1, 0, 0 },
		{ 2, OUT, 7, NODE, 22, POD_A, 4000, R, 0, 2, 0 },
		{ 3, OUT, 7, NODE, 443, POD_A, 4000, SA, 70, 2, 0 },
	};
	static struct world w;

	(void)state;
	world_open(&w);
	play(&w, v, NELEM(v));
	world_close(&w);
	assert_int_equal(w.counted, 4);
	for (size_t i = 0; i < w.n; i++) {
		assert_int_equal(w.seen[i].n_legs, 2);
		assert_int_equal(
		    w.seen[i].accepted, w.seen[i].legs[0].server.port == 443);
	}
	world_open(&w);
	play(&w, nodes, NELEM(nodes));
	world_close(&w);
	assert_int_equal(w.counted, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_let_through_late),
		cmocka_unit_test(test_told_before),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests_name("flow_join", tests, NULL, NULL);
}
