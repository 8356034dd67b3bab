/* SPDX-License-Identifier: Apache-2.0 */
/* A network plugin with ranges of its own, which no node tells, and clients
 * that are no pods of the objects. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "collector/resolve.h"
#include "tests/support/case_table.h"
#include "tests/support/world.h"

#define NODE    "192.168.0.1"
#define WEB     "10.244.1.5" /* in the range that its node tells */
#define DB      "10.99.2.9"  /* in none */
#define GONE    "10.99.2.15"
#define FAR     "10.99.3.15"
#define STRAY   "10.244.7.1"
#define VIP     "10.96.0.20"
#define BY_LB   "192.0.2.80"
#define HOUR_US INT64_C(3600000000)

static const struct hidden_case {
	const char *name;
	const char *client, *dialled, *seen;
	enum endpoint_type want;
} cases[] = {
	{ "a pod that is gone", GONE, VIP, GONE, ENDPOINT_UNKNOWN },
	{ "no Service dialled", GONE, DB, GONE, ENDPOINT_EXTERNAL },
	{ "a balancer's address dialled", GONE, BY_LB, GONE,
	    ENDPOINT_EXTERNAL },
	{ "far from pods", FAR, VIP, FAR, ENDPOINT_EXTERNAL },
	{ "rewritten by a node", GONE, VIP, NODE, ENDPOINT_EXTERNAL },
	{ "beside a range that is told", STRAY, VIP, STRAY, ENDPOINT_EXTERNAL },
};

static void
add_leg(struct connection *c, const char *client, const char *server)
{
	struct connection_leg *l = &c->legs[c->n_legs++];

	assert_true(ip_parse(&l->client.ip, client));
	assert_true(ip_parse(&l->server.ip, server));
	l->client.port = 40000;
	l->server.port = strcmp(server, DB) == 0 ? 13306 : 3306;
	l->first_us = c->first_us + c->n_legs;
}

static void
test_hidden_pod(void **state)
{
	const struct hidden_case *hc = *state;
	struct connection c = { .protocol = FLOW_TCP,
		.opening = OPENING_HANDSHAKE,
		.counted = 1,
		.accepted = true,
		.any_reply = true,
		.first_us = 1700000000000000,
		.last_us = 1700000001000000 };
	struct ip_addr lb;
	uint32_t node, svc, pod;
	struct aggregate_item out;
	struct resolver *r;
	struct names *n;
	struct world w;

	world_init(&w);
	node = world_node(&w, "node-1", NODE, "10.244.1.0/24");
	pod = world_app(&w, "shop", "db", DB, node);
	(void)world_app(&w, "shop", "web", WEB, node);
	svc = world_service(&w, "shop", "db", VIP, "app=db");
	world_service_port(&w, svc, "db", FLOW_TCP, 3306, 13306);
	world_backend(&w, svc, DB, 13306, pod);
	assert_true(ip_parse(&lb, BY_LB));
	w.c->services[svc].lb_ips = &lb;
	w.c->services[svc].n_lb_ips = 1;
	world_finish(&w);
	n = names_new(w.c, 1);
	r = n == NULL ? NULL : resolver_new(w.c, n, HOUR_US, 1);
	assert_non_null(r);
	add_leg(&c, hc->client, hc->dialled);
	add_leg(&c, hc->seen, DB);
	resolver_resolve(r, &c, &out);
	assert_int_equal(out.src.type, hc->want);
	assert_int_equal(out.seen_src.type,
	    strcmp(hc->seen, NODE) == 0 ? ENDPOINT_NODE : hc->want);
	assert_int_equal(out.dst.type, ENDPOINT_WORKLOAD);
	resolver_free(r);
	names_free(n);
	world_release(&w);
}

int
main(void)
{
	const struct case_table tables[] = {
		CASE_TABLE(test_hidden_pod, cases, name),
	};

	return case_tables_run("hidden pod", NULL, 0, tables, NELEM(tables));
}
