/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of addresses: what they hold, and what they must not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

#define ROUNDS  200
#define SERVERS 60
#define BUDGET  4 /* as the manual says */

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Addresses on both sides of every border: 10/8, 172.16/12, 192.168/16 with
 * the nodes, 100.64/10, and public ones close together. */
static void
random_address(uint64_t *x, char ip[32])
{
	static const char *const stems[] = { "9.255.255", "11.0.0",
		"172.15.255", "172.16.0", "172.31.255", "172.32.0",
		"192.167.255", "192.168.7", "192.169.0", "100.63.255",
		"100.64.0", "203.0.113", "203.0.112", "169.253.255",
		"126.255.255" };

	(void)snprintf(ip, 32, "%s.%u", stems[next(x) % NELEM(stems)],
	    (unsigned)(next(x) % 254 + 1));
}

struct seen {
	struct ip_addr v[SERVERS];
	size_t n;
};

static void
check_block(const struct world *w, const struct ip_prefix *p,
    const struct seen *seen, uint64_t *covered)
{
	bool private = ip_is_private(&p->addr);
	struct ip_addr last = p->addr;

	assert_true(ip_prefix_is_v4(p));
	for (unsigned i = p->bits; i < 128; i++)
		last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	/* One class from the first to the last address. */
	assert_int_equal(ip_is_private(&last), private);
	assert_false(ip_is_link_local(&p->addr) || ip_is_link_local(&last));
	assert_false(ip_is_loopback(&p->addr) || ip_is_loopback(&last));
	for (size_t i = 0; i < w->c->n_pods; i++)
		assert_false(ip_prefix_contains(p, &w->c->pods[i].ips[0]));
	for (size_t i = 0; i < w->c->n_nodes; i++)
		assert_false(ip_prefix_contains(p, &w->c->nodes[i].addrs[0]));
	for (size_t i = 0; i < seen->n; i++)
		if (ip_prefix_contains(p, &seen->v[i]))
			assert_int_equal(ip_is_private(&seen->v[i]), private);
	*covered += (uint64_t)1 << (128 - p->bits);
}

static void
check_web(const struct world *w, const struct recommendation *out,
    const struct seen *seen, size_t limit)
{
	const struct policy *web = world_find(out, "web");
	uint64_t covered = 0;
	size_t blocks = 0;

	for (size_t i = 0; i < web->n_rules[POLICY_EGRESS]; i++) {
		const struct policy_rule *r = &web->rules[POLICY_EGRESS][i];

		for (size_t k = 0; k < r->n_peers; k++) {
			if (r->peers[k].ip_block == NULL)
				continue;
			blocks++;
			check_block(
			    w, &r->peers[k].ip_block->cidr, seen, &covered);
		}
	}
	assert_true(covered <= BUDGET * seen->n);
	assert_true(blocks <= limit || blocks == seen->n);
}

static void
test_merging(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct recommend_options options = {
			.max_external = (unsigned)(seed % 40 + 1)
		};
		uint64_t x = seed * 2654435761u + 88172645463325252u;
		struct recommendation out;
		struct seen seen = { .n = 0 };
		struct flow_set fs;
		struct arena arena;
		struct rf_error err;
		struct world_base b;
		struct world w;
		size_t n = next(&x) % SERVERS + 1;

		arena_init(&arena, 0);
		world_init(&w);
		b = world_base(&w);
		world_finish(&w);
		for (size_t i = 0; i < n; i++) {
			bool is_new = true;
			struct ip_addr a;
			char ip[32];

			random_address(&x, ip);
			assert_true(ip_parse(&a, ip));
			for (size_t k = 0; k < seen.n; k++)
				is_new &= !ip_equal(&a, &seen.v[k]);
			if (is_new)
				seen.v[seen.n++] = a;
			(void)world_call_out(&w, b.web, ip, 443);
		}
		fs = world_flows(&w);
		if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
			fail_msg("%s", err.msg); /* one of them is dropped */
		check_web(&w, &out, &seen, options.max_external);
		world_release(&w);
		arena_release(&arena);
	}
}

/* Clients from everywhere on a cluster that knows no pod ranges: exceptions
 * must hold each pod, no client, and not fill pages. */
