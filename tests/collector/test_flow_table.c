/* SPDX-License-Identifier: Apache-2.0 */
/* Invented worlds of sightings: each connection must come out once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "core/flow.h"
#include "tests/support/case_table.h"

#define MAX_SEEN 4096

/* Addresses of the world; the first letter of the name says the class. */
#define POD_A  "10.244.1.5"
#define POD_B  "10.244.2.7"
#define POD_C  "10.244.1.6"
#define NODE_1 "192.168.0.1"
#define NODE_2 "192.168.0.2"
#define VIP    "10.96.0.10"
#define EXT    "203.0.113.9"

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	char buf[IP_STRLEN];

	(void)arg;
	(void)at_us;
	ip_format(ip, buf);
	if (strncmp(buf, "10.244.", 7) == 0)
		return ADDRESS_CLASS_POD;
	if (strncmp(buf, "10.96.", 6) == 0)
		return ADDRESS_CLASS_SERVICE;
	if (strncmp(buf, "192.168.", 8) == 0)
		return ADDRESS_CLASS_NODE;
	return ADDRESS_CLASS_OTHER;
}

struct world {
	struct flow_table *ft;
	struct connection seen[MAX_SEEN];
	size_t n;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct world *w = arg;

	assert_true(w->n + n <= MAX_SEEN);
	for (size_t i = 0; i < n; i++)
		memcpy(&w->seen[w->n++], &v[i], connection_bytes(&v[i]));
}

static void
world_open(struct world *w, uint32_t legs_max)
{
	struct flow_table_config config = {
		.legs_max = legs_max,
		.seed = 42,
		.view = { .classify = classify },
		.sink = sink,
		.sink_arg = w,
	};
	struct rf_error err;

	w->n = 0;
	assert_int_equal(flow_table_new(&w->ft, &config, &err), RF_OK);
}

static void
world_close(struct world *w)
{
	flow_table_finish(w->ft);
	flow_table_free(w->ft);
}

/* One sighting, in milliseconds; of TCP unless proto says otherwise. */
struct sight {
	int ms;
	uint8_t type; /* enum packet_type */
	uint32_t ifindex;
	const char *src;
	uint16_t sport;
	const char *dst;
	uint16_t dport;
	uint8_t flags;
	uint32_t seq, ack, len;
	uint8_t proto;
	uint16_t sum;
	uint8_t point;
};

static struct packet
packet_of(const struct sight *s)
{
	struct packet p = {
		.ts_us = 1700000000000000 + (int64_t)s->ms * 1000,
		.sport = s->sport,
		.dport = s->dport,
		.protocol = s->proto != 0 ? s->proto : FLOW_TCP,
		.tcp_flags = s->flags,
		.type = s->type,
		.ifindex = s->ifindex,
		.point = s->point,
		.place = s->point,
		.ip_bytes = 40 + s->len,
		.seq = s->seq,
		.ack = s->ack,
		.payload_bytes = s->len,
		.payload_sum = s->sum,
	};

	assert_true(ip_parse(&p.src, s->src));
	assert_true(ip_parse(&p.dst, s->dst));
	return p;
}

static void
play(struct world *w, const struct sight *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct packet p = packet_of(&s[i]);

		flow_table_add(w->ft, &p, 1, NULL);
	}
}

enum {
	IN = PACKET_HOST,
	P = PACKET_OTHERHOST,
	OUT = PACKET_OUTGOING,
	ANY = PACKET_TYPE_UNKNOWN
};
enum {
	S = TCP_SYN,
	SA = TCP_SYN | TCP_ACK,
	A = TCP_ACK,
	D = TCP_ACK | TCP_PSH,
	F = TCP_ACK | TCP_FIN,
	R = TCP_RST,
	RA = TCP_RST | TCP_ACK
};
enum { U = FLOW_UDP, T = FLOW_TCP };

