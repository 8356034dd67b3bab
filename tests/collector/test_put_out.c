/* SPDX-License-Identifier: Apache-2.0 */
/* More connections at once than the table has legs: each is told once, and what
 * it sends after it was put out is more of the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/flow_table.h"
#include "collector/put_out.h"
#include "core/flow.h"

#define TALKS 300

struct world {
	struct flow_table *ft;
	uint64_t counted, packets;
	unsigned reversed; /* told with the server as the client */
	unsigned midstream;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++) {
		w->counted += v[i].counted;
		w->packets += v[i].packets;
		w->reversed += v[i].legs[0].server.port != 443;
		w->midstream += v[i].protocol == FLOW_TCP && !v[i].accepted;
	}
}

static void
world_open(struct world *w)
{
	struct flow_table_config config = {
		.legs_max = 64, .seed = 42, .sink = sink, .sink_arg = w
	};

	memset(w, 0, sizeof(*w));
	assert_int_equal(flow_table_new(&w->ft, &config, NULL), RF_OK);
}

/* A packet of talk i, to the server or back; of UDP if it has no flags. */
static void
say(struct world *w, int64_t ms, int i, bool back, uint8_t flags, uint32_t seq,
    uint32_t bytes)
{
	struct packet p = {
		.ts_us = 1700000000000000 + ms * 1000,
		.sport = back ? 443 : (uint16_t)(30000 + i),
		.dport = back ? (uint16_t)(30000 + i) : 443,
		.protocol = flags != 0 ? FLOW_TCP : FLOW_UDP,
		.tcp_flags = flags,
		.type = PACKET_TYPE_UNKNOWN,
		.ip_bytes = 40 + bytes,
		.seq = seq + (uint32_t)i * 1000, /* no copies */
		.payload_bytes = bytes,
		.payload_sum = (uint16_t)(2 * ms + back + 1),
	};
	struct ip_addr a, b;

	assert_true(ip_parse(&a, "10.244.1.5"));
	assert_true(ip_parse(&b, "203.0.113.9"));
	p.src = back ? b : a;
	p.dst = back ? a : b;
	flow_table_add(w->ft, &p, 1, NULL);
}

/* All are opened, then each speaks in turn, from both sides; then they end. */
static void
test_tcp(void **state)
{
	struct world w;
	int ms = 0;

	(void)state;
	world_open(&w);
	for (int i = 0; i < TALKS; i++) {
		say(&w, ms++, i, false, TCP_SYN, 100, 0);
		say(&w, ms, i, true, TCP_SYN | TCP_ACK, 500, 0);
	}
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < TALKS; i++)
			say(&w, ms++, i, round & 1, TCP_ACK,
			    round & 1 ? 501 : 101, 9);
	for (int i = 0; i < TALKS; i++) {
		say(&w, ms++, i, true, TCP_ACK | TCP_FIN, 520, 0);
		say(&w, ms++, i, false, TCP_ACK | TCP_FIN, 120, 0);
	}
	/* the last acknowledgements, when all of their legs are gone */
	for (int i = 0; i < TALKS; i++)
		say(&w, ms++, i, true, TCP_ACK, 521, 0);
	assert_true(flow_table_stats(w.ft)->forced_out > TALKS);
	assert_int_equal(flow_table_stats(w.ft)->forgotten, 0);
	flow_table_finish(w.ft);
	flow_table_free(w.ft);
	assert_int_equal(w.counted, TALKS);
	assert_int_equal(w.packets, TALKS * 9);
	assert_int_equal(w.reversed, 0);
	assert_int_equal(w.midstream, 0);
}

/* Answered datagrams, which are put out before anything else is. */
static void
test_udp(void **state)
{
	struct world w;
	int ms = 0;

	(void)state;
	world_open(&w);
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < TALKS; i++) {
			say(&w, ms++, i, round == 1, 0, 0, 30);
			say(&w, ms, i, round != 1, 0, 0, 60);
		}
	assert_int_equal(flow_table_stats(w.ft)->forgotten, 0);
	flow_table_finish(w.ft);
	flow_table_free(w.ft);
	assert_int_equal(w.counted, TALKS);
	assert_int_equal(w.packets, TALKS * 10);
	assert_int_equal(w.reversed, 0);
}