static void
test_exceptions(void **state)
{
	struct recommend_options options = { .max_external = 16 };
	const struct policy_ip_block *block = NULL;
	const struct policy *web;
	struct recommendation out;
	struct flow_set fs;
	struct arena arena;
	struct rf_error err;
	struct world w;
	uint32_t node, service, pod = 0;
	char ip[32];

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	node = world_node(&w, "n1", "172.16.0.1", NULL);
	pod = world_app(&w, "shop", "web", "172.16.9.9", node);
	for (unsigned i = 0; i < 300; i++) {
		char name[16];

		/* Every other address, so that no two unite exactly. */
		(void)snprintf(name, sizeof(name), "p%u", i);
		(void)snprintf(
		    ip, sizeof(ip), "172.16.%u.%u", 16 + i / 100, i % 100 * 2);
		(void)world_app(&w, "shop", name, ip, node);
	}
	service = world_service(&w, "shop", "web", "10.96.0.9", "app=web");
	world_finish(&w);
	for (unsigned i = 0; i < 40; i++) {
		struct flow *f;

		(void)snprintf(ip, sizeof(ip), "198.51.100.%u", i * 3 + 1);
		f = world_flow(&w, world_at(&w, ENDPOINT_EXTERNAL, ip),
		    world_at_pod(&w, pod), FLOW_TCP, 8080);
		f->service = service;
		f->service_port = 80;
	}
	fs = world_flows(&w);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	web = world_find(&out, "web");
	assert_int_equal(web->n_rules[POLICY_INGRESS], 1);
	block = web->rules[POLICY_INGRESS][0].peers[0].ip_block;
	assert_non_null(block);
	assert_int_equal(block->cidr.bits, 96);
	assert_in_range(block->n_except, 1, 64);
	for (size_t i = 0; i < w.c->n_pods; i++) {
		bool inside = false;

		for (size_t k = 0; k < block->n_except; k++)
			inside |= ip_prefix_contains(
			    &block->except[k], &w.c->pods[i].ips[0]);
		assert_true(inside);
	}
	world_release(&w);
	arena_release(&arena);
}

/* Clients come in through nodes; 20 of them, one address aside. */
static void
nodes(struct world *w, const char *aside)
{
	struct world_base b = world_base(w);
	uint32_t last = 0;
	struct flow *f;
	char name[16], ip[32];

	for (unsigned i = 3; i <= 20; i++) {
		(void)snprintf(name, sizeof(name), "node-%u", i);
		(void)snprintf(ip, sizeof(ip), "192.168.0.%u", i);
		last = world_node(w, name, ip, NULL);
	}
	world_finish(w);
	f = world_flow(w, world_at(w, ENDPOINT_EXTERNAL, "198.51.100.9"),
	    world_at_pod(w, b.web), FLOW_TCP, 8080);
	f->seen_src = world_at_node(w, last, NULL);
	if (aside != NULL)
		(void)world_call_out(w, b.db, aside, 443);
}

static void
many_nodes(struct world *w)
{
	nodes(w, NULL);
}

static void
many_nodes_and_other(struct world *w)
{
	nodes(w, "192.168.0.29");
}

/* More clients from inside the company than are listed, and two others. */
static void
private_clients(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t s = world_service(w, "shop", "web", "10.96.0.80", "app=web");
	char ip[32];

	world_service_port(w, s, "", FLOW_TCP, 80, 8080);
	world_finish(w);
	for (unsigned i = 0; i < 20; i++) {
		struct flow *f;

		(void)snprintf(ip, sizeof(ip), "10.%u.0.7", 100 + i * 7);
		if (i == 0)
			(void)snprintf(ip, sizeof(ip), "198.51.100.7");
		if (i == 1)
			(void)snprintf(ip, sizeof(ip), "fd12::7");
		f = world_flow(w, world_at(w, ENDPOINT_EXTERNAL, ip),
		    world_at_pod(w, b.web), FLOW_TCP, 8080);
		f->service = s;
		f->service_port = 80;
	}
}

/* As a hostPort has them, or a balancer that knows the pods. */
static void
public_clients_of_no_service(struct world *w)
{
	struct world_base b = world_base(w);
	char ip[32];

	world_finish(w);
	for (unsigned i = 0; i < 17; i++) {
		(void)snprintf(ip, sizeof(ip), "%u.7.0.9", 50 + i * 7);
		(void)world_flow(w, world_at(w, ENDPOINT_EXTERNAL, ip),
		    world_at_pod(w, b.web), FLOW_TCP, 8080);
	}
}

/* Two of them were outside when they came: a node has the address of one now,
 * a pod that of the other. */
