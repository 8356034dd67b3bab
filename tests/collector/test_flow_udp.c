/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: of the same bytes by the port of a node, which rewrites both of
 * their ends, each exchange its own; between nodes whose clocks differ; and on
 * DNS's port, of what is no DNS. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "collector/leg_join.h"
#include "core/flow.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

#define NODE    "192.168.0.1"
#define NODE_2  "192.168.0.2"
#define EXT     "203.0.113.9"
#define EXT_2   "203.0.113.10"
#define GW      "10.244.1.0"
#define POD     "10.244.1.7"
#define WEB     "10.244.2.8"
#define WEB_2   "10.244.2.9"
#define DIALLED 30514
#define REACHED 5140

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	char buf[IP_STRLEN];

	(void)arg;
	(void)at_us;
	ip_format(ip, buf);
	if (strncmp(buf, "192.168.", 8) == 0 || strcmp(buf, GW) == 0)
		return ADDRESS_CLASS_NODE;
	return strncmp(buf, "10.244.", 7) == 0 ? ADDRESS_CLASS_POD
					       : ADDRESS_CLASS_OTHER;
}

static bool
leads_to(void *arg, const struct ip_addr *vip, uint16_t vport,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol, int64_t at_us)
{
	(void)arg;
	(void)at_us;
	(void)vip;
	(void)ip;
	return vport == DIALLED && port == REACHED && protocol == FLOW_UDP;
}

struct seen {
	struct connection v[8];
	size_t n;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct seen *seen = arg;

	assert_true(seen->n + n <= NELEM(seen->v));
	for (size_t i = 0; i < n; i++)
		memcpy(&seen->v[seen->n++], &v[i], connection_bytes(&v[i]));
}

/* A question and its answer, which is none of its own (SEMANTICS 52): what is
 * seen of them at the node. The client's port tells an exchange from others,
 * the node's is another one. */
struct exchange {
	const char *client, *server;
	uint16_t id; /* of the question; answers have none */
};

static struct flow_table *table;
static int64_t now_us;

static void
sight(const char *src, uint16_t sport, const char *dst, uint16_t dport,
    uint16_t id, bool is_answer)
{
	struct packet p = {
		.ts_us = now_us += 20,
		.sport = sport,
		.dport = dport,
		.protocol = FLOW_UDP,
		.type = PACKET_TYPE_UNKNOWN,
		.ip_bytes = 33,
		.ip_id = id,
		.payload_bytes = 5,
		.payload_sum = is_answer ? 0x4321 : 0x1234,
	};

	assert_true(ip_parse(&p.src, src) && ip_parse(&p.dst, dst));
	flow_table_add(table, &p, 1, NULL);
}

static void
play(const struct exchange *x, uint16_t number, bool made)
{
	uint16_t cport = (uint16_t)(40000 + number);
	uint16_t gport = (uint16_t)(50000 + number * 7);

	sight(x->client, cport, NODE, DIALLED, x->id, false);
	sight(GW, gport, x->server, REACHED, (uint16_t)(x->id + made), false);
	sight(x->server, REACHED, GW, gport, (uint16_t)(made ? x->id + 2 : 0),
	    true);
	sight(NODE, DIALLED, x->client, cport, (uint16_t)(made ? x->id + 3 : 0),
	    true);
}

/* One of the client's port alone: its ids tell whether they can be trusted. */
static void
show_ids(void)
{
	sight(EXT, 39999, NODE, DIALLED, 5, false);
	sight(EXT, 39999, WEB, REACHED, 6, false);
	sight(WEB, REACHED, EXT, 39999, 0, true);
	sight(NODE, DIALLED, EXT, 39999, 0, true);
	now_us += 2 * (int64_t)LEG_JOIN_WINDOW_MS * 1000;
}