/* Ports of UDP come round: half an hour later it is another exchange. */
static void
test_udp_later(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < TALKS; i++)
			say(&w, round * 1800000 + i, i, false, 0, 0, 30);
	flow_table_finish(w.ft);
	flow_table_free(w.ft);
	assert_int_equal(w.counted, 2 * TALKS);
}

/* A SYN on its ports is another connection. */
static void
test_syn(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < TALKS; i++)
			say(&w, round * 60000 + i, i, false, TCP_SYN,
			    100 + (uint32_t)round, 0);
	flow_table_finish(w.ft);
	flow_table_free(w.ft);
	assert_int_equal(w.counted, 2 * TALKS);
}

/* A stray acknowledgement makes place before anything that lives does. */
static void
test_tails(void **state)
{
	struct world w;
	int ms = 0;

	(void)state;
	world_open(&w);
	for (int i = 0; i < 30; i++) {
		say(&w, ms++, i, false, TCP_SYN, 100, 0);
		say(&w, ms++, i, true, TCP_SYN | TCP_ACK, 500, 0);
	}
	for (int i = 0; i < 5000; i++)
		say(&w, ms++, 100 + i, false, TCP_ACK, 100, 0);
	assert_in_range(flow_table_stats(w.ft)->forced_out, 0, 300);
	say(&w, ms + 20000, 6000, false, TCP_ACK, 100, 0);
	flow_table_tick(w.ft, 1700000000000000 + (int64_t)(ms + 40000) * 1000);
	flow_table_tick(w.ft, 1700000000000000 + (int64_t)(ms + 50000) * 1000);
	assert_in_range(flow_table_legs(w.ft), 30, 31);
	flow_table_finish(w.ft);
	flow_table_free(w.ft);
	assert_int_equal(w.counted, 30);
}

static struct leg_key
key_of(uint32_t i)
{
	struct leg_key key = { .lo_port = (uint16_t)i,
		.hi_port = (uint16_t)(i >> 16),
		.protocol = FLOW_TCP };

	return key;
}

/* What it holds, whose flags, and that it says what it forgot. */
static void
test_memory(void **state)
{
	struct put_out *po = put_out_new(7);
	const uint32_t n = 1 << 20;
	struct leg_key key;
	uint64_t found = 0;
	uint32_t flags;

	(void)state;
	assert_non_null(po);
	for (uint32_t i = 0; i < n; i++) {
		key = key_of(i);
		put_out_remember(po, &key, i * 0x9e3779b1u,
		    LEG_LIVE | (i & LEG_PAIRS) | (i & 1 ? LEG_FIRST_LO : 0), i);
	}
	for (uint32_t i = 0; i < n; i++) {
		key = key_of(i);
		if (!put_out_recall(po, &key, i * 0x9e3779b1u, n, &flags))
			continue;
		assert_int_equal(
		    flags, (i & LEG_PAIRS) | (i & 1 ? LEG_FIRST_LO : 0));
		assert_false(
		    put_out_recall(po, &key, i * 0x9e3779b1u, n, &flags));
		found++;
	}
	assert_int_equal(found + put_out_forgotten(po), n);
	assert_int_equal(found, 1 << 19);
	put_out_free(po);
}

/* What the table counts milliseconds from is moved after 25 days: datagrams
 * that were put out just before are known again, but not an hour later. */
static void
test_weeks(void **state)
{
	const int64_t weeks_ms = (int64_t)1 << 31;

	(void)state;
	for (int late = 0; late < 2; late++) {
		int64_t at_ms = weeks_ms + (late ? 3600000 : 10000);
		struct world w;

		world_open(&w);
		say(&w, 0, TALKS, false, 0, 0, 30);
		for (int i = 0; i < TALKS; i++)
			say(&w, weeks_ms - 5000 + i, i, false, 0, 0, 30);
		flow_table_tick(w.ft, 1700000000000000 + at_ms * 1000);
		for (int i = 0; i < TALKS; i++)
			say(&w, at_ms + i, i, false, 0, 0, 30);
		flow_table_finish(w.ft);
		flow_table_free(w.ft);
		assert_int_equal(w.counted, 1 + TALKS + late * TALKS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_later),
		cmocka_unit_test(test_syn),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_weeks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