/* clang-format off */
/* Pod A dials a ClusterIP and reaches pod B on the other node. */
static const struct sight dnat[] = {
	{ 0, P,   7, POD_A, 40000, VIP,   80,    S,  100, 0,   0, T, 0, 0 },
	{ 0, OUT, 2, POD_A, 40000, POD_B, 8080,  S,  100, 0,   0, T, 0, 0 },
	{ 1, IN,  2, POD_A, 40000, POD_B, 8080,  S,  100, 0,   0, T, 0, 1 },
	{ 1, OUT, 9, POD_A, 40000, POD_B, 8080,  S,  100, 0,   0, T, 0, 1 },
	{ 1, P,   9, POD_B, 8080,  POD_A, 40000, SA, 900, 101, 0, T, 0, 1 },
	{ 1, OUT, 2, POD_B, 8080,  POD_A, 40000, SA, 900, 101, 0, T, 0, 1 },
	{ 2, IN,  2, POD_B, 8080,  POD_A, 40000, SA, 900, 101, 0, T, 0, 0 },
	{ 2, OUT, 7, VIP,   80,    POD_A, 40000, SA, 900, 101, 0, T, 0, 0 },
	{ 3, P,   7, POD_A, 40000, VIP,   80,    D,  101, 901, 9, T, 0, 0 },
	{ 3, OUT, 2, POD_A, 40000, POD_B, 8080,  D,  101, 901, 9, T, 0, 0 },
};
/* The API server through its Service, with the node's address and port. */
static const struct sight masquerade_midstream[] = {
	{ 0, P,   7, POD_A,  40000, VIP,    443,   D, 50, 60, 9, T, 0, 0 },
	{ 0, OUT, 2, NODE_1, 51111, NODE_2, 6443,  D, 50, 60, 9, T, 0, 0 },
	{ 1, IN,  2, NODE_2, 6443,  NODE_1, 51111, D, 60, 59, 5, T, 0, 0 },
	{ 1, OUT, 7, VIP,    443,   POD_A,  40000, D, 60, 59, 5, T, 0, 0 },
};
/* Two clients of one node ask the same of one server outside, masqueraded. */
static const struct sight twins[] = {
	{ 0, P,   7, POD_A,  40000, EXT, 53, 0, 0, 0, 30, U, 0x1234, 0 },
	{ 0, OUT, 2, NODE_1, 51111, EXT, 53, 0, 0, 0, 30, U, 0x1234, 0 },
	{ 1, P,   8, POD_C,  40000, EXT, 53, 0, 0, 0, 30, U, 0x1234, 0 },
	{ 1, OUT, 2, NODE_1, 51112, EXT, 53, 0, 0, 0, 30, U, 0x1234, 0 },
};
static const struct sight repeated_syn[] = {
	{ 0,    P,   7, POD_A, 40000, EXT, 443, S, 77, 0, 0, T, 0, 0 },
	{ 1000, P,   7, POD_A, 40000, EXT, 443, S, 77, 0, 0, T, 0, 0 },
	{ 3000, P,   7, POD_A, 40000, EXT, 443, S, 77, 0, 0, T, 0, 0 },
};
static const struct sight port_reused[] = {
	{ 0, ANY, 0, POD_A, 40000, POD_B, 80,    S,  1,    0,  0, T, 0, 0 },
	{ 1, ANY, 0, POD_B, 80,    POD_A, 40000, SA, 500,  2,  0, T, 0, 0 },
	{ 2, ANY, 0, POD_A, 40000, POD_B, 80,    F,  2,  501,  0, T, 0, 0 },
	{ 3, ANY, 0, POD_B, 80,    POD_A, 40000, F,  501,  3,  0, T, 0, 0 },
	{ 4, ANY, 0, POD_A, 40000, POD_B, 80,    A,  3,  502,  0, T, 0, 0 },
	{ 5, ANY, 0, POD_A, 40000, POD_B, 80,    S,  9999, 0,  0, T, 0, 0 },
	{ 6, ANY, 0, POD_B, 80,    POD_A, 40000, SA, 88, 10000, 0, T, 0, 0 },
};
/* A long one, without its handshake, on ports that were just closed. */
static const struct sight midstream_reuse[] = {
	{ 0, ANY, 0, POD_A, 40000, POD_B, 80,    S,  1,   0,  0, T, 0, 0 },
	{ 1, ANY, 0, POD_B, 80,    POD_A, 40000, RA, 0,   2,  0, T, 0, 0 },
	{ 9, ANY, 0, POD_A, 40000, POD_B, 80,    D, 80000000, 7, 9, T, 0, 0 },
};
static const struct sight syn_ack_first[] = {
	{ 0, ANY, 0, POD_B, 80,    POD_A, 40000, SA, 500,  2,  0, T, 0, 0 },
	{ 0, ANY, 0, POD_A, 40000, POD_B, 80,    S,  1,    0,  0, T, 0, 0 },
	{ 1, ANY, 0, POD_A, 40000, POD_B, 80,    D,  2,  501,  9, T, 0, 0 },
};
static const struct sight refused[] = {
	{ 0, P,   7, POD_A, 40000, POD_B, 81,    S,  1, 0, 0, T, 0, 0 },
	{ 0, OUT, 9, POD_A, 40000, POD_B, 81,    S,  1, 0, 0, T, 0, 0 },
	{ 1, P,   9, POD_B, 81,    POD_A, 40000, RA, 0, 2, 0, T, 0, 0 },
};
static const struct sight tail[] = { /* nothing but the end of something */
	{ 0, ANY, 0, POD_A, 40000, POD_B, 80,    A, 3, 502, 0, T, 0, 0 },
};
static const struct sight udp_pause[] = {
	{ 0,     ANY, 0, POD_A, 40000, EXT, 123, 0, 0, 0, 48, U, 5, 0 },
	{ 1,     ANY, 0, EXT, 123, POD_A, 40000, 0, 0, 0, 48, U, 6, 0 },
	{ 60000, ANY, 0, POD_A, 40000, EXT, 123, 0, 0, 0, 48, U, 7, 0 },
};
/* A client from outside through a balancer: both its ends are rewritten. */
static const struct sight balancer[] = {
	{ 0, IN,  2, EXT,    40000, VIP,   80,   S, 5, 0, 0, T, 0, 0 },
	{ 0, OUT, 9, NODE_1, 50000, POD_B, 8080, S, 5, 0, 0, T, 0, 0 },
};
/* The same payload to two name servers at once is two exchanges. */
static const struct sight two_resolvers[] = {
	{ 0, P, 7, POD_A, 40000, "203.0.113.1", 53, 0, 0, 0, 30, U, 9, 0 },
	{ 0, P, 7, POD_A, 40000, "203.0.113.2", 53, 0, 0, 0, 30, U, 9, 0 },
};
/* What comes in and goes out nowhere was dropped; at each point by itself. */
static const struct sight only_in[] = {
	{ 0, P,   7, POD_A, 40000, POD_B, 80,    S, 1, 0, 0, T, 0, 0 },
	{ 0, IN,  3, POD_A, 40000, POD_B, 80,    S, 1, 0, 0, T, 0, 0 },
};
static const struct sight lost_behind[] = {
	{ 0, P,   7, POD_A, 40000, POD_B, 80,    S, 1, 0, 0, T, 0, 0 },
	{ 0, OUT, 2, POD_A, 40000, POD_B, 80,    S, 1, 0, 0, T, 0, 0 },
	{ 1, IN,  2, POD_A, 40000, POD_B, 80,    S, 1, 0, 0, T, 0, 1 },
};
/* The node gives the port on which it left to another connection. */
static const struct sight port_taken[] = {
	{ 0, P,   7, POD_A,  40000, EXT, 443,    S, 1, 0, 0, T, 0, 0 },
	{ 0, OUT, 2, NODE_1, 50000, EXT, 443,    S, 1, 0, 0, T, 0, 0 },
	{ 9, P,   8, POD_C,  40000, EXT, 443,    S, 5, 0, 0, T, 0, 0 },
	{ 9, OUT, 2, NODE_1, 50000, EXT, 443,    S, 5, 0, 0, T, 0, 0 },
};
static const struct world_case {
	const char *name;
	const struct sight *sights;
	size_t n;
	size_t connections, legs; /* legs of the first one */
	uint64_t packets;         /* of the first one */
	bool accepted, refused, left; /* the first one */
} world_cases[] = {
	{ "DNAT over two nodes",     dnat, NELEM(dnat), 1, 2, 3, true, false, true },
	{ "masquerade, midstream",   masquerade_midstream, 4, 1, 2, 2, false, false, true },
	{ "two masqueraded twins",   twins, NELEM(twins), 2, 2, 1, false, false, true },
	{ "repeated SYN",            repeated_syn, 3, 1, 1, 3, false, false, false },
	{ "port reused",             port_reused, 7, 2, 1, 5, true, false, false },
	{ "port reused, midstream",  midstream_reuse, 3, 2, 1, 2, false, true, false },
	{ "SYN-ACK captured first",  syn_ack_first, 3, 1, 1, 3, true, false, false },
	{ "refused",                 refused, 3, 1, 1, 2, false, true, true },
	{ "only a tail",             tail, 1, 0, 0, 0, false, false, false },
	{ "UDP with a long pause",   udp_pause, 3, 2, 1, 2, false, false, false },
	{ "balancer",                balancer, 2, 1, 2, 1, false, false, true },
	{ "two resolvers",           two_resolvers, 2, 2, 1, 1, false, false, false },
	{ "dropped",                 only_in, 2, 1, 1, 1, false, false, false },
	{ "dropped at the other",    lost_behind, 3, 1, 1, 1, false, false, false },
	{ "its port was given away", port_taken, 4, 2, 1, 1, false, false, true },
};
/* clang-format on */