static const struct {
	const char *name;
	struct exchange x[3];
	bool made; /* by a program: each sighting has an id of its own */
} cases[] = {
	/* clang-format off */
	{ "one client, one server, ids",
	  { { NODE_2, WEB, 7 }, { NODE_2, WEB, 8 }, { NODE_2, WEB, 9 } }, false },
	{ "one client, one server, no ids",
	  { { NODE_2, WEB, 0 }, { NODE_2, WEB, 0 }, { NODE_2, WEB, 0 } }, false },
	{ "clients outside and behind a node",
	  { { EXT, WEB, 7 }, { NODE_2, WEB, 8 }, { EXT_2, WEB, 9 } }, false },
	{ "a pod between clients outside, no ids",
	  { { EXT, WEB, 0 }, { POD, WEB_2, 0 }, { EXT_2, WEB, 0 } }, false },
	{ "by turns to two servers",
	  { { NODE_2, WEB, 7 }, { NODE_2, WEB_2, 8 }, { EXT, WEB, 9 } }, false },
	{ "two clients and ids, before anything else",
	  { { EXT, WEB, 7 }, { EXT_2, WEB_2, 8 }, { POD, WEB, 9 } }, false },
	{ "ids that no host gave",
	  { { EXT, WEB, 7 }, { EXT, WEB, 9 }, { EXT, WEB, 11 } }, true },
	/* clang-format on */
};

static void
open_table(struct seen *seen)
{
	struct flow_table_config config = { .legs_max = 1024,
		.seed = 42,
		.view = { .classify = classify, .leads_to = leads_to },
		.sink = sink,
		.sink_arg = seen };
	struct rf_error err;

	seen->n = 0;
	now_us = 1700000000000000;
	assert_int_equal(flow_table_new(&table, &config, &err), RF_OK);
}

static void
test_exchanges(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		static struct seen seen;

		open_table(&seen);
		if (cases[i].made)
			show_ids();
		for (uint16_t k = 0; k < 3; k++)
			play(&cases[i].x[k], k, cases[i].made);
		flow_table_finish(table);
		flow_table_free(table);
		if (seen.n != 3u + cases[i].made)
			fail_msg("%s: %zu exchanges", cases[i].name, seen.n);
		for (size_t k = 0; k < seen.n; k++) {
			assert_int_equal(seen.v[k].n_legs, 2);
			assert_int_equal(seen.v[k].packets, 2);
			assert_true(seen.v[k].both_ways);
		}
	}
}

/*
 * A pod asks another one by its Service; a while later that one asks itself,
 * and its node puts its own address in the place of the pod's. All is alike,
 * but that was just now.
 */
static void
test_itself_by_service(void **state)
{
	static struct seen seen;

	(void)state;
	open_table(&seen);
	sight(POD, 40000, NODE, DIALLED, 0, false);
	sight(POD, 40000, WEB, REACHED, 0, false);
	now_us += 35000;
	sight(WEB, 40001, NODE, DIALLED, 0, false);
	sight(GW, 40001, WEB, REACHED, 0, false);
	flow_table_finish(table);
	flow_table_free(table);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.v[0].n_legs, 2);
	assert_int_equal(seen.v[1].n_legs, 2);
}

/* Nothing has shown yet that its ids are of no use. */
static void
test_first_of_all(void **state)
{
	static const struct exchange x = { EXT, WEB, 7 };
	static struct seen seen;

	(void)state;
	open_table(&seen);
	play(&x, 0, true);
	flow_table_finish(table);
	flow_table_free(table);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].n_legs, 2);
}

/* That they are of none shows where two interfaces see one leg of TCP, too;
 * then also of a client whose address alone changes. */
static void
test_ids_of_a_leg(void **state)
{
	struct packet p = { .sport = 39999,
		.dport = 80,
		.protocol = FLOW_TCP,
		.type = PACKET_TYPE_UNKNOWN,
		.tcp_flags = 2,
		.seq = 77,
		.ip_bytes = 40 };
	static struct seen seen;

	(void)state;
	open_table(&seen);
	assert_true(ip_parse(&p.src, POD) && ip_parse(&p.dst, WEB));
	for (p.ip_id = 5; p.ip_id < 7; p.ip_id++) {
		p.ts_us = now_us += 20;
		flow_table_add(table, &p, 1, NULL);
	}
	sight(POD, 40000, EXT, 123, 7, false);
	sight(NODE, 50000, EXT, 123, 8, false);
	flow_table_finish(table);
	flow_table_free(table);
	assert_int_equal(seen.n, 2);
	for (size_t i = 0; i < seen.n; i++)
		if (seen.v[i].protocol == FLOW_UDP)
			assert_int_equal(seen.v[i].n_legs, 2);
}

static struct packet
datagram(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct packet p = { .ts_us = now_us += 1000,
		.sport = sport,
		.dport = dport,
		.protocol = FLOW_UDP,
		.ip_bytes = 40,
		.ip_id = 7,
		.payload_bytes = 12 };

	assert_true(ip_parse(&p.src, src) && ip_parse(&p.dst, dst));
	return p;
}

