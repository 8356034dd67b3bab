/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of one connection in every order in which they may be captured. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "core/flow.h"
#include "tests/support/case_table.h"

#define PACKETS 5

struct told {
	uint64_t counted, packets;
	bool accepted, refused, any_reply;
	uint8_t opening;
	uint16_t client_port;
};

/* From the client or not, flags, and what the numbers are. */
struct step {
	bool back;
	uint8_t flags;
	uint32_t seq, ack, bytes;
};

enum {
	S = TCP_SYN,
	SA = TCP_SYN | TCP_ACK,
	A = TCP_ACK,
	D = TCP_ACK | TCP_PSH,
	R = TCP_RST
};

/* clang-format off */
static const struct connection_case {
	const char *name;
	struct step v[PACKETS];
	bool is_peers; /* no end is more the client than the other */
} connection_cases[] = {
	{ "handshake and data",
	  { { false, S,  100, 0,   0 },
	    { true,  SA, 900, 101, 0 },
	    { false, A,  101, 901, 0 },
	    { false, D,  101, 901, 9 },
	    { true,  D,  901, 110, 7 } }, false },
	{ "numbers that wrap",
	  { { false, S,  UINT32_MAX - 1, 0,          0 },
	    { true,  SA, UINT32_MAX,     UINT32_MAX, 0 },
	    { false, A,  UINT32_MAX,     0,          0 },
	    { false, D,  UINT32_MAX,     0,          9 },
	    { true,  D,  0,              8,          7 } }, false },
	{ "simultaneous open",
	  { { false, S,  100, 0,   0 },
	    { true,  S,  900, 0,   0 },
	    { false, SA, 100, 901, 0 },
	    { true,  SA, 900, 101, 0 },
	    { false, D,  101, 901, 9 } }, true },
};
/* clang-format on */

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct told *t = arg;

	for (size_t i = 0; i < n; i++) {
		t->counted += v[i].counted;
		t->packets += v[i].packets;
		t->accepted = v[i].accepted;
		t->refused = v[i].refused;
		t->any_reply = v[i].any_reply;
		t->opening = v[i].opening;
		t->client_port = v[i].legs[0].client.port;
	}
}

static struct packet
packet_of(const struct step *s)
{
	static const char *const end[2] = { "10.244.1.5", "10.244.2.7" };
	struct packet p = { .protocol = FLOW_TCP,
		.sport = s->back ? 80 : 40000,
		.dport = s->back ? 40000 : 80,
		.tcp_flags = s->flags,
		.ip_bytes = 40 + s->bytes,
		.seq = s->seq,
		.ack = s->ack,
		.payload_bytes = s->bytes };

	assert_true(ip_parse(&p.src, end[s->back]));
	assert_true(ip_parse(&p.dst, end[!s->back]));
	return p;
}

/* Two interfaces see each packet. */
static void
show(struct flow_table *ft, const struct step *s, int64_t us)
{
	struct packet p = packet_of(s);

	for (int i = 0; i < 2; i++) {
		p.ts_us = us + i;
		p.ifindex = 1 + (uint32_t)i;
		p.type = i == 0 ? PACKET_HOST : PACKET_OUTGOING;
		flow_table_add(ft, &p, 1, NULL);
	}
}

static struct flow_table *
begin(struct told *told)
{
	struct flow_table_config config = {
		.legs_max = 64, .seed = 42, .sink = sink, .sink_arg = told
	};
	struct flow_table *ft;
	struct rf_error err;

	assert_int_equal(flow_table_new(&ft, &config, &err), RF_OK);
	return ft;
}

static struct told
tell(const struct connection_case *c, const unsigned order[PACKETS])
{
	struct told told = { 0 };
	struct flow_table *ft = begin(&told);

	for (unsigned i = 0; i < PACKETS; i++)
		show(ft, &c->v[order[i]],
		    INT64_C(1700000000000000) + 10 * (int64_t)i);
	flow_table_finish(ft);
	flow_table_free(ft);
	return told;
}

/* The nth order of all that there are. */
static void
set_order(unsigned order[PACKETS], unsigned n)
{
	for (unsigned i = 0; i < PACKETS; i++)
		order[i] = i;
	for (unsigned i = PACKETS; i > 1; n /= i, i--) {
		unsigned at = n % i, last = order[i - 1];

		order[i - 1] = order[at];
		order[at] = last;
	}
}

static void
test_orders(void **state)
{
	const struct connection_case *c = *state;
	unsigned order[PACKETS];

	for (unsigned n = 0; n < 120; n++) {
		struct told told;

		set_order(order, n);
		told = tell(c, order);
		assert_int_equal(told.counted, 1);
		assert_int_equal(told.packets, PACKETS);
		assert_true(told.accepted);
		assert_int_equal(told.opening, OPENING_HANDSHAKE);
		if (!c->is_peers)
			assert_int_equal(told.client_port, 40000);
	}
}

/* It is another one whose number is far from what was seen before it. */
static void
test_another(void **state)
{
	static const struct connection_case far = { "",
		{ { false, D, 5000101, 901, 9 }, { true, D, 901, 5000110, 9 },
		    { false, S, 100, 0, 0 }, { true, SA, 300, 101, 0 },
		    { false, A, 101, 301, 0 } },
		false };
	static const unsigned order[PACKETS] = { 0, 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(tell(&far, order).counted, 2);
}

/* An answer to what nobody was seen to open: anybody can send one. */
static void
test_unasked(void **state)
{
	static const struct step answer = { true, SA, 900, 101, 0 };
	static const struct step more = { true, D, 901, 101, 9 };
	static const struct step reset = { false, R, 101, 0, 0 };
	static const struct step goes_on = { false, A, 101, 901, 0 };
	static const struct {
		const struct step *v[3];
		struct told want;
	} cases[] = {
		{ { &answer, &answer, &answer }, { 0 } },
		{ { &answer, &reset, &reset },
		    { .counted = 1, .refused = true } },
		{ { &answer, &more, &reset },
		    { .counted = 1, .refused = true } },
		{ { &answer, &more, &goes_on },
		    { .counted = 1, .accepted = true, .any_reply = true } },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct told told = { 0 };
		struct flow_table *ft = begin(&told);

		for (int k = 0; k < 3; k++)
			show(ft, cases[i].v[k],
			    INT64_C(1700000000000000) + INT64_C(1000) * k);
		flow_table_finish(ft);
		flow_table_free(ft);
		assert_int_equal(told.counted, cases[i].want.counted);
		assert_int_equal(told.accepted, cases[i].want.accepted);
		assert_int_equal(told.refused, cases[i].want.refused);
		assert_int_equal(told.any_reply, cases[i].want.any_reply);
	}
}

/* A packet counts once, in however many captures of however many interfaces it
 * is. */
static void
test_everywhere(void **state)
{
	struct packet p = packet_of(&connection_cases[0].v[0]);
	struct told told = { 0 };
	struct flow_table *ft = begin(&told);

	(void)state;
	p.ts_us = INT64_C(1700000000000000);
	for (unsigned place = 0; place < 64; place++)
		for (unsigned ifindex = 1; ifindex < 32; ifindex++) {
			p.point = p.place = (uint8_t)place;
			p.ifindex = ifindex;
			flow_table_add(ft, &p, 1, NULL);
		}
	flow_table_finish(ft);
	flow_table_free(ft);
	assert_int_equal(told.packets, 1);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_another),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_unasked),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_orders, connection_cases, name),
	};

	return case_tables_run(
	    "flow_order", own, NELEM(own), tables, NELEM(tables));
}