static void
test_world(void **state)
{
	const struct world_case *wc = *state;
	static struct world w;

	world_open(&w, 1024);
	play(&w, wc->sights, wc->n);
	world_close(&w);
	assert_int_equal(w.n, wc->connections);
	if (w.n == 0)
		return;
	assert_int_equal(w.seen[0].n_legs, wc->legs);
	assert_int_equal(w.seen[0].packets, wc->packets);
	assert_int_equal(w.seen[0].accepted, wc->accepted);
	assert_int_equal(w.seen[0].refused, wc->refused);
	assert_int_equal(w.seen[0].left, wc->left);
}

static void
test_order_of_legs(void **state)
{
	static struct world w;
	struct ip_addr vip, pod;

	(void)state;
	world_open(&w, 1024);
	play(&w, dnat, NELEM(dnat));
	world_close(&w);
	assert_true(ip_parse(&vip, VIP));
	assert_true(ip_parse(&pod, POD_B));
	assert_int_equal(w.n, 1);
	assert_true(ip_equal(&w.seen[0].legs[0].server.ip, &vip));
	assert_true(ip_equal(&w.seen[0].legs[1].server.ip, &pod));
	assert_int_equal(w.seen[0].legs[1].server.port, 8080);
	assert_int_equal(w.seen[0].opening, OPENING_HANDSHAKE);
	assert_true(w.seen[0].entered && w.seen[0].left);
}

