/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and the API server as peers: which of their addresses are allowed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

static void
from_node(struct world *w, uint32_t node, const char *ip, uint32_t pod)
{
	uint32_t src = world_at_node(w, node, ip), dst = world_at_pod(w, pod);

	(void)world_flow(w, src, dst, FLOW_TCP, 8443);
}

/* Three nodes run the API server, one does not; pods are on the last. */
struct control {
	uint32_t n[3], web;
};

static struct control
control(struct world *w)
{
	struct control c;
	uint32_t worker = world_node(w, "worker", "192.168.0.9", "10.0.9.0/24");

	(void)world_dns(w, "10.0.9.53", worker);
	world_api_server(w, "192.168.0.1", 6443);
	world_backend(w, 1, "192.168.0.2", 6443, FLOW_NONE);
	world_backend(w, 1, "192.168.0.3", 6443, FLOW_NONE);
	c.n[0] = world_node(w, "cp-1", "192.168.0.1", "10.0.1.0/24");
	c.n[1] = world_node(w, "cp-2", "192.168.0.2", "10.0.2.0/24");
	c.n[2] = world_node(w, "cp-3", "192.168.0.3", "10.0.3.0/24");
	c.web = world_app(w, "shop", "web", "10.0.9.10", worker);
	return c;
}

static void
webhook(struct world *w)
{
	struct control c = control(w);

	world_finish(w);
	from_node(w, c.n[1], NULL, c.web);
}

static void
webhook_gateway(struct world *w)
{
	struct control c = control(w);

	world_finish(w);
	from_node(w, c.n[1], "10.0.2.0", c.web);
}

/* Nodes come to web with what an overlay makes of their addresses: so they will
 * to the DNS server. */
static void
overlay_dns(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	from_node(w, b.n2, "10.0.2.0", b.web);
	(void)world_connect(w, b.web, 0, 53);
}

/* On the pod's own node they come otherwise, which tells nothing. */
static void
own_node_dns(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	from_node(w, b.n1, "10.0.1.1", b.web);
	(void)world_connect(w, b.web, 0, 53);
}

/* Another node calls the same port: then it is not the API server alone. */
static void
not_only_api(struct world *w)
{
	struct control c = control(w);
	uint32_t other = world_node(w, "other", "192.168.0.8", "10.0.8.0/24");

	world_finish(w);
	from_node(w, c.n[1], NULL, c.web);
	from_node(w, other, NULL, c.web);
}

/* A managed control plane calls from addresses that are no node's. */
static void
managed(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_backend(w, 1, "192.168.0.8", 6443, FLOW_NONE);
	world_finish(w);
	src = world_at(w, ENDPOINT_EXTERNAL, "192.168.0.8");
	dst = world_at_pod(w, b.web);
	(void)world_flow(w, src, dst, FLOW_TCP, 8443);
}

static void
several_callers(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t n3 = world_node(w, "n3", "192.168.0.3", "10.0.3.0/24");

	(void)world_node(w, "n4", "192.168.0.4", "10.0.4.0/24");
	world_finish(w);
	from_node(w, b.n2, NULL, b.web);
	from_node(w, n3, NULL, b.web);
}

/* Clients of a Service come in through n2, which also calls on its own. */
static void
entry_and_caller(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst, seen;
	struct flow *f;

	world_finish(w);
	from_node(w, b.n2, NULL, b.web);
	src = world_at(w, ENDPOINT_EXTERNAL, "198.51.100.7");
	dst = world_at_pod(w, b.web);
	seen = world_at_node(w, b.n2, NULL);
	f = world_flow(w, src, dst, FLOW_TCP, 8443);
	f->seen_src = seen;
}

/* A pod's connection came from one node by the port of another, which the
 * server is on: its policies see the one, others would see the other. */
static void
by_port_of_own_node(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_node(w, b.n2, NULL);
	dst = world_at_pod(w, b.web);
	world_flow(w, src, dst, FLOW_TCP, 8443)->seen_src =
	    world_at_node(w, b.n1, NULL);
}

static const char *const locals[] = { "169.254.7.7" };

/* As Istio's ambient mode rewrites the kubelet's address. */
static void
link_local_client(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t dst;

	world_finish(w);
	dst = world_at_pod(w, b.web);
	(void)world_flow(w, world_at(w, ENDPOINT_EXTERNAL, "169.254.7.7"), dst,
	    FLOW_TCP, 8080);
}

/* Seen before the Service's address was rewritten, and not after. */
static void
api_service_side(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;
	struct flow *f;

	world_backend(w, 1, "192.168.0.8", 6443, FLOW_NONE);
	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at(w, ENDPOINT_UNKNOWN, "10.96.0.1");
	f = world_flow(w, src, dst, FLOW_TCP, 443);
	f->service = 1;
	f->service_port = 443;
}

