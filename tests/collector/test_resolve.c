/* SPDX-License-Identifier: Apache-2.0 */
/* From connections to flows: roles, owners, outcome, certainty. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/listeners.h"
#include "collector/resolve.h"
#include "tests/support/case_table.h"
#include "tests/support/world.h"

#define WEB   "10.244.1.5"
#define WEB2  "10.244.2.5"
#define DB    "10.244.2.9"
#define VIP   "10.96.0.20"
#define API   "10.96.0.1"
#define NODE1 "192.168.0.1"
#define NODE2 "192.168.0.2"
#define GW2   "10.244.2.1"
#define LB    "198.51.100.1"
#define EXT   "203.0.113.9"
#define OLD   "10.244.1.77" /* in a pod range, nobody's */

static struct world world;
static struct names *names;

static void
setup(void)
{
	uint32_t n1, n2, web, db, svc, gossip;

	world_init(&world);
	n1 = world_node(&world, "node-1", NODE1, "10.244.1.0/24");
	n2 = world_node(&world, "node-2", NODE2, "10.244.2.0/24");
	web = world_app(&world, "shop", "web", WEB, n1);
	db = world_app(&world, "shop", "db", DB, n2);
	svc = world_service(&world, "shop", "db", VIP, "app=db");
	world_service_port(&world, svc, "sql", FLOW_TCP, 3306, 13306);
	world_backend(&world, svc, DB, 13306, db);
	world_service_port(&world, svc, "stats", FLOW_UDP, 8125, 8125);
	world_backend(&world, svc, DB, 8125, db);
	gossip =
	    world_service(&world, "shop", "gossip", "10.96.0.30", "ring=a");
	world_service_port(&world, gossip, "ring", FLOW_UDP, 7946, 7946);
	world_backend(&world, gossip, WEB, 7946, web);
	world_backend(&world, gossip, DB, 7946, db);
	world_api_server(&world, NODE1, 6443);
	world_finish(&world);
	names = names_new(world.c, 1);
	if (names == NULL)
		abort();
}

static void
teardown(void)
{
	names_free(names);
	world_release(&world);
}

struct leg_row {
	const char *client;
	uint16_t cport;
	const char *server;
	uint16_t sport;
};

enum { H = OPENING_HANDSHAKE, FIRST = OPENING_FIRST };
enum {
	ACCEPTED = 1,
	BOTH = 2,
	REPLY = 4,
	DATA = 8,
	REFUSED = 16,
	TYPES = 32,
	ENTERED = 64,
	LEFT = 128
};

