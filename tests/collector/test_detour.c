/* SPDX-License-Identifier: Apache-2.0 */
/* A pod that dials another node's port: two connections, or one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collector/detour.h"
#include "collector/summing.h"
#include "tests/support/world.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

#define CLIENT "10.244.1.5"
#define WEB1   "10.244.1.8" /* on the client's node */
#define WEB2   "10.244.2.8"
#define VIP    "10.96.0.20"
#define NODE1  "192.168.0.1"
#define NODE2  "192.168.0.2"
#define GW2    "10.244.2.0"
#define EXT    "203.0.113.9"
#define PORT   30080

static struct world world;

static int
setup(void **state)
{
	uint32_t n1, n2, svc;

	(void)state;
	world_init(&world);
	n1 = world_node(&world, "node-1", NODE1, "10.244.1.0/24");
	n2 = world_node(&world, "node-2", NODE2, "10.244.2.0/24");
	(void)world_app(&world, "shop", "client", CLIENT, n1);
	svc = world_service(&world, "shop", "web", VIP, "app=web");
	world_service_port(&world, svc, "http", FLOW_TCP, 80, 8080);
	world_backend(&world, svc, WEB1, 8080,
	    world_app(&world, "shop", "web", WEB1, n1));
	world_backend(&world, svc, WEB2, 8080,
	    world_app(&world, "shop", "web2", WEB2, n2));
	world_finish(&world);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_release(&world);
	return 0;
}

struct leg_row {
	const char *client, *server;
	uint16_t port;
};

static const struct detour_case {
	const char *name;
	struct leg_row legs[4];
	const char *parts[2]; /* "client>server ..." of each; NULL: it is one */
} cases[] = {
	/* clang-format off */
	{ "back to the client's own node",
	  { { CLIENT, NODE2, PORT }, { NODE1, NODE2, PORT }, { GW2, WEB1, 8080 } },
	  { CLIENT ">" NODE2 " " NODE1 ">" NODE2, NODE1 ">" NODE2 " " GW2 ">" WEB1 } },
	{ "both nodes in one capture, last leg first",
	  { { GW2, WEB2, 8080 }, { CLIENT, NODE2, PORT }, { NODE1, NODE2, PORT } },
	  { CLIENT ">" NODE2 " " NODE1 ">" NODE2, NODE1 ">" NODE2 " " GW2 ">" WEB2 } },
	{ "by its own address all the way",
	  { { CLIENT, NODE2, PORT }, { CLIENT, WEB2, 8080 } },
	  { CLIENT ">" NODE2, CLIENT ">" NODE2 " " CLIENT ">" WEB2 } },
	{ "the client's own node",
	  { { CLIENT, NODE1, PORT }, { NODE1, WEB2, 8080 } }, { NULL } },
	{ "a Service's address",
	  { { CLIENT, VIP, 80 }, { CLIENT, WEB2, 8080 } }, { NULL } },
	{ "the same, rewritten",
	  { { CLIENT, VIP, 80 }, { GW2, WEB2, 8080 } }, { NULL } },
	{ "a client outside",
	  { { EXT, NODE2, PORT }, { GW2, WEB1, 8080 } }, { NULL } },
	{ "a node", { { NODE1, NODE2, PORT }, { GW2, WEB1, 8080 } }, { NULL } },
	{ "a hostNetwork server",
	  { { CLIENT, NODE2, PORT }, { NODE1, NODE2, PORT } }, { NULL } },
	/* clang-format on */
};

static struct connection
connection_of(const struct detour_case *k)
{
	struct connection c = { .protocol = FLOW_TCP,
		.opening = OPENING_HANDSHAKE,
		.accepted = true,
		.counted = 1,
		.packets = 10,
		.bytes = 600,
		.first_us = 1772000000000000,
		.last_us = 1772000001000000 };

	for (; c.n_legs < NELEM(k->legs) && k->legs[c.n_legs].client != NULL;
	     c.n_legs++) {
		const struct leg_row *row = &k->legs[c.n_legs];
		struct connection_leg *l = &c.legs[c.n_legs];

		assert_true(ip_parse(&l->client.ip, row->client));
		assert_true(ip_parse(&l->server.ip, row->server));
		l->client.port = 40000;
		l->server.port = row->port;
	}
	return c;
}

static void
print(const struct connection *c, char *out, size_t size)
{
	char a[IP_STRLEN], b[IP_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < c->n_legs; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s>%s",
		    i == 0 ? "" : " ", ip_format(&c->legs[i].client.ip, a),
		    ip_format(&c->legs[i].server.ip, b));
}

static void
test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct connection c = connection_of(&cases[i]), parts[2];
		bool is_split = detour_split(world.c, &c, parts);

		if (is_split != (cases[i].parts[0] != NULL))
			fail_msg("%s: split is %d", cases[i].name, is_split);
		for (int k = 0; is_split && k < 2; k++) {
			char text[256];

			print(&parts[k], text, sizeof(text));
			assert_string_equal(text, cases[i].parts[k]);
			assert_int_equal(parts[k].packets, c.packets);
			assert_int_equal(parts[k].counted, 1);
		}
	}
}

/* What is summed of it: an edge to the node's port, by its Service, and one
 * from the node; the same whichever node's capture told of the second. */
static void
test_sums(void **state)
{
	struct names *names = names_new(world.c, 1);
	struct resolver *r = resolver_new(world.c, names, 3600000000, 1);
	struct summing summing = { .resolver = r,
		.shortcut = shortcut_new(world.c, names, 3600000000, 1) };
	struct aggregate *a = aggregate_new(64, 1);
	struct connection c = connection_of(&cases[0]);
	const struct endpoint *e;
	const struct flow *f;
	struct summed did;
	size_t n;

	(void)state;
	assert_true(r != NULL && summing.shortcut != NULL && a != NULL);
	for (int i = 0; i < 3; i++)
		assert_true(summing_add(&summing, a, &c, NULL, &did));
	assert_false(did.unresolved);
	e = aggregate_endpoints(a, &n);
	f = aggregate_flows(a, &n);
	assert_int_equal(n, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f[i].connections, 3);
		assert_int_equal(f[i].packets, 30);
	}
	assert_int_equal(e[f[0].src].type, ENDPOINT_WORKLOAD);
	assert_int_equal(e[f[0].dst].type, ENDPOINT_NODE);
	assert_int_equal(f[0].port, PORT);
	assert_int_equal(e[f[1].src].type, ENDPOINT_NODE);
	assert_int_not_equal(e[f[1].src].node, e[f[1].seen_src].node);
	assert_int_equal(e[f[1].seen_src].node, e[f[0].dst].node);
	assert_int_equal(e[f[1].dst].type, ENDPOINT_WORKLOAD);
	assert_int_equal(f[1].port, 8080);
	aggregate_free(a);
	shortcut_free(summing.shortcut);
	resolver_free(r);
	names_free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests_name("detour", tests, setup, teardown);
}
