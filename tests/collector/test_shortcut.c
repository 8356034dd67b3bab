/* SPDX-License-Identifier: Apache-2.0 */
/* Sums by way of shortcuts are those without. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/aggregate.h"
#include "collector/resolve.h"
#include "collector/shortcut.h"
#include "collector/summing.h"
#include "tests/support/world.h"

#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))
#define ROUNDS    40000
#define WINDOW_US ((int64_t)10 * 1000000)
#define START_US  ((int64_t)1700000000 * 1000000)

static const char *const addresses[] = { "10.244.1.5", "10.244.2.5",
	"10.244.2.9", "10.96.0.20", "192.168.0.1", "203.0.113.9",
	"10.244.1.77" };
static const uint16_t ports[] = { 3306, 13306, 8125, 443, 40000, 50000 };

static struct world world;
static uint64_t random_state;

static uint32_t
draw(uint32_t below)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) % below);
}

/* Within a minute the pod of one address is another. */
static void
build(void)
{
	uint32_t n1, n2, db, svc, old, new;

	world_init(&world);
	n1 = world_node(&world, "node-1", "192.168.0.1", "10.244.1.0/24");
	n2 = world_node(&world, "node-2", "192.168.0.2", "10.244.2.0/24");
	old = world_app(&world, "shop", "old", "10.244.1.5", n1);
	new = world_app(&world, "shop", "new", "10.244.1.5", n1);
	(void)world_app(&world, "shop", "web", "10.244.2.5", n2);
	db = world_app(&world, "shop", "db", "10.244.2.9", n2);
	svc = world_service(&world, "shop", "db", "10.96.0.20", "app=db");
	world_service_port(&world, svc, "sql", FLOW_TCP, 3306, 13306);
	world_backend(&world, svc, "10.244.2.9", 13306, db);
	world.c->pods[old].to_us = START_US + 25000000;
	world.c->pods[new].from_us = START_US + 35000000;
	world_finish(&world);
}

static void
random_socket(struct socket_addr *a)
{
	assert_true(ip_parse(&a->ip, addresses[draw(NELEM(addresses))]));
	a->port = ports[draw(NELEM(ports))];
}

static void
random_connection(struct connection *c)
{
	memset(c, 0, sizeof(*c));
	c->protocol = draw(3) == 0 ? FLOW_UDP : FLOW_TCP;
	c->opening = draw(4) == 0 ? OPENING_FIRST : OPENING_HANDSHAKE;
	c->n_legs = (uint8_t)(1 + draw(4));
	c->counted = draw(8) != 0;
	c->accepted = draw(2);
	c->both_ways = draw(2);
	c->any_reply = draw(2);
	c->any_data = draw(2);
	c->refused = draw(4) == 0;
	c->types_known = draw(2);
	c->entered = draw(2);
	c->left = draw(2);
	c->known = draw(16) == 0;
	c->packets = 1 + draw(9);
	c->bytes = draw(1000);
	c->first_us = START_US + (int64_t)draw(60) * 1000000;
	c->last_us = c->first_us + draw(5000000);
	for (unsigned i = 0; i < c->n_legs; i++) {
		struct connection_leg *l = &c->legs[i];

		random_socket(&l->client);
		random_socket(&l->server);
		l->first_us = c->first_us + i;
		l->last_out_if = draw(3);
		l->last_out_point = (uint8_t)draw(2);
	}
}

struct sums {
	struct names *names;
	struct resolver *resolver;
	struct aggregate *flows;
};

static void
sums_init(struct sums *s)
{
	s->names = names_new(world.c, 1);
	s->resolver = resolver_new(world.c, s->names, WINDOW_US, 1);
	s->flows = aggregate_new(1 << 15, 1);
	assert_true(s->resolver != NULL && s->flows != NULL);
}

static void
sums_release(struct sums *s)
{
	aggregate_free(s->flows);
	resolver_free(s->resolver);
	names_free(s->names);
}

/* Whether an end of it is unknown. */
static bool
sum(struct sums *s, const struct connection *of)
{
	struct connection c = *of, parts[2];
	enum flow_certainty certainty = resolver_direct(s->resolver, &c);
	int n = 2;
	bool unknown = false;

	if (!resolver_split(s->resolver, &c, parts)) {
		parts[0] = c;
		n = 1;
	}
	for (int i = 0; i < n; i++) {
		struct aggregate_item r;

		assert_true(aggregate_has_room(s->flows, 1));
		resolver_resolve_directed(
		    s->resolver, &parts[i], certainty, &r);
		(void)aggregate_add(s->flows, &r);
		unknown |= r.src.type == ENDPOINT_UNKNOWN ||
		    r.dst.type == ENDPOINT_UNKNOWN;
	}
	return unknown;
}

/* Flows are numbered by the connection that came first, so alike in both. */
static void
assert_same(const struct sums *a, const struct sums *b)
{
	size_t n, m;
	const struct endpoint *ea = aggregate_endpoints(a->flows, &n);
	const struct endpoint *eb = aggregate_endpoints(b->flows, &m);
	const struct flow *fa, *fb;

	assert_int_equal(n, m);
	assert_memory_equal(ea, eb, n * sizeof(*ea));
	fa = aggregate_flows(a->flows, &n);
	fb = aggregate_flows(b->flows, &m);
	assert_int_equal(n, m);
	assert_memory_equal(fa, fb, n * sizeof(*fa));
}

/* Few connections, many times: most are known by the shortcut. */
static void
test_same_sums(void **state)
{
	static struct connection kinds[200];
	struct sums plain, quick;
	struct summing summing;
	unsigned known = 0;

	(void)state;
	build();
	sums_init(&plain);
	sums_init(&quick);
	summing.resolver = quick.resolver;
	summing.shortcut = shortcut_new(world.c, quick.names, WINDOW_US, 1);
	assert_non_null(summing.shortcut);
	for (size_t i = 0; i < NELEM(kinds); i++)
		random_connection(&kinds[i]);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct connection *c = &kinds[draw(NELEM(kinds))];
		struct shortcut_ask ask, *hint = NULL;
		struct summed did;

		c->legs[0].client.port = (uint16_t)(32768 + draw(1000));
		c->first_us = START_US + (int64_t)draw(60000) * 1000;
		c->last_us = c->first_us + draw(5000000);
		if (draw(2) == 0) {
			hint = &ask;
			summing_bring(&summing, quick.flows, c, 1, hint);
			known +=
			    shortcut_guess(summing.shortcut, hint) != FLOW_NONE;
		}
		if (draw(1000) == 0)
			shortcut_forget(summing.shortcut, world.c);
		assert_true(summing_add(&summing, quick.flows, c, hint, &did));
		assert_int_equal(did.unresolved, sum(&plain, c));
	}
	assert_same(&plain, &quick);
	assert_true(known > ROUNDS / 16);
	shortcut_free(summing.shortcut);
	sums_release(&plain);
	sums_release(&quick);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_sums),
	};

	return cmocka_run_group_tests_name("shortcut", tests, NULL, NULL);
}
