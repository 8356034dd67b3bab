/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come again are not read again: what is known is the same. And
 * who was led to a pod by the name of a headless Service. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collector/names.h"
#include "core/hash.h"
#include "tests/support/world.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS   40000
#define CLIENTS  3000
#define START_US ((int64_t)1700000000 * 1000000)

static const char *const hosts[] = { "db.shop.svc.cluster.local",
	"peers.shop.svc.cluster.local", "example.com", "api.example.com" };
static const char *const addresses[] = { "10.96.0.20", "10.244.1.5",
	"10.244.2.9", "203.0.113.9", "203.0.113.10", "192.168.0.1" };
static const char *const clients[] = { "10.244.2.5", "10.244.1.5" };

static struct world world;
static uint64_t random_state;

struct message {
	uint8_t b[512];
	size_t len;
};

static uint32_t
draw(uint32_t below)
{
	random_state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash_mix(random_state, 0xa0761d6478bd642fu) >> 32) %
	    below;
}

static void
put16(struct message *m, unsigned v)
{
	m->b[m->len++] = (uint8_t)(v >> 8);
	m->b[m->len++] = (uint8_t)v;
}

static void
put_name(struct message *m, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		m->b[m->len++] = (uint8_t)n;
		memcpy(m->b + m->len, name, n);
		m->len += n;
		name += n + (name[n] == '.');
	}
	m->b[m->len++] = 0;
}

static void
put_address(struct message *m, const char *text, uint32_t ttl_s)
{
	struct ip_addr ip;

	assert_true(ip_parse(&ip, text));
	put16(m, 0xc00c); /* the name that was asked for */
	put16(m, 1);
	put16(m, 1);
	put16(m, ttl_s >> 16);
	put16(m, ttl_s & 0xffff);
	put16(m, 4);
	memcpy(m->b + m->len, ip.b + 12, 4);
	m->len += 4;
}

static void
put_head(struct message *m, unsigned id, unsigned flags, unsigned answers)
{
	put16(m, id);
	put16(m, flags);
	put16(m, 1);
	put16(m, answers);
	put16(m, 0);
	put16(m, 0);
}

/* An answer with up to six addresses; some are cut off, some say no. */
static void
random_answer(struct message *m, uint32_t ttl_s)
{
	const char *host = hosts[draw(NELEM(hosts))];
	unsigned n = draw(8) == 0 ? 5 + draw(2) : draw(3);
	unsigned flags = draw(16) == 0 ? 0x8183 : 0x8180;
	unsigned first = draw(NELEM(addresses));

	m->len = 0;
	put_head(m, draw(65536), flags, n);
	put_name(m, host);
	put16(m, 1);
	put16(m, 1);
	for (unsigned i = 0; i < n; i++)
		put_address(
		    m, addresses[(first + i) % NELEM(addresses)], ttl_s);
	if (draw(16) == 0)
		m->len -= draw(20);
}

/* The pod of an address changes while the test runs. */
static void
build(void)
{
	uint32_t n1, n2, old, new, peers;

	world_init(&world);
	n1 = world_node(&world, "node-1", "192.168.0.1", "10.244.1.0/24");
	n2 = world_node(&world, "node-2", "192.168.0.2", "10.244.2.0/24");
	old = world_app(&world, "shop", "old", "10.244.1.5", n1);
	new = world_app(&world, "shop", "new", "10.244.1.5", n1);
	(void)world_app(&world, "shop", "db", "10.244.2.9", n2);
	(void)world_service(&world, "shop", "db", "10.96.0.20", "app=db");
	peers = world_service(&world, "shop", "peers", "10.96.0.21", "app=db");
	world.c->services[peers].headless = true;
	world.c->services[peers].n_cluster_ips = 0;
	world.c->pods[old].to_us = START_US + 25000000;
	world.c->pods[new].from_us = START_US + 35000000;
	world_finish(&world);
}

