/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule's comment says of the Services that were dialled. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

/* web connects to db through each of these Services of shop in turn. */
static const struct comment_case {
	const char *name, *services[5], *want;
} cases[] = {
	/* clang-format off */
	{ "no Service", { NULL }, "db" },
	{ "of the workload's name", { "db" }, "db" },
	{ "of another name", { "db-rw" }, "db (Service db-rw)" },
	{ "two, in order", { "db-rw", "db", "db-ro" },
	    "db (Services db-ro, db-rw)" },
	{ "more than fit", { "e", "d", "c", "b" },
	    "db (Services b, c, d and others)" },
	{ "the same, the other way round", { "b", "c", "d", "e" },
	    "db (Services b, c, d and others)" },
	/* clang-format on */
};

static uint32_t
service_of_db(struct world *w, const struct world_base *b, const char *name)
{
	uint32_t s = world_service(w, "shop", name, "10.96.0.9", "app=db");

	world_service_port(w, s, "", FLOW_TCP, 80, 5432);
	world_backend(w, s, "10.0.2.10", 5432, b->db);
	return s;
}

static void
take_service(struct flow *f, uint32_t service)
{
	f->service = service;
	f->service_port = 80;
}

static void
recommend_shop(struct world *w, struct arena *arena, struct recommendation *out)
{
	struct flow_set fs = world_flows(w);
	const char *namespace = "shop";
	struct recommend_options options = { .namespaces = &namespace,
		.n_namespaces = 1 };
	struct rf_error err = { .msg = "" };

	if (recommend(out, w->c, &fs, &options, arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

static void
test_services(void **state)
{
	const struct comment_case *c = *state;
	uint32_t services[NELEM(c->services)], n = 0;
	struct recommendation out;
	struct world_base b;
	struct arena arena;
	struct world w;

	arena_init(&arena, 0);
	world_init(&w);
	b = world_base(&w);
	while (c->services[n] != NULL) {
		services[n] = service_of_db(&w, &b, c->services[n]);
		n++;
	}
	world_finish(&w);
	for (uint32_t i = 0; i < n; i++)
		take_service(world_connect(&w, b.web, b.db, 5432), services[i]);
	if (n == 0)
		(void)world_connect(&w, b.web, b.db, 5432);
	recommend_shop(&w, &arena, &out);
	assert_string_equal(
	    world_find(&out, "web")->rules[POLICY_EGRESS][1].comment, c->want);
	assert_string_equal(
	    world_find(&out, "db")->rules[POLICY_INGRESS][0].comment, "web");
	world_release(&w);
	arena_release(&arena);
}

/* From outside it says how they come in; names everybody resolves through
 * kube-dns, seen or not. */
static void
test_outside(void **state)
{
	struct recommendation out;
	struct world_base b;
	struct arena arena;
	struct world w;
	uint32_t service, dns, client;

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	b = world_base(&w);
	service = service_of_db(&w, &b, "public");
	world_finish(&w);
	client = world_at(&w, ENDPOINT_EXTERNAL, "203.0.113.7");
	take_service(
	    world_flow(&w, client, world_at_pod(&w, b.db), FLOW_TCP, 5432),
	    service);
	dns = cluster_find_service(w.c, "kube-system", "kube-dns");
	assert_int_not_equal(dns, FLOW_NONE);
	take_service(world_flow(&w, world_at_pod(&w, b.db), world_at_pod(&w, 0),
			 FLOW_UDP, 53),
	    dns);
	recommend_shop(&w, &arena, &out);
	assert_string_equal(
	    world_find(&out, "db")->rules[POLICY_INGRESS][0].comment,
	    "external (Service public)");
	assert_string_equal(
	    world_find(&out, "db")->rules[POLICY_EGRESS][0].comment,
	    "kube-system/coredns");
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_outside),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_services, cases, name),
	};

	return case_tables_run(
	    "comments", own, NELEM(own), tables, NELEM(tables));
}
