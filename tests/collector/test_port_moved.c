/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod reaches another by its Service and directly, from one port: the kernel
 * gives the later one another port behind the node, or its answers could not be
 * told from those to the earlier (Linux, nf_nat_core.c, get_unique_tuple).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/flow_table.h"
#include "core/flow.h"
#include "tests/support/case_table.h"

#define POD "10.244.1.5"
#define WEB "10.244.2.7"
#define VIP "10.96.0.10"

enum { BY = 40000, MOVED = 51000 };
enum { S = TCP_SYN, SA = TCP_SYN | TCP_ACK, D = TCP_ACK | TCP_PSH };

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	struct ip_addr vip;

	(void)arg;
	(void)at_us;
	assert_true(ip_parse(&vip, VIP));
	return ip_equal(ip, &vip) ? ADDRESS_CLASS_SERVICE : ADDRESS_CLASS_POD;
}

/* One packet, at the node's side of the client and at that of the server. */
struct passing {
	int ms;
	bool is_answer;
	const char *dialled;
	uint16_t port; /* by which it leaves the node */
	uint8_t flags;
	uint32_t seq, ack, len;
};

/* clang-format off */
static const struct moved_case {
	const char *name;
	struct passing v[4];
	uint32_t tsval;
	size_t connections;
} moved_cases[] = {
	{ "directly, after a Service",
	  { { 0, false, VIP, BY,    S,  1,   0,  0 },
	    { 1, true,  VIP, BY,    SA, 900, 2,  0 },
	    { 5, false, WEB, MOVED, S,  50,  0,  0 },
	    { 6, true,  WEB, MOVED, SA, 700, 51, 0 } }, 77, 2 },
	{ "by a Service, after directly",
	  { { 0, false, WEB, BY,    S,  1,   0,  0 },
	    { 1, true,  WEB, BY,    SA, 900, 2,  0 },
	    { 5, false, VIP, MOVED, S,  50,  0,  0 },
	    { 6, true,  VIP, MOVED, SA, 700, 51, 0 } }, 77, 2 },
	{ "what it had the port from is over",
	  { { 5, false, WEB, MOVED, S,  50,  0,   0 },
	    { 6, true,  WEB, MOVED, SA, 700, 51,  0 },
	    { 7, false, WEB, MOVED, D,  51,  701, 9 } }, 77, 1 },
	{ "from its answer on",
	  { { 6, true,  WEB, MOVED, SA, 700, 51,  0 },
	    { 7, false, WEB, MOVED, D,  51,  701, 9 } }, 77, 1 },
	{ "from its data on",
	  { { 7, false, WEB, MOVED, D,  51,  701, 9 },
	    { 8, true,  WEB, MOVED, D,  701, 60,  7 } }, 77, 1 },
	/* Without the time of its sender it may be who looks for ports. */
	{ "of what has no time",
	  { { 0, false, VIP, BY,    S,  1,   0,  0 },
	    { 1, true,  VIP, BY,    SA, 900, 2,  0 },
	    { 5, false, WEB, MOVED, S,  50,  0,  0 },
	    { 6, true,  WEB, MOVED, SA, 700, 51, 0 } }, 0, 3 },
};
/* clang-format on */

struct told {
	struct connection v[8];
	size_t n;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct told *t = arg;

	assert_true(t->n + n <= NELEM(t->v));
	for (size_t i = 0; i < n; i++)
		memcpy(&t->v[t->n++], &v[i], connection_bytes(&v[i]));
}

/* What one side of the node sees of it. */
static struct packet
packet_of(const struct passing *x, uint32_t tsval, bool is_servers)
{
	uint16_t client = is_servers ? x->port : BY;
	bool vip = !is_servers && strcmp(x->dialled, VIP) == 0;
	uint16_t server = vip ? 80 : 8080;
	struct packet p = {
		.ts_us = 1700000000000000 + (int64_t)x->ms * 1000,
		.sport = x->is_answer ? server : client,
		.dport = x->is_answer ? client : server,
		.protocol = FLOW_TCP,
		.tcp_flags = x->flags,
		.type = is_servers == x->is_answer ? PACKET_OTHERHOST
						   : PACKET_OUTGOING,
		.ifindex = is_servers ? 9 : 7,
		.ip_bytes = 52 + x->len,
		.payload_bytes = x->len,
		.seq = x->seq,
		.ack = x->ack,
		.tsval = tsval,
	};

	assert_true(ip_parse(x->is_answer ? &p.dst : &p.src, POD));
	assert_true(ip_parse(x->is_answer ? &p.src : &p.dst, vip ? VIP : WEB));
	return p;
}

static void
test_moved(void **state)
{
	const struct moved_case *c = *state;
	static struct told told;
	struct flow_table_config config = {
		.legs_max = 1024,
		.seed = 42,
		.view = { .classify = classify },
		.sink = sink,
		.sink_arg = &told,
	};
	const struct connection *last;
	struct rf_error err;
	struct flow_table *ft;

	told.n = 0;
	assert_int_equal(flow_table_new(&ft, &config, &err), RF_OK);
	for (size_t i = 0; i < NELEM(c->v) && c->v[i].flags != 0; i++)
		for (int side = 0; side < 2; side++) {
			struct packet p = packet_of(&c->v[i], c->tsval,
			    (side != 0) != c->v[i].is_answer);

			flow_table_add(ft, &p, 1, NULL);
		}
	flow_table_finish(ft);
	flow_table_free(ft);
	assert_int_equal(told.n, c->connections);
	if (c->tsval == 0)
		return;
	last = &told.v[told.n - 1];
	assert_int_equal(last->n_legs, 2);
	assert_int_equal(
	    last->legs[0].client.port + last->legs[1].client.port, BY + MOVED);
}

int
main(void)
{
	const struct case_table cases =
	    CASE_TABLE(test_moved, moved_cases, name);

	return case_table_run("port_moved", &cases);
}