/* One DNS message of that id, between the client's port and the server. */
static void
play_dns(struct world *w, int ms, bool response, uint16_t port, uint16_t id)
{
	static uint8_t msg[12];
	struct sight s = { ms, ANY, 0, POD_A, port, POD_B, 53, 0, 0, 0, 40, U,
		0, 0 };
	struct packet p;

	if (response) {
		s.src = POD_B;
		s.sport = 53;
		s.dst = POD_A;
		s.dport = port;
	}
	p = packet_of(&s);
	memset(msg, 0, sizeof(msg));
	msg[0] = (uint8_t)(id >> 8);
	msg[1] = (uint8_t)id;
	msg[2] = response ? 0x80 : 0;
	p.payload = msg;
	p.payload_captured = sizeof(msg);
	p.payload_sum = (uint16_t)(id * 2 + response);
	flow_table_add(w->ft, &p, 1, NULL);
}

/* A port that comes round: once all questions had their answers the next one
 * begins another exchange; while one waits (the other family, late) not. */
static void
test_dns_port_reused(void **state)
{
	static struct world w;

	(void)state;
	world_open(&w, 1024);
	play_dns(&w, 0, false, 40000, 1);
	play_dns(&w, 0, false, 40000, 2);
	play_dns(&w, 1, true, 40000, 1);
	play_dns(&w, 4000, false, 40000, 2); /* again */
	play_dns(&w, 4001, true, 40000, 2);
	play_dns(&w, 7000, false, 40000, 3);
	play_dns(&w, 7001, true, 40000, 3);
	world_close(&w);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.seen[0].packets, 5);
	assert_int_equal(w.seen[0].opening, OPENING_HANDSHAKE);
	assert_int_equal(w.seen[1].packets, 2);
}

/* The other family asked late under one id, an answer that comes again: no
 * other exchange, also after the leg was forgotten. Another id, or the same
 * when a resolver would not ask any more, is one. */
