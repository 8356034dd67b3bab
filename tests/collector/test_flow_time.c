/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of months, and by clocks that were wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "core/flow.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define START  (1700000000 * SECOND)

#define CLIENT "10.244.1.5"
#define SERVER "10.244.2.7"

struct world {
	struct flow_table *ft;
	uint64_t counted, packets;
	int64_t first_us, last_us; /* of all that was told */
	int64_t longest_us;        /* that one lasted */
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++) {
		w->counted += v[i].counted;
		w->packets += v[i].packets;
		if (v[i].first_us < w->first_us)
			w->first_us = v[i].first_us;
		if (v[i].last_us > w->last_us)
			w->last_us = v[i].last_us;
		if (v[i].last_us - v[i].first_us > w->longest_us)
			w->longest_us = v[i].last_us - v[i].first_us;
	}
}

static void
world_open(struct world *w, bool is_ticked)
{
	struct flow_table_config config = { .legs_max = 64,
		.seed = 42,
		.is_ticked = is_ticked,
		.sink = sink,
		.sink_arg = w };
	struct rf_error err;

	*w = (struct world){ .first_us = INT64_MAX };
	assert_int_equal(flow_table_new(&w->ft, &config, &err), RF_OK);
}

static void
world_close(struct world *w)
{
	flow_table_finish(w->ft);
	flow_table_free(w->ft);
}

static struct packet
packet_of(int64_t us, bool back, uint16_t port, uint8_t protocol, uint8_t flags)
{
	static uint32_t n;
	struct packet p = { .ts_us = us,
		.sport = back ? 9000 : port,
		.dport = back ? port : 9000,
		.protocol = protocol,
		.tcp_flags = flags,
		.type = PACKET_TYPE_UNKNOWN,
		.ip_bytes = 60,
		.seq = ++n,
		.payload_bytes = flags & TCP_SYN ? 0 : 20,
		.payload_sum = 77 };

	assert_true(ip_parse(&p.src, back ? SERVER : CLIENT));
	assert_true(ip_parse(&p.dst, back ? CLIENT : SERVER));
	return p;
}

/* A question and its answer, always of the same bytes. */
static void
exchange(struct world *w, int64_t us, uint16_t port)
{
	const struct packet p[] = { packet_of(us, false, port, FLOW_UDP, 0),
		packet_of(us + 1000, true, port, FLOW_UDP, 0) };

	flow_table_add(w->ft, p, 2, NULL);
}

static void
say(struct world *w, int64_t us, bool back, uint8_t flags)
{
	struct packet p = packet_of(us, back, 40001, FLOW_TCP, flags);

	flow_table_add(w->ft, &p, 1, NULL);
}

static void
handshake(struct world *w, int64_t us)
{
	say(w, us, false, TCP_SYN);
	say(w, us + 1000, true, TCP_SYN | TCP_ACK);
	say(w, us + 2000, false, TCP_ACK);
}

/* What is days apart is no one exchange, and none of them lasted, also where
 * years lie in between or all of it is of one batch. */
static void
test_apart(void **state)
{
	static const int64_t gaps[] = { HOUR, DAY, 10 * DAY, 30 * DAY, 60 * DAY,
		3000 * DAY };

	(void)state;
	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
		struct packet p[24];
		struct world w;

		world_open(&w, false);
		for (int64_t i = 0; i < 12; i++)
			exchange(&w, START + i * gaps[g], 40000);
		world_close(&w);
		assert_int_equal(w.counted, 12);
		assert_int_equal(w.longest_us, 1000);
		assert_int_equal(w.first_us, START);
		assert_int_equal(w.last_us, START + 11 * gaps[g] + 1000);

		world_open(&w, false);
		for (int64_t i = 0; i < 24; i++)
			p[i] = packet_of(START + i / 2 * gaps[g] + i % 2 * 1000,
			    i % 2 != 0, 40000, FLOW_UDP, 0);
		flow_table_add(w.ft, p, 24, NULL);
		world_close(&w);
		assert_int_equal(w.counted, 12);
		assert_int_equal(w.longest_us, 1000);
	}
}