static const struct resolve_case {
	const char *name;
	uint8_t protocol, opening;
	unsigned flags;
	struct leg_row legs[3];
	enum endpoint_type src, dst;
	const char *src_ip, *dst_ip, *seen_ip;
	uint16_t port;
	const char *service; /* its name, or NULL */
	uint16_t service_port;
	enum flow_outcome outcome;
	enum flow_certainty certainty;
} cases[] = {
	/* clang-format off */
	{ "through a Service", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { WEB, 40000, VIP, 3306 }, { WEB, 40000, DB, 13306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, "db", 3306,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "pod to pod", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { WEB, 40000, DB, 13306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "only the VIP seen: one backend", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { WEB, 40000, VIP, 3306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, "db", 3306,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "API server on its own node", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { WEB, 40000, API, 443 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_NODE, WEB, NODE1, WEB, 6443, "kubernetes",
	  443, OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "masqueraded to a node", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { DB, 40000, API, 443 }, { NODE2, 50000, NODE1, 6443 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_NODE, DB, NODE1, DB, 6443, "kubernetes",
	  443, OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "masqueraded to outside", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { WEB, 40000, EXT, 443 }, { NODE1, 50000, EXT, 443 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, WEB, EXT, WEB, 443, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "client outside, SNAT by a node", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { EXT, 40000, LB, 3306 }, { GW2, 50000, DB, 13306 } },
	  ENDPOINT_EXTERNAL, ENDPOINT_WORKLOAD, EXT, DB, GW2, 13306, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "clocks apart: the later leg is the client's", FLOW_TCP, H,
	  ACCEPTED | REPLY,
	  { { NODE1, 50000, DB, 13306 }, { WEB, 40000, VIP, 3306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, NODE1, 13306, "db",
	  3306, OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "stale address", FLOW_TCP, H, ACCEPTED | REPLY,
	  { { OLD, 40000, EXT, 443 } },
	  ENDPOINT_UNKNOWN, ENDPOINT_EXTERNAL, OLD, EXT, OLD, 443, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "midstream, turned round by a listener", FLOW_TCP, FIRST,
	  DATA | BOTH | REPLY, { { DB, 13306, WEB, 40000 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_MIDSTREAM, CERTAINTY_LISTENER },
	{ "midstream to outside is a guess", FLOW_TCP, FIRST,
	  DATA | BOTH | REPLY, { { WEB, 40000, EXT, 443 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, WEB, EXT, WEB, 443, NULL, 0,
	  OUTCOME_MIDSTREAM, CERTAINTY_GUESSED },
	{ "refused", FLOW_TCP, H, REPLY | REFUSED,
	  { { WEB, 40000, DB, 22 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 22, NULL, 0,
	  OUTCOME_REFUSED, CERTAINTY_HANDSHAKE },
	{ "dropped between interfaces", FLOW_TCP, H, TYPES | ENTERED,
	  { { WEB, 40000, DB, 13306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_DROPPED, CERTAINTY_HANDSHAKE },
	{ "to the own node: the end of the way", FLOW_TCP, H, TYPES | ENTERED,
	  { { WEB, 40000, NODE1, 9 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_NODE, WEB, NODE1, WEB, 9, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_HANDSHAKE },
	{ "left, never answered", FLOW_TCP, H, TYPES | ENTERED | LEFT,
	  { { WEB, 40000, EXT, 4444 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, WEB, EXT, WEB, 4444, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_HANDSHAKE },
	{ "one way to a listener", FLOW_UDP, FIRST, DATA,
	  { { WEB, 40000, VIP, 8125 }, { WEB, 40000, DB, 8125 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 8125, "db", 8125,
	  OUTCOME_ONEWAY, CERTAINTY_LISTENER },
	{ "one way to nobody", FLOW_UDP, FIRST, DATA,
	  { { WEB, 40000, DB, 9999 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 9999, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_GUESSED },
	{ "request and answer outside", FLOW_UDP, FIRST, DATA | BOTH | REPLY,
	  { { WEB, 40000, EXT, 123 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, WEB, EXT, WEB, 123, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	/* One port at both ends (gossip, SIP): who sent first asked. */
	{ "gossip, both declare the port", FLOW_UDP, FIRST, DATA,
	  { { WEB, 7946, DB, 7946 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 7946, NULL, 0,
	  OUTCOME_ONEWAY, CERTAINTY_LISTENER },
	{ "peers, only who asked declares the port", FLOW_UDP, FIRST,
	  DATA | BOTH | REPLY, { { DB, 8125, EXT, 8125 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, DB, EXT, DB, 8125, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "peers, only who was asked declares it", FLOW_UDP, FIRST, DATA,
	  { { WEB, 8125, DB, 8125 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 8125, NULL, 0,
	  OUTCOME_ONEWAY, CERTAINTY_LISTENER },
	{ "peers that declare nothing", FLOW_UDP, FIRST, DATA | BOTH | REPLY,
	  { { WEB, 5060, DB, 5060 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 5060, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "a peer that never answered", FLOW_UDP, FIRST, DATA,
	  { { DB, 8125, EXT, 8125 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_EXTERNAL, DB, EXT, DB, 8125, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_GUESSED },
	{ "a node's client on another node: the only Service", FLOW_TCP, H,
	  ACCEPTED | REPLY, { { NODE1, 40000, DB, 13306 } },
	  ENDPOINT_NODE, ENDPOINT_WORKLOAD, NODE1, DB, NODE1, 13306, "db", 3306,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	{ "midstream without an answer", FLOW_TCP, FIRST, DATA,
	  { { WEB, 40000, DB, 13306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_LISTENER },
	{ "midstream, reset", FLOW_TCP, FIRST, DATA | REFUSED,
	  { { WEB, 40000, DB, 13306 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_REFUSED, CERTAINTY_LISTENER },
	{ "a listener's packet that nobody asked for", FLOW_TCP, FIRST,
	  DATA | REFUSED | TYPES | ENTERED, { { DB, 13306, WEB, 40000 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 13306, NULL, 0,
	  OUTCOME_REFUSED, CERTAINTY_LISTENER },
	{ "a listener's datagram that nobody asked for", FLOW_UDP, FIRST, DATA,
	  { { DB, 8125, WEB, 40000 } },
	  ENDPOINT_WORKLOAD, ENDPOINT_WORKLOAD, WEB, DB, WEB, 8125, NULL, 0,
	  OUTCOME_UNANSWERED, CERTAINTY_LISTENER },
	{ "a probe from the own node: no Service", FLOW_TCP, H,
	  ACCEPTED | REPLY, { { GW2, 40000, DB, 13306 } },
	  ENDPOINT_NODE, ENDPOINT_WORKLOAD, GW2, DB, GW2, 13306, NULL, 0,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE },
	/* clang-format on */
};

static struct connection
connection_of(const struct resolve_case *rc)
{
	struct connection c = {
		.protocol = rc->protocol,
		.opening = rc->opening,
		.counted = true,
		.accepted = rc->flags & ACCEPTED,
		.both_ways = rc->flags & BOTH,
		.any_reply = rc->flags & REPLY,
		.any_data = rc->flags & DATA,
		.refused = rc->flags & REFUSED,
		.types_known = rc->flags & TYPES,
		.entered = rc->flags & ENTERED,
		.left = rc->flags & LEFT,
		.packets = 7,
		.bytes = 700,
		.first_us = 1700000000000000,
		.last_us = 1700000001000000,
	};

	for (size_t i = 0; i < 3 && rc->legs[i].client != NULL; i++) {
		struct connection_leg *l = &c.legs[c.n_legs++];

		assert_true(ip_parse(&l->client.ip, rc->legs[i].client));
		assert_true(ip_parse(&l->server.ip, rc->legs[i].server));
		l->client.port = rc->legs[i].cport;
		l->server.port = rc->legs[i].sport;
		l->first_us = c.first_us + (int64_t)i;
	}
	return c;
}

static void
assert_ip(const struct ip_addr *a, const char *want)
{
	char buf[IP_STRLEN];

	assert_string_equal(ip_format(a, buf), want);
}

static void
test_resolve(void **state)
{
	const struct resolve_case *rc = *state;
	struct connection c = connection_of(rc);
	struct resolver *r = resolver_new(world.c, names, 3600000000, 1);
	struct aggregate_item out;

	assert_non_null(r);
	resolver_resolve(r, &c, &out);
	assert_int_equal(out.src.type, rc->src);
	assert_int_equal(out.dst.type, rc->dst);
	assert_ip(&out.src.ip, rc->src_ip);
	assert_ip(&out.dst.ip, rc->dst_ip);
	assert_ip(&out.seen_src.ip, rc->seen_ip);
	assert_int_equal(out.flow.port, rc->port);
	if (rc->service == NULL) {
		assert_int_equal(out.flow.service, FLOW_NONE);
	} else {
		assert_int_not_equal(out.flow.service, FLOW_NONE);
		assert_string_equal(
		    world.c->services[out.flow.service].name, rc->service);
	}
	assert_int_equal(out.flow.service_port, rc->service_port);
	assert_int_equal(out.flow.outcome, rc->outcome);
	assert_int_equal(out.flow.certainty, rc->certainty);
	assert_int_equal(out.flow.connections, 1);
	assert_int_equal(out.flow.window_us % 3600000000, 0);
	resolver_free(r);
}

/* A handshake teaches who listens; later connections need none. */
static void
test_learns_listener(void **state)
{
	struct resolve_case open = { .protocol = FLOW_TCP,
		.opening = H,
		.flags = ACCEPTED | REPLY,
		.legs = { { WEB, 40000, EXT, 443 } } };
	struct resolve_case late = { .protocol = FLOW_TCP,
		.opening = FIRST,
		.flags = DATA | BOTH | REPLY,
		.legs = { { EXT, 443, WEB, 40001 } } };
	struct resolver *r = resolver_new(world.c, names, 3600000000, 1);
	struct connection c;
	struct aggregate_item out;

	(void)state;
	assert_non_null(r);
	c = connection_of(&open);
	resolver_resolve(r, &c, &out);
	c = connection_of(&late);
	resolver_resolve(r, &c, &out);
	assert_int_equal(out.flow.certainty, CERTAINTY_LISTENER);
	assert_ip(&out.src.ip, WEB);
	assert_int_equal(out.flow.port, 443);
	resolver_free(r);
}

/* db.shop.svc.a is fd00::9, in 10 s. */
static const uint8_t answer[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0"
				"\2db\4shop\3svc\1a\0\0\x1c\0\1"
				"\xc0\x0c\0\x1c\0\1\0\0\0\x0a\0\x10"
				"\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09";

/* A pod asks for AAAA over IPv4 and connects from its IPv6 address; another
 * that did not ask was not led there by the Service. */
static void
test_headless_other_family(void **state)
{
	struct endpoint src = { .type = ENDPOINT_WORKLOAD }, dst = src;
	struct ip_addr web[2], other[2];
	uint32_t node, pods[3], svc;
	struct resolver *r;
	struct names *n;
	struct world w;
	struct flow f;

	(void)state;
	world_init(&w);
	node = world_node(&w, "node-1", NODE1, "10.244.1.0/24");
	pods[0] = world_app(&w, "shop", "web", WEB, node);
	pods[1] = world_app(&w, "shop", "other", WEB2, node);
	pods[2] = world_app(&w, "shop", "db", "fd00::9", node);
	assert_true(ip_parse(&web[0], WEB) && ip_parse(&web[1], "fd00::5"));
	assert_true(
	    ip_parse(&other[0], WEB2) && ip_parse(&other[1], "fd00::6"));
	w.c->pods[pods[0]].ips = web;
	w.c->pods[pods[0]].n_ips = 2;
	w.c->pods[pods[1]].ips = other;
	w.c->pods[pods[1]].n_ips = 2;
	svc = world_service(&w, "shop", "db", VIP, "app=db");
	w.c->services[svc].n_cluster_ips = 0;
	w.c->services[svc].headless = true;
	world_service_port(&w, svc, "sql", FLOW_TCP, 3306, 3306);
	world_backend(&w, svc, "fd00::9", 3306, pods[2]);
	world_finish(&w);
	n = names_new(w.c, 1);
	r = n == NULL ? NULL : resolver_new(w.c, n, 0, 1);
	assert_non_null(r);
	names_read(n, &web[0], answer, sizeof(answer) - 1,
	    names_mark(n, answer, sizeof(answer) - 1), 1);
	assert_true(ip_parse(&dst.ip, "fd00::9"));
	dst.pod = pods[2];
	for (size_t i = 0; i < 2; i++) {
		src.pod = pods[i];
		src.ip = i == 0 ? web[1] : other[1];
		f = (struct flow){
			.service = FLOW_NONE, .port = 3306, .protocol = FLOW_TCP
		};
		resolver_name_service(r, &f, &src, &dst);
		assert_int_equal(f.service, i == 0 ? svc : FLOW_NONE);
		assert_int_equal(f.service_port, i == 0 ? 3306 : 0);
	}
	resolver_free(r);
	names_free(n);
	world_release(&w);
}

/* A packet to the pod's address, which left on the interface, and before that
 * on the other one of another capture point. */
static enum flow_outcome
one_way(struct resolver *r, const char *to, uint32_t interface, uint32_t other)
{
	struct resolve_case rc = { .protocol = FLOW_UDP,
		.opening = FIRST,
		.flags = DATA | TYPES | ENTERED | LEFT,
		.legs = { { strchr(to, ':') == NULL ? WEB : "fd00::5", 40000,
		    to, 8125 } } };
	struct connection c = connection_of(&rc);
	struct aggregate_item out;

	c.legs[0].last_out_if = interface;
	c.legs[0].other_out_if = other;
	c.legs[0].other_out_point = 1;
	resolver_resolve(r, &c, &out);
	return out.flow.outcome;
}

/* A pod's own interface leads to both of its addresses; a bridge to those of
 * several pods, and proves nothing. */
static void
test_one_way(void **state)
{
	struct ip_addr db[2];
	uint32_t node, pods[2], svc;
	struct resolver *r;
	struct names *n;
	struct world w;

	(void)state;
	world_init(&w);
	node = world_node(&w, "node-1", NODE1, "10.244.1.0/24");
	pods[0] = world_app(&w, "shop", "db", DB, node);
	pods[1] = world_app(&w, "shop", "other", WEB2, node);
	assert_true(ip_parse(&db[0], DB) && ip_parse(&db[1], "fd00::9"));
	w.c->pods[pods[0]].ips = db;
	w.c->pods[pods[0]].n_ips = 2;
	svc = world_service(&w, "shop", "db", VIP, "app=db");
	world_service_port(&w, svc, "stats", FLOW_UDP, 8125, 8125);
	world_backend(&w, svc, DB, 8125, pods[0]);
	world_backend(&w, svc, "fd00::9", 8125, pods[0]);
	world_backend(&w, svc, WEB2, 8125, pods[1]);
	world_finish(&w);
	n = names_new(w.c, 1);
	r = n == NULL ? NULL : resolver_new(w.c, n, 3600000000, 1);
	assert_non_null(r);
	assert_int_equal(one_way(r, DB, 7, 0), OUTCOME_ONEWAY);
	assert_int_equal(one_way(r, "fd00::9", 7, 0), OUTCOME_ONEWAY);
	assert_int_equal(one_way(r, DB, 7, 0), OUTCOME_ONEWAY);
	assert_int_equal(one_way(r, WEB2, 7, 0), OUTCOME_UNANSWERED);
	assert_int_equal(one_way(r, DB, 7, 0), OUTCOME_UNANSWERED);
	/* By its clock the client's node, which reaches all pods of the other
	 * node on one interface, had it last. */
	assert_int_equal(one_way(r, WEB2, 7, 8), OUTCOME_ONEWAY);
	assert_int_equal(one_way(r, DB, 7, 9), OUTCOME_ONEWAY);
	assert_int_equal(one_way(r, DB, 7, 8), OUTCOME_UNANSWERED);
	/* A link type that tells no interface: it left, and that is all. */
	assert_int_equal(one_way(r, DB, 0, 0), OUTCOME_ONEWAY);
	resolver_free(r);
	names_free(n);
	world_release(&w);
}

/* Who called the pod that had the address before did not dial the Service that
 * leads there now; and who dialled the Service before it had endpoints did not
 * reach those of later. */
static void
test_service_of_then(void **state)
{
	static const struct resolve_case rc = { .protocol = FLOW_TCP,
		.opening = H,
		.flags = ACCEPTED | REPLY,
		.legs = { { NODE2, 40000, DB, 13306 } } };
	static const struct resolve_case before = { .protocol = FLOW_TCP,
		.opening = H,
		.legs = { { WEB, 40000, VIP, 3306 } } };
	uint32_t node, old, pod, svc;
	struct aggregate_item out;
	struct connection c;
	struct resolver *r;
	struct names *n;
	struct world w;

	(void)state;
	world_init(&w);
	node = world_node(&w, "node-1", NODE1, "10.244.1.0/24");
	(void)world_node(&w, "node-2", NODE2, "10.244.2.0/24");
	old = world_app(&w, "shop", "old", DB, node);
	pod = world_app(&w, "shop", "db", DB, node);
	w.c->pods[old].from_us = 400;
	w.c->pods[old].to_us = w.c->pods[pod].from_us = 1000;
	svc = world_service(&w, "shop", "db", VIP, "app=db");
	world_service_port(&w, svc, "sql", FLOW_TCP, 3306, 13306);
	world_backend(&w, svc, DB, 13306, pod);
	world_finish(&w);
	n = names_new(w.c, 1);
	r = n == NULL ? NULL : resolver_new(w.c, n, 3600000000, 1);
	assert_non_null(r);
	for (int64_t t = 500; t <= 1500; t += 1000) {
		c = connection_of(&rc);
		c.first_us = c.last_us = t;
		resolver_resolve(r, &c, &out);
		assert_int_equal(out.dst.pod, t < 1000 ? old : pod);
		assert_int_equal(out.flow.service, t < 1000 ? FLOW_NONE : svc);
	}
	c = connection_of(&before);
	c.first_us = c.last_us = 300;
	resolver_resolve(r, &c, &out);
	assert_int_equal(out.dst.type, ENDPOINT_UNKNOWN);
	assert_true(ip_equal(&out.dst.ip, &w.c->services[svc].cluster_ips[0]));
	assert_int_equal(out.flow.port, 3306);
	resolver_free(r);
	names_free(n);
	world_release(&w);
}

/* Of a Service with many backends all count: the last is another workload's,
 * so who was behind its address is not known. */
static void
test_many_backends(void **state)
{
	static const struct resolve_case rc = { .protocol = FLOW_TCP,
		.opening = H,
		.flags = ACCEPTED | REPLY,
		.legs = { { WEB, 40000, VIP, 3306 } } };
	enum { MANY = 200 };

	(void)state;
	for (int mixed = 0; mixed < 2; mixed++) {
		uint32_t node, db = 0, svc;
		struct aggregate_item out;
		struct connection c = connection_of(&rc);
		struct resolver *r;
		struct names *n;
		struct world w;

		world_init(&w);
		node = world_node(&w, "node-1", NODE1, "10.244.1.0/24");
		svc = world_service(&w, "shop", "db", VIP, "app=db");
		world_service_port(&w, svc, "sql", FLOW_TCP, 3306, 13306);
		db = world_app(&w, "shop", "db", "10.244.3.0", node);
		for (unsigned i = 1; i <= MANY; i++) {
			char name[16], ip[32];
			uint32_t pod;

			(void)snprintf(name, sizeof(name), "db-%u", i);
			(void)snprintf(ip, sizeof(ip), "10.244.3.%u", i);
			pod = mixed && i == MANY
			    ? world_app(&w, "shop", "other", ip, node)
			    : world_pod(&w, w.c->pods[db].workload, name,
				  "app=db", ip, node);
			world_backend(&w, svc, ip, 13306, pod);
		}
		world_finish(&w);
		n = names_new(w.c, 1);
		r = n == NULL ? NULL : resolver_new(w.c, n, 3600000000, 1);
		assert_non_null(r);
		resolver_resolve(r, &c, &out);
		assert_int_equal(
		    out.dst.type, mixed ? ENDPOINT_UNKNOWN : ENDPOINT_WORKLOAD);
		assert_int_equal(out.flow.port, mixed ? 3306 : 13306);
		assert_int_equal(out.flow.service, svc);
		resolver_free(r);
		names_free(n);
		world_release(&w);
	}
}

/* Weeks of servers that come and go: the latest are known, and those that are
 * seen again and again stay so. */
static void
test_many_listeners(void **state)
{
	struct listeners *l = listeners_new(64, 1);
	struct ip_addr ip, steady;

	(void)state;
	assert_non_null(l);
	assert_true(ip_parse(&ip, DB) && ip_parse(&steady, WEB));
	for (uint16_t port = 1; port <= 2000; port++) {
		assert_false(listeners_has(l, &ip, port, FLOW_TCP));
		listeners_learn(l, &ip, port, FLOW_TCP);
		if (port % 8 == 1)
			listeners_learn(l, &steady, 80, FLOW_TCP);
		assert_true(listeners_has(l, &steady, 80, FLOW_TCP));
		for (uint16_t back = 0; back < 20 && back < port; back++)
			assert_true(listeners_has(
			    l, &ip, (uint16_t)(port - back), FLOW_TCP));
	}
	assert_false(listeners_has(l, &ip, 1, FLOW_TCP));
	listeners_free(l);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_learns_listener),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_headless_other_family),
		cmocka_unit_test(test_service_of_then),
		cmocka_unit_test(test_many_backends),
		cmocka_unit_test(test_many_listeners),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_resolve, cases, name),
	};
	int rc;

	setup();
	rc = case_tables_run("resolve", own, NELEM(own), tables, NELEM(tables));
	teardown();
	return rc;
}
