/* SPDX-License-Identifier: Apache-2.0 */
/* Very many exchanges at once: what is remembered of each is not pushed out by
 * the others, whatever places their hashes choose. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "core/flow.h"

#define SECOND  ((int64_t)1000000)
#define SERVER  "10.244.2.8"
#define SERVICE "10.96.0.10"

struct seen {
	size_t exchanges; /* as counted */
	size_t legs;
};

static struct flow_table *table;
static struct seen seen;
static struct ip_addr server, service;
static int64_t now_us;

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	(void)arg;
	(void)at_us;
	return ip_equal(ip, &service) ? ADDRESS_CLASS_SERVICE
				      : ADDRESS_CLASS_POD;
}

static void
sink(void *arg, const struct connection *v, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		seen.exchanges += v[i].counted;
		seen.legs += v[i].n_legs;
	}
}

static void
begin(uint64_t seed)
{
	struct flow_table_config config = { .legs_max = (uint32_t)1 << 17,
		.seed = seed,
		.view = { .classify = classify },
		.sink = sink };
	struct rf_error err;

	seen = (struct seen){ 0 };
	now_us = 1700000000 * SECOND;
	assert_true(ip_parse(&server, SERVER) && ip_parse(&service, SERVICE));
	assert_int_equal(flow_table_new(&table, &config, &err), RF_OK);
}

static void
end(void)
{
	flow_table_finish(table);
	flow_table_free(table);
}

/* Client k of very many. */
static struct ip_addr
client(uint32_t k)
{
	struct ip_addr ip;

	assert_true(ip_parse(&ip, "10.244.0.0"));
	ip.b[13] = (uint8_t)(200 + (k >> 16));
	ip.b[14] = (uint8_t)(k >> 8);
	ip.b[15] = (uint8_t)k;
	return ip;
}

/* A datagram of client k, or one for it. */
static void
sight(uint32_t k, const struct ip_addr *to, uint16_t port, bool is_answer,
    const uint8_t *payload, uint32_t n)
{
	struct ip_addr from = client(k);
	struct packet p = {
		.ts_us = now_us,
		.src = is_answer ? *to : from,
		.dst = is_answer ? from : *to,
		.sport = is_answer ? port : 40000,
		.dport = is_answer ? 40000 : port,
		.protocol = FLOW_UDP,
		.type = PACKET_TYPE_UNKNOWN,
		.ip_bytes = 28 + n,
		.payload_bytes = n,
		.payload_captured = n,
		.payload_sum = is_answer ? 0x4321 : 0x1234,
		.payload = payload,
	};

	flow_table_add(table, &p, 1, NULL);
}

static void
exchange_dns(uint32_t k)
{
	uint8_t msg[12] = { (uint8_t)(k >> 8), (uint8_t)k, 1 };

	sight(k, &server, 53, false, msg, sizeof(msg));
	msg[2] |= 0x80;
	sight(k, &server, 53, true, msg, sizeof(msg));
}

/* Each asks again from its socket, under its first question's id, when its
 * first exchange has been over for seconds. */
static void
test_second_questions(void **state)
{
	const uint32_t n = 30000;

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		begin(seed);
		for (uint32_t k = 0; k < n; k++, now_us += 50)
			exchange_dns(k);
		for (int i = 0; i < 75; i++, now_us += SECOND / 10)
			flow_table_tick(table, now_us);
		assert_int_equal(flow_table_legs(table), 0);
		for (uint32_t k = 0; k < n; k++, now_us += 50)
			exchange_dns(k);
		end();
		assert_int_equal(seen.exchanges, n);
	}
}

/* All send the same bytes to one Service, and all of that is seen behind it
 * only when it was seen before it. */
static void
test_heartbeats(void **state)
{
	const uint32_t n = 300;
	static const uint8_t beat[8] = "beat";

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		begin(seed);
		for (uint32_t k = 0; k < n; k++, now_us += 1500)
			sight(k, &service, 8125, false, beat, sizeof(beat));
		for (uint32_t k = 0; k < n; k++, now_us += 1500)
			sight(k, &server, 8125, false, beat, sizeof(beat));
		end();
		assert_int_equal(seen.exchanges, n);
		assert_int_equal(seen.legs, 2 * n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_questions),
		cmocka_unit_test(test_heartbeats),
	};

	return cmocka_run_group_tests_name("flow crowd", tests, NULL, NULL);
}