/* A host whose clock stood at 1970 until it was set. */
static void
test_before_it_was_set(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	exchange(&w, 30 * SECOND, 40000);
	exchange(&w, 31 * SECOND, 40002);
	exchange(&w, 2 * HOUR, 40000); /* the places of both are free */
	for (int64_t i = 0; i < 9; i++)
		exchange(&w, START + i * HOUR, 40000);
	world_close(&w);
	assert_int_equal(w.counted, 12);
	assert_int_equal(w.longest_us, 1000);
	assert_int_equal(w.first_us, 30 * SECOND);
}

/* One connection that goes on for two months beside short ones. */
static void
test_months(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	handshake(&w, START);
	for (int64_t us = START + HOUR / 2; us < START + 60 * DAY;
	     us += HOUR / 2) {
		say(&w, us, false, TCP_ACK);
		exchange(&w, us, 40000);
	}
	world_close(&w);
	assert_int_equal(w.counted, 1 + 60 * 48 - 1);
	assert_int_equal(w.packets, 3 + 3 * (60 * 48 - 1));
	assert_int_equal(w.longest_us, 60 * DAY - HOUR / 2);
}

/* Another whose ends only ask every two hours whether the other one is there,
 * and whose ports then have a new one. */
static void
test_keepalive(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	handshake(&w, START);
	for (int64_t us = START + HOUR / 2; us < START + 10 * DAY;
	     us += HOUR / 2) {
		exchange(&w, us, 40000);
		if ((us - START) % (2 * HOUR) != 0)
			continue;
		say(&w, us, false, TCP_ACK);
		say(&w, us + 1000, true, TCP_ACK);
	}
	handshake(&w, START + 10 * DAY);
	world_close(&w);
	assert_int_equal(w.counted, 1 + 10 * 48 - 1 + 1);
	assert_int_equal(
	    w.packets, 3 + 2 * (10 * 48 - 1) + 2 * (10 * 12 - 1) + 3);
}

/* The clock is put back by hours, or an exchange was of the far future. What
 * goes on is still one, and what is new is told apart again. */
static void
test_set_back(void **state)
{
	static const int64_t wrong_us[] = { 2 * HOUR, 20 * DAY, 40 * DAY,
		9000 * DAY };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong_us) / sizeof(wrong_us[0]); i++) {
		struct world w;

		world_open(&w, false);
		exchange(&w, START + wrong_us[i], 40002);
		handshake(&w, START);
		for (int64_t k = 1; k <= 100; k++)
			say(&w, START + k * SECOND, k % 2, TCP_ACK);
		for (int64_t k = 0; k < 20; k++)
			exchange(&w, START + (200 + k * 40) * SECOND, 40000);
		world_close(&w);
		assert_int_equal(w.counted, 1 + 1 + 20);
		assert_int_equal(w.packets, 2 + 3 + 100 + 40);
		assert_int_equal(w.first_us, START);
	}
}

/* Disorder, and a ring that was full of old frames, set nothing back. */
static void
test_disorder(void **state)
{
	struct world w;

	(void)state;
	for (int ticked = 0; ticked < 2; ticked++) {
		world_open(&w, ticked);
		handshake(&w, START);
		if (ticked)
			flow_table_tick(w.ft, START + HOUR / 2);
		for (int64_t k = 0; k < 200; k++) {
			say(&w, START + k * SECOND, k % 2, TCP_ACK);
			if (!ticked)
				say(&w, START + k * SECOND + HOUR / 2, k % 2,
				    TCP_ACK);
		}
		assert_int_equal(w.counted, 0);
		world_close(&w);
		assert_int_equal(w.counted, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_before_it_was_set),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_disorder),
	};

	return cmocka_run_group_tests_name("flow_time", tests, NULL, NULL);
}