/* The same where nothing is known to be behind it. */
static void
api_unknown(struct world *w)
{
	api_service_side(w);
	w->c->services[1].n_ports = 0;
}

static struct world_case cases[] = {
	REMARK("a node comes in by the pod's own", by_port_of_own_node, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 @TCP/8443 eg",
	    "all-nodes"),
	REMARK("webhook: every node of the API server", webhook, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 192.168.0.3/32 "
	    "@TCP/8443 eg",
	    "api-server-nodes"),
	REMARK("webhook: by the addresses that the pod sees", webhook_gateway,
	    "web",
	    "app=web in 10.0.1.0/32 10.0.2.0/32 10.0.3.0/32 @TCP/8443 eg",
	    "api-server-nodes"),
	REMARK("webhook: not if other nodes call, too", not_only_api, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 192.168.0.3/32 "
	    "192.168.0.8/32 192.168.0.9/32 @TCP/8443 eg",
	    "all-nodes"),
	SHOP("webhook: a managed control plane", managed, "web",
	    "app=web in 192.168.0.8/32 192.168.0.9/32 @TCP/8443 eg"),
	{ .name = "nodes ask DNS as they come to others",
	    .build = overlay_dns,
	    .namespace = "kube-system",
	    .policy = "coredns",
	    .want = "k8s-app=kube-dns in ns:* 10.0.1.0/32 10.0.2.0/32 "
		    "192.168.0.1/32 192.168.0.2/32 @TCP/53,UDP/53 eg" },
	{ .name = "but not as they come to pods of their own",
	    .build = own_node_dns,
	    .namespace = "kube-system",
	    .policy = "coredns",
	    .want = "k8s-app=kube-dns in ns:* 192.168.0.1/32 192.168.0.2/32 "
		    "@TCP/53,UDP/53 eg" },
	REMARK("several nodes call: all may", several_callers, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 192.168.0.3/32 "
	    "192.168.0.4/32 @TCP/8443 eg",
	    "all-nodes"),
	REMARK("clients come in by the nodes that call", entry_and_caller,
	    "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 198.51.100.7/32 "
	    "@TCP/8443 eg",
	    "all-nodes"),
	SHOP("API server: the Service's side alone", api_service_side, "web",
	    "app=web in eg " DNS " & 192.168.0.8/32 192.168.0.9/32 @TCP/6443"),
	LEFT_OUT(
	    "API server: nothing behind it", api_unknown, "unknown-address"),
	DECIDE("link-local client", link_local_client, "link-local"),
	{ .name = "link-local client allowed by address",
	    .build = link_local_client,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in 169.254.7.7/32 @TCP/8080 eg",
	    .options = { .link_local = locals, .n_link_local = 1 } },
};

static void
recommend_world(struct world *w, struct recommendation *out,
    const struct recommend_options *options, struct arena *arena)
{
	struct flow_set fs = world_flows(w);
	struct rf_error err = { 0 };

	assert_int_equal(
	    recommend(out, w->c, &fs, options, arena, &err), RF_OK);
}

/* What every node may do says nothing of "only those that were seen". */
static void
test_one_remark(void **state)
{
	struct recommend_options options = { 0 };
	struct recommendation out;
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	entry_and_caller(&w);
	recommend_world(&w, &out, &options, &arena);
	for (size_t i = 0; i < out.n_notes; i++)
		assert_string_not_equal(out.notes[i].reason, "node-address");
	world_release(&w);
	arena_release(&arena);
}

/* One block around many nodes is there for what was seen: no floor. */
static void
test_cover_is_evidence(void **state)
{
	const char *ns = "shop";
	struct recommend_options options = { .namespaces = &ns,
		.n_namespaces = 1 };
	struct recommendation out;
	uint32_t first = FLOW_NONE, web;
	struct arena arena;
	struct world w;
	char name[16], ip[32];

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		(void)snprintf(ip, sizeof(ip), "192.168.7.%u", i + 1);
		first = world_node(&w, name, ip, NULL);
	}
	web = world_app(&w, "shop", "web", "10.0.1.10", first);
	world_finish(&w);
	from_node(&w, 0, NULL, web);
	from_node(&w, 1, NULL, web);
	recommend_world(&w, &out, &options, &arena);
	assert_int_equal(
	    world_find(&out, "web")->rules[POLICY_INGRESS][0].n_peers, 1);
	assert_int_equal(out.proof.rules, 1);
	assert_int_equal(out.proof.rules_needed, 1);
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_one_remark),
		cmocka_unit_test(test_cover_is_evidence),
	};
	const struct case_table tables[] = {
		CASE_TABLE(world_case_run, cases, name),
	};

	return case_tables_run("nodes", own, NELEM(own), tables, NELEM(tables));
}