/* By their clocks it left on the server's interface before it left on that of
 * the client's node. */
static void
test_two_clocks(void **state)
{
	static const struct {
		uint8_t type, point;
		uint32_t ifindex;
	} v[] = { { PACKET_HOST, 1, 2 }, { PACKET_OUTGOING, 1, 9 },
		{ PACKET_HOST, 0, 5 }, { PACKET_OUTGOING, 0, 2 } };
	static struct seen seen;
	const struct connection_leg *leg = &seen.v[0].legs[0];

	(void)state;
	open_table(&seen);
	for (size_t i = 0; i < NELEM(v); i++) {
		struct packet p = datagram(WEB, 40000, WEB_2, 8125);

		p.type = v[i].type;
		p.point = v[i].point;
		p.ifindex = v[i].ifindex;
		flow_table_add(table, &p, 1, NULL);
	}
	flow_table_finish(table);
	flow_table_free(table);
	assert_int_equal(seen.n, 1);
	assert_int_equal(leg->last_out_if, 2);
	assert_int_equal(leg->last_out_point, 0);
	assert_int_equal(leg->other_out_if, 9);
	assert_int_equal(leg->other_out_point, 1);
}

/* The third byte of what is no DNS says nothing of who asks. */
static void
test_no_dns(void **state)
{
	static const uint8_t asks[] = { 1, 2, 0x93, 4, 5, 6, 7, 8, 9, 1, 2, 3 };
	static const uint8_t says[] = { 1, 2, 0x13, 4, 5, 6, 7, 8, 9, 1, 2, 3 };
	struct packet v[2];
	static struct seen seen;

	(void)state;
	open_table(&seen);
	v[0] = datagram(EXT, 40000, WEB, 53);
	v[1] = datagram(WEB, 53, EXT, 40000);
	v[0].payload = asks;
	v[1].payload = says;
	for (size_t i = 0; i < NELEM(v); i++) {
		v[i].type = PACKET_TYPE_UNKNOWN;
		v[i].payload_captured = sizeof(asks);
		flow_table_add(table, &v[i], 1, NULL);
	}
	flow_table_finish(table);
	flow_table_free(table);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].opening, OPENING_FIRST);
	assert_int_equal(seen.v[0].legs[0].server.port, 53);
}

/* Both ends differ, and no Service leads from the one to the other: a pod asks
 * a Service what the node asks a server outside. One id says that it is one
 * packet; none, as IPv6 has and many datagrams of IPv4, says nothing. */
static void
test_no_id(void **state)
{
	(void)state;
	for (uint16_t id = 0; id < 2; id++) {
		static struct seen seen;

		open_table(&seen);
		sight(POD, 40000, NODE_2, 123, id, false);
		sight(NODE, 50000, EXT, 123, id, false);
		flow_table_finish(table);
		flow_table_free(table);
		assert_int_equal(seen.n, id == 0 ? 2 : 1);
	}
}

/* One end differs, and is a node's on both sides: only a nodePort makes the one
 * of the other. */
static void
test_two_nodes(void **state)
{
	static const struct {
		const char *client[2], *server[2];
		uint16_t cport[2], sport[2];
		size_t want;
	} v[] = {
		{ { NODE, NODE_2 }, { WEB, WEB }, { 40000, 40007 },
		    { REACHED, REACHED }, 2 },
		{ { POD, POD }, { NODE, NODE_2 }, { 40000, 40000 },
		    { 123, 123 }, 2 },
		{ { POD, POD }, { NODE, NODE_2 }, { 40000, 40000 },
		    { DIALLED, REACHED }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(v); i++) {
		static struct seen seen;

		open_table(&seen);
		for (size_t k = 0; k < 2; k++) {
			sight(v[i].client[k], v[i].cport[k], v[i].server[k],
			    v[i].sport[k], 0, false);
			sight(v[i].server[k], v[i].sport[k], v[i].client[k],
			    v[i].cport[k], 0, true);
		}
		flow_table_finish(table);
		flow_table_free(table);
		assert_int_equal(seen.n, v[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_itself_by_service),
		cmocka_unit_test(test_first_of_all),
		cmocka_unit_test(test_ids_of_a_leg),
		cmocka_unit_test(test_two_clocks), cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_no_dns) };

	return cmocka_run_group_tests_name("flow udp", tests, NULL, NULL);
}