static void
test_dns_more(void **state)
{
	static struct world w;
	size_t counted = 0;

	(void)state;
	world_open(&w, 1024);
	play_dns(&w, 0, false, 40000, 1);
	play_dns(&w, 1, true, 40000, 1);
	play_dns(&w, 1900, false, 40000, 1);
	play_dns(&w, 1901, true, 40000, 1);
	for (int ms = 6000; ms <= 10000; ms += 4000) {
		flow_table_tick(w.ft, 1700000000000000 + INT64_C(1000) * ms);
		assert_int_equal(flow_table_legs(w.ft), 0);
		play_dns(&w, ms, false, 40000, 1);
		play_dns(&w, ms + 1, true, 40000, 1);
	}
	play_dns(&w, 10500, true, 40000, 1);
	play_dns(&w, 12000, false, 40000, 2);
	play_dns(&w, 12001, true, 40000, 2);
	play_dns(&w, 13500, false, 40000, 3);
	play_dns(&w, 13501, true, 40000, 3);
	play_dns(&w, 24000, false, 40000, 3);
	world_close(&w);
	for (size_t i = 0; i < w.n; i++)
		counted += w.seen[i].counted;
	assert_int_equal(counted, 4);
}

static void
count_exchanges(void *arg, const struct connection *v, size_t n)
{
	*(size_t *)arg += n;
	while (n-- > 0)
		assert_true(
		    v[n].counted && v[n].both_ways && v[n].packets == 4);
}

/* Three times as many exchanges as there is room for within the longest
 * silence of one: none is taken apart. */
static void
test_dns_crowded(void **state)
{
	struct flow_table_config config = {
		.legs_max = 1024, .seed = 42, .sink = count_exchanges
	};
	struct world w = { .n = 0 };
	size_t told = 0;
	const int n = 9000;

	(void)state;
	config.sink_arg = &told;
	assert_int_equal(flow_table_new(&w.ft, &config, NULL), RF_OK);
	for (int i = 0; i < n + 50; i++)
		for (int step = 0; step < 4; step++) {
			int which = i - step * 15; /* 50 ms apart */

			if (which >= 0 && which < n)
				play_dns(&w, i * 10 / 3, step % 2 == 1,
				    (uint16_t)(20000 + which),
				    (uint16_t)(which * 2 + step / 2));
		}
	assert_int_equal(flow_table_stats(w.ft)->forced_out, 0);
	world_close(&w);
	assert_int_equal(told, n);
}

/* The port that a node's masquerade gave a connection comes round while the
 * client goes on with it: two connections, whichever packets go on with them.
 */
static void
test_masquerade_reused(void **state)
{
	static const struct sight s[] = {
		{ 0, IN, 7, POD_A, 4000, EXT, 443, S, 100, 0, 0, T, 0, 0 },
		{ 0, OUT, 2, NODE_1, 5000, EXT, 443, S, 100, 0, 0, T, 0, 0 },
		{ 1, IN, 2, EXT, 443, NODE_1, 5000, SA, 7, 101, 0, T, 0, 0 },
		{ 1, OUT, 7, EXT, 443, POD_A, 4000, SA, 7, 101, 0, T, 0, 0 },
		{ 2, IN, 7, POD_A, 4000, EXT, 443, A, 101, 8, 50, T, 3, 0 },
		{ 2, OUT, 2, NODE_1, 5000, EXT, 443, A, 101, 8, 50, T, 3, 0 },
		{ 90, IN, 8, POD_C, 4000, EXT, 443, S, 900, 0, 0, T, 0, 0 },
		{ 90, OUT, 2, NODE_1, 5000, EXT, 443, S, 900, 0, 0, T, 0, 0 },
		{ 91, IN, 2, EXT, 443, NODE_1, 5000, SA, 70, 901, 0, T, 0, 0 },
		{ 91, OUT, 8, EXT, 443, POD_C, 4000, SA, 70, 901, 0, T, 0, 0 },
		{ 95, IN, 7, POD_A, 4000, EXT, 443, A, 151, 8, 50, T, 4, 0 },
		{ 99, IN, 7, POD_A, 4000, EXT, 443, F, 201, 8, 0, T, 0, 0 },
		{ 99, OUT, 2, NODE_1, 5000, EXT, 443, F, 201, 8, 0, T, 0, 0 },
		{ 99, IN, 2, EXT, 443, NODE_1, 5000, F, 8, 202, 0, T, 0, 0 },
		{ 99, OUT, 7, EXT, 443, POD_A, 4000, F, 8, 202, 0, T, 0, 0 },
		{ 120, IN, 8, POD_C, 4000, EXT, 443, A, 90000000, 71, 50, T, 5,
		    0 },
		{ 120, OUT, 2, NODE_1, 5000, EXT, 443, A, 90000000, 71, 50, T,
		    5, 0 },
	};
	static struct world w;

	(void)state;
	world_open(&w, 1024);
	play(&w, s, NELEM(s));
	world_close(&w);
	assert_int_equal(w.n, 2);
	assert_true(w.seen[0].counted && w.seen[1].counted);
	assert_true(w.seen[0].accepted && w.seen[1].accepted);
	assert_int_equal(w.seen[0].packets + w.seen[1].packets, 9);
}