static void
compare(const struct names *a, const struct names *b)
{
	size_t n, m;
	const struct dns_name *x = names_all(a, &n), *y = names_all(b, &m);

	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(x[i].name, y[i].name);
		assert_true(ip_equal(&x[i].ip, &y[i].ip));
		assert_int_equal(x[i].first_us, y[i].first_us);
		assert_int_equal(x[i].last_us, y[i].last_us);
	}
	assert_memory_equal(
	    names_stats(a), names_stats(b), sizeof(struct names_stats));
	assert_int_equal(names_headless_state(a), names_headless_state(b));
	for (size_t i = 0; i < NELEM(clients); i++)
		for (size_t j = 0; j < NELEM(addresses); j++) {
			struct ip_addr client, ip;

			assert_true(ip_parse(&client, clients[i]));
			assert_true(ip_parse(&ip, addresses[j]));
			assert_int_equal(names_headless(a, &client, &ip),
			    names_headless(b, &client, &ip));
		}
}

/*
 * The same answers twice: some are known again by their mark; without one,
 * every one of them is read.
 */
static void
test_repeated_answers(void **state)
{
	struct names *some, *all;

	(void)state;
	build();
	some = names_new(world.c, 1);
	all = names_new(world.c, 1);
	assert_true(some != NULL && all != NULL);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		int64_t at_us = START_US + (int64_t)draw(60000000);
		struct ip_addr client;
		struct message m;

		random_answer(&m, 30 + i % 2);
		assert_true(ip_parse(&client, clients[i % 2]));
		names_read(some, &client, m.b, m.len,
		    names_mark(some, m.b, m.len), at_us);
		names_read(all, &client, m.b, m.len, 0, at_us);
		if (i % 1000 == 999) {
			names_forget(some);
			names_forget(all);
		}
		if (i % 50 == 0)
			compare(some, all);
	}
	compare(some, all);
	names_free(some);
	names_free(all);
	world_release(&world);
}

/* A name holds from its first answer to the end of the last one's TTL. */
static void
test_ttl(void **state)
{
	static const struct {
		int64_t at_s;
		uint32_t ttl_s;
		int64_t until_s;
	} answers[] = {
		{ 0, 30, 30 },
		{ 20, 30, 50 },
		{ 25, 5, 50 }, /* what was promised holds */
		{ 60, 0, 60 },
		{ 61, UINT32_MAX >> 1, 61 + 7 * 24 * 3600 },
	};
	const struct dns_name *v;
	struct ip_addr client;
	struct names *n;
	size_t count;

	(void)state;
	build();
	n = names_new(world.c, 1);
	assert_non_null(n);
	assert_true(ip_parse(&client, clients[0]));
	for (size_t i = 0; i < NELEM(answers); i++) {
		struct message m = { .len = 0 };

		put_head(&m, 1, 0x8180, 1);
		put_name(&m, "api.example.com");
		put16(&m, 1);
		put16(&m, 1);
		put_address(&m, "203.0.113.9", answers[i].ttl_s);
		/* Twice, for what is known again must say the same. */
		for (int k = 0; k < 2; k++)
			names_read(n, &client, m.b, m.len,
			    names_mark(n, m.b, m.len),
			    START_US + answers[i].at_s * 1000000);
		v = names_all(n, &count);
		assert_int_equal(count, 1);
		assert_int_equal(v->first_us, START_US);
		assert_int_equal(
		    v->last_us, START_US + answers[i].until_s * 1000000);
	}
	names_free(n);
	world_release(&world);
}

/* No client's answer puts out another's while there is room. */
static void
test_headless_of_many_clients(void **state)
{
	struct message m = { .len = 0 };
	uint32_t peers;
	struct ip_addr client, db;
	struct names *n;

	(void)state;
	build();
	peers = cluster_find_service(world.c, "shop", "peers");
	assert_true(ip_parse(&db, "10.244.2.9"));
	put_head(&m, 1, 0x8180, 1);
	put_name(&m, "peers.shop.svc.cluster.local");
	put16(&m, 1);
	put16(&m, 1);
	put_address(&m, "10.244.2.9", 30);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		n = names_new(world.c, seed);
		assert_non_null(n);
		for (unsigned i = 0; i < 2 * CLIENTS; i++) {
			char text[32];

			(void)snprintf(text, sizeof(text), "10.244.%u.%u",
			    i % CLIENTS / 250, i % CLIENTS % 250);
			assert_true(ip_parse(&client, text));
			if (i < CLIENTS)
				names_read(n, &client, m.b, m.len,
				    names_mark(n, m.b, m.len), START_US);
			else
				assert_int_equal(
				    names_headless(n, &client, &db), peers);
		}
		names_free(n);
	}
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headless_of_many_clients),
		cmocka_unit_test(test_repeated_answers),
		cmocka_unit_test(test_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
