/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of which it is not known which pod answered: any of them may have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

/* A pod dials a Service's port 80. */
static void
dial(struct world *w, uint32_t pod, uint32_t service)
{
	uint32_t src = world_at_pod(w, pod);
	uint32_t dst = world_at(w, ENDPOINT_UNKNOWN, NULL);
	struct flow *f = world_flow(w, src, dst, FLOW_TCP, 80);

	f->service = service;
	f->service_port = 80;
}

static void
service_as_a_whole(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t blue = world_app(w, "shop", "blue", "10.0.1.30", b.n1);
	uint32_t green = world_app(w, "shop", "green", "10.0.2.30", b.n2);
	uint32_t s = world_service(w, "shop", "both", "10.96.0.30", NULL);

	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	world_backend(w, s, "10.0.1.30", 8080, blue);
	world_backend(w, s, "10.0.2.30", 8081, green);
	world_backend(w, s, "192.0.2.30", 8082, FLOW_NONE);
	world_finish(w);
	dial(w, b.web, s);
}

/* The only backend in scope stands behind a thousand that are not. */
static void
behind_many(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t s = world_service(w, "other", "wide", "10.96.0.30", NULL);
	uint32_t client = world_app(w, "other", "client", "10.0.1.30", b.n1);
	char ip[32];

	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(
		    ip, sizeof(ip), "9.0.%u.%u", i / 250, 1 + i % 250);
		world_backend(w, s, ip, 8080, FLOW_NONE);
	}
	world_backend(w, s, "10.0.2.10", 8080, b.db);
	world_finish(w);
	dial(w, client, s);
}

static void
some_pod_of_workload(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at_pod(w, b.db);
	w->endpoints[dst].pod = FLOW_NONE;
	w->endpoints[dst].node = FLOW_NONE;
	memset(&w->endpoints[dst].ip, 0, sizeof(struct ip_addr));
	(void)world_flow(w, src, dst, FLOW_TCP, 5432);
}

/* clang-format off */
static struct world_case cases[] = {
	SHOP("Service as a whole: egress", service_as_a_whole, "web",
	    "app=web in eg " DNS " & app=blue @TCP/8080 & app=green @TCP/8081 "
	    "& 192.0.2.30/32 @TCP/8082"),
	SHOP("Service as a whole: ingress", service_as_a_whole, "green",
	    "app=green in app=web @TCP/8081 eg"),
	SHOP("one of a workload's pods", some_pod_of_workload, "web",
	    "app=web in eg " DNS " & app=db @TCP/5432"),
	SHOP("a backend behind a thousand", behind_many, "db",
	    "app=db in ns:other/app=client @TCP/8080 eg"),
};
/* clang-format on */

int
main(void)
{
	const struct case_table table = CASE_TABLE(world_case_run, cases, name);

	return case_table_run("targets", &table);
}