static void
test_icmp_refuses(void **state)
{
	struct sight query = { 0, IN, 7, POD_A, 40000, POD_B, 9999, 0, 0, 0, 20,
		U, 3, 0 };
	static struct world w;
	struct packet p;

	(void)state;
	world_open(&w, 1024);
	play(&w, &query, 1);
	p = packet_of(&query); /* the error quotes the query's own addresses */
	p.icmp_error = true;
	flow_table_add(w.ft, &p, 1, NULL);
	world_close(&w);
	assert_int_equal(w.n, 1);
	assert_true(w.seen[0].refused);
	assert_int_equal(w.seen[0].packets, 1);
}

static void
test_fragments(void **state)
{
	struct sight first = { 0, IN, 7, POD_A, 40000, POD_B, 9999, 0, 0, 0,
		1400, U, 3, 0 };
	static struct world w;
	struct packet p[3];

	(void)state;
	world_open(&w, 1024);
	for (size_t i = 0; i < 3; i++) {
		p[i] = packet_of(&first);
		p[i].ip_id = 7;
		p[i].more_fragments = i == 0;
		p[i].fragment = i > 0;
		if (i > 0)
			p[i].sport = p[i].dport = 0;
	}
	p[2].ip_id = 8; /* of a datagram whose head was not seen */
	flow_table_add(w.ft, p, 3, NULL);
	assert_int_equal(flow_table_stats(w.ft)->orphan_fragments, 1);
	world_close(&w);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.seen[0].packets, 2);
}

/* A table of 64 legs, 1000 live connections: each is told, each once, and
 * what goes on afterwards is no new connection. */
static void
test_overflow(void **state)
{
	static struct world w;
	size_t counted = 0;

	(void)state;
	world_open(&w, 64);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			struct sight s = { round * 5000 + i, ANY, 0, POD_A,
				(uint16_t)(30000 + i), EXT, 443, D, 10, 20, 9,
				T, 0, 0 };

			play(&w, &s, 1);
		}
	assert_true(flow_table_stats(w.ft)->forced_out > 0);
	world_close(&w);
	for (size_t i = 0; i < w.n; i++)
		counted += w.seen[i].counted;
	assert_int_equal(counted, 1000);
}

/* Whatever is thrown in comes out, in packets and in connections. */
static void
test_conservation(void **state)
{
	static struct world w;
	unsigned seed = 7;
	uint64_t packets = 0;

	(void)state;
	world_open(&w, 512);
	for (int i = 0; i < 20000; i++) {
		struct sight s = { i / 10, ANY, 0, POD_A, 0, POD_B, 80, S, 1, 0,
			0, T, 0, 0 };

		seed = seed * 1103515245u + 12345u;
		s.sport = (uint16_t)(1024 + (seed >> 16) % 2000);
		s.seq = s.sport; /* one ISN a port: repetitions only */
		play(&w, &s, 1);
		if (w.n > MAX_SEEN / 2) {
			for (size_t k = 0; k < w.n; k++)
				packets += w.seen[k].packets;
			w.n = 0;
		}
	}
	world_close(&w);
	for (size_t k = 0; k < w.n; k++)
		packets += w.seen[k].packets;
	assert_int_equal(packets, 20000);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_order_of_legs),
		cmocka_unit_test(test_icmp_refuses),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_conservation),
		cmocka_unit_test(test_dns_port_reused),
		cmocka_unit_test(test_dns_more),
		cmocka_unit_test(test_dns_crowded),
		cmocka_unit_test(test_masquerade_reused),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_world, world_cases, name),
	};

	return case_tables_run(
	    "flow_table", own, NELEM(own), tables, NELEM(tables));
}