static void
clients_of_then(struct world *w)
{
	(void)world_node(w, "late", "50.7.0.9", NULL);
	(void)world_app(w, "shop", "late", "64.7.0.9", 0);
	public_clients_of_no_service(w);
}

/* web calls an address beside its own; the nodes may tell pods' ranges. */
static void
call_beside(struct world *w, const char *range, const char *ip)
{
	uint32_t n1 = world_node(w, "n1", "192.168.0.1", range);
	uint32_t web = world_app(w, "shop", "web", "10.0.1.10", n1);

	(void)world_dns(w, "10.0.1.53", n1);
	world_finish(w);
	(void)world_call_out(w, web, ip, 80);
	world_name(w, "10.0.1.78", "db.example");
}

static void
beside_pods(struct world *w)
{
	call_beside(w, NULL, "10.0.1.77");
}

static void
beside_named(struct world *w)
{
	call_beside(w, NULL, "10.0.1.78");
}

static void
beside_range(struct world *w)
{
	call_beside(w, "10.0.1.0/26", "10.0.1.77");
}

static void
beside_nothing(struct world *w)
{
	call_beside(w, NULL, "10.0.2.77");
}

/* clang-format off */
#define BESIDE(title, fn, ip, no) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = "web", .want = "app=web in eg " DNS " & " ip "/32 @TCP/80", \
	  .note = "beside-pods", .kind = NOTE_REMARK, .no_note = (no) }

static struct world_case cases[] = {
	REMARK("public clients of no Service: the world",
	    public_clients_of_no_service, "web",
	    "app=web in 0.0.0.0/0!10.0.1.0/24!10.0.2.0/24!192.168.0.1/32"
	    "!192.168.0.2/32 @TCP/8080 eg", "open-to-world"),
	REMARK("a client whose address is the cluster's now: by itself",
	    clients_of_then, "web",
	    "app=web in 0.0.0.0/0!10.0.1.0/24!10.0.2.0/24!50.7.0.9/32"
	    "!64.7.0.9/32!192.168.0.1/32!192.168.0.2/32 50.7.0.9/32 "
	    "64.7.0.9/32 @TCP/8080 eg", "passed-on"),
	{ .name = "which is no matter where everybody may come",
	    .build = clients_of_then, .namespace = "shop", .policy = "web",
	    .options = { .public_open = true },
	    .want = "app=web in anyone @TCP/8080 eg", .note = "passed-on",
	    .kind = NOTE_REMARK, .no_note = true },
	REMARK("private clients: their networks, not the world",
	    private_clients, "web",
	    "app=web in 10.0.0.0/8!10.0.1.0/24!10.0.2.0/24 198.51.100.7/32 "
	    "fc00::/7 @TCP/8080 eg", "open-to-private"),
	REMARK("more nodes than addresses are listed: one block around",
	    many_nodes, "web",
	    "app=web in 192.168.0.0/27 198.51.100.9/32 @TCP/8080 eg",
	    "all-nodes"),
	REMARK("and how much that block holds is said",
	    many_nodes, "web",
	    "app=web in 192.168.0.0/27 198.51.100.9/32 @TCP/8080 eg",
	    "node-block"),
	REMARK("no block around somebody else: each node",
	    many_nodes_and_other, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 192.168.0.3/32 "
	    "192.168.0.4/32 192.168.0.5/32 192.168.0.6/32 192.168.0.7/32 "
	    "192.168.0.8/32 192.168.0.9/32 192.168.0.10/32 192.168.0.11/32 "
	    "192.168.0.12/32 192.168.0.13/32 192.168.0.14/32 "
	    "192.168.0.15/32 192.168.0.16/32 192.168.0.17/32 "
	    "192.168.0.18/32 192.168.0.19/32 192.168.0.20/32 "
	    "198.51.100.9/32 @TCP/8080 eg",
	    "all-nodes"),
	BESIDE("an address beside pods', whose range nobody tells",
	    beside_pods, "10.0.1.77", false),
	BESIDE("not if it has a name", beside_named, "10.0.1.78", true),
	BESIDE("not if nodes tell it", beside_range, "10.0.1.77", true),
	BESIDE("not if it is elsewhere", beside_nothing, "10.0.2.77", true),
};
/* clang-format on */

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_exceptions),
	};
	const struct case_table tables[] = {
		CASE_TABLE(world_case_run, cases, name),
	};

	return case_tables_run(
	    "external", own, NELEM(own), tables, NELEM(tables));
}
