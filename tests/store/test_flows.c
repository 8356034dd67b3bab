/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: added up, filtered, refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/store/memory_fixture.h"
#include "tests/support/case_table.h"

/* Fixture: two namespaces, a web and a db pod, one node, one Service. */
enum { NOBODY, WEB, DB, ANY_DB, NODE, OUTSIDE, UNKNOWN, OUTSIDE2 };

static const struct ip_addr web_ips[] = { IP4(10, 0, 0, 1) };
static const struct ip_addr db_ips[] = { IP4(10, 0, 0, 2) };
static const struct ip_addr node_ips[] = { IP4(192, 168, 0, 1) };

/* clang-format off */
static struct kube_namespace namespaces[] = {
	{ .name = "back" }, { .name = "front" },
};
static struct kube_node nodes[] = {
	{ .name = "n1", .provider = "", .addrs = node_ips, .n_addrs = 1 },
};
static struct kube_workload workloads[] = {
	{ .kind = "StatefulSet", .namespace = "back", .name = "db",
	  .api_version = "apps/v1", .replicas = 1, .n_pods = 1 },
	{ .kind = "Deployment", .namespace = "front", .name = "web",
	  .api_version = "apps/v1", .replicas = 1, .n_pods = 1 },
};
static struct kube_pod pods[] = {
	{ .namespace = "front", .name = "web-1", .uid = "u1", .ns = 1,
	  .workload = 1, .node = 0, .phase = POD_RUNNING, .ips = web_ips,
	  .n_ips = 1, .from_us = 0, .to_us = INT64_MAX },
	{ .namespace = "back", .name = "db-0", .uid = "u2", .ns = 0,
	  .workload = 0, .node = FLOW_NONE, .phase = POD_RUNNING,
	  .ips = db_ips, .n_ips = 1, .from_us = 0, .to_us = INT64_MAX },
};
static struct kube_service services[] = {
	{ .namespace = "back", .name = "db", .type = "ClusterIP",
	  .external_traffic_policy = "" },
};
static const struct endpoint endpoints[] = {
	[NOBODY] = { ENDPOINT_UNKNOWN, { { 0 } }, FLOW_NONE, FLOW_NONE,
	    FLOW_NONE },
	[WEB] = { ENDPOINT_WORKLOAD, IP4(10, 0, 0, 1), 1, 0, 0 },
	[DB] = { ENDPOINT_WORKLOAD, IP4(10, 0, 0, 2), 0, 1, FLOW_NONE },
	[ANY_DB] = { ENDPOINT_WORKLOAD, { { 0 } }, 0, FLOW_NONE, FLOW_NONE },
	[NODE] = { ENDPOINT_NODE, IP4(192, 168, 0, 1), FLOW_NONE, FLOW_NONE,
	    0 },
	[OUTSIDE] = { ENDPOINT_EXTERNAL, IP4(1, 1, 1, 1), FLOW_NONE,
	    FLOW_NONE, FLOW_NONE },
	/* What a type does not use is no part of it. */
	[UNKNOWN] = { ENDPOINT_UNKNOWN, IP4(10, 0, 0, 9), 0, 0, 0 },
	[OUTSIDE2] = { ENDPOINT_EXTERNAL, IP4(1, 1, 1, 2), 5, 6, 7 },
};
/* clang-format on */

static struct cluster cluster = {
	.namespaces = namespaces,
	.n_namespaces = NELEM(namespaces),
	.nodes = nodes,
	.n_nodes = NELEM(nodes),
	.workloads = workloads,
	.n_workloads = NELEM(workloads),
	.pods = pods,
	.n_pods = NELEM(pods),
	.services = services,
	.n_services = NELEM(services),
};

static void
setup_cluster(struct fixture *f)
{
	setup(f);
	OK(f, store_put_cluster(f->s, &cluster, &f->err));
}

/* A case says what matters to it; settle() fills in the rest. */
#define F(s, d, p) .src = (s), .dst = (d), .port = (p)
#define SERVICE    1 /* the first one; 0 is none until settled */

static struct flow
settle(struct flow f)
{
	f.seen_src = f.seen_src != 0 ? f.seen_src : f.src;
	f.service = f.service != 0 ? f.service - 1 : FLOW_NONE;
	f.protocol = f.protocol != 0 ? f.protocol : FLOW_TCP;
	f.sides = f.sides != 0 ? f.sides : SIDE_SRC;
	f.connections = f.connections != 0 ? f.connections : 1;
	f.packets = f.packets != 0 ? f.packets : 2;
	f.bytes = f.bytes != 0 ? f.bytes : 3;
	f.first_us = f.first_us != 0 ? f.first_us : 100;
	f.last_us = f.last_us != 0 ? f.last_us : 200;
	return f;
}

static enum rf_status
try_put(struct fixture *f, const struct flow *flows, size_t n)
{
	struct flow v[64];

	assert_true(n <= NELEM(v));
	for (size_t i = 0; i < n; i++)
		v[i] = settle(flows[i]);
	return store_put_flows(
	    f->s, endpoints, NELEM(endpoints), v, n, &f->err);
}

static void
put(struct fixture *f, const struct flow *flows, size_t n)
{
	OK(f, try_put(f, flows, n));
}

/* Assertions on one set of flows. */
struct want {
	size_t n;
	uint64_t connections, bytes;
	int64_t first_us, last_us;
	uint8_t sides;
};

static void
assert_totals(const struct flow_set *set, const struct want *want)
{
	struct want have = {
		.n = set->n_flows, .first_us = INT64_MAX, .last_us = INT64_MIN
	};

	for (size_t i = 0; i < set->n_flows; i++) {
		const struct flow *f = &set->flows[i];

		have.connections += f->connections;
		have.bytes += f->bytes;
		have.sides |= f->sides;
		if (f->first_us < have.first_us)
			have.first_us = f->first_us;
		if (f->last_us > have.last_us)
			have.last_us = f->last_us;
		assert_int_equal(f->window_us, 0);
	}
	assert_int_equal(have.n, want->n);
	assert_int_equal(have.connections, want->connections);
	assert_int_equal(have.bytes, want->bytes);
	assert_int_equal(have.first_us, want->first_us);
	assert_int_equal(have.last_us, want->last_us);
	assert_int_equal(have.sides, want->sides);
}

/* clang-format off */
static struct add_case {
	const char *name;
	struct flow a, b;
	struct want want;
} add_cases[] = {
	{ "equal keys merge", { F(WEB, DB, 80) }, { F(WEB, DB, 80) },
	    { 1, 2, 6, 100, 200, 1 } },
	{ "times widen", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .first_us = 50, .last_us = 300 },
	    { 1, 2, 6, 50, 300, 1 } },
	{ "times do not shrink", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .first_us = 150, .last_us = 160 },
	    { 1, 2, 6, 100, 200, 1 } },
	{ "sides unite", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .sides = SIDE_DST }, { 1, 2, 6, 100, 200, 3 } },
	{ "windows are summed", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .window_us = -7 }, { 1, 2, 6, 100, 200, 1 } },
	{ "ports stay apart", { F(WEB, DB, 80) }, { F(WEB, DB, 81) },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "protocols stay apart", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .protocol = FLOW_UDP },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "outcomes stay apart", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .outcome = OUTCOME_DROPPED },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "certainties stay apart", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .certainty = CERTAINTY_GUESSED },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "services stay apart", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .service = SERVICE, .service_port = 5 },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "service ports stay apart",
	    { F(WEB, DB, 80), .service = SERVICE, .service_port = 5 },
	    { F(WEB, DB, 80), .service = SERVICE, .service_port = 6 },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "SNAT stays apart", { F(WEB, DB, 80) },
	    { F(WEB, DB, 80), .seen_src = NODE }, { 2, 2, 6, 100, 200, 1 } },
	{ "directions stay apart", { F(WEB, DB, 80) }, { F(DB, WEB, 80) },
	    { 2, 2, 6, 100, 200, 1 } },
	{ "one backend is not any backend", { F(WEB, DB, 80) },
	    { F(WEB, ANY_DB, 80) }, { 2, 2, 6, 100, 200, 1 } },
	{ "externals stay apart", { F(WEB, OUTSIDE, 80) },
	    { F(WEB, OUTSIDE2, 80) }, { 2, 2, 6, 100, 200, 1 } },
	{ "extreme times and counters",
	    { F(WEB, DB, 65535), .window_us = INT64_MIN,
		.first_us = 1, .last_us = INT64_MAX / 4,
		.bytes = INT64_MAX - 3 },
	    { F(WEB, DB, 65535), .window_us = INT64_MIN },
	    { 1, 2, INT64_MAX, 1, INT64_MAX / 4, 1 } },
};
/* clang-format on */

static void
test_add(void **state)
{
	const struct add_case *c = *state;
	const struct flow both[] = { c->a, c->b };
	struct fixture f;

	setup_cluster(&f); /* in one call */
	put(&f, both, 2);
	get(&f, NULL);
	assert_totals(&f.set, &c->want);
	teardown(&f);
	setup_cluster(&f); /* in two, the other way round */
	put(&f, &c->b, 1);
	put(&f, &c->a, 1);
	get(&f, NULL);
	assert_totals(&f.set, &c->want);
	teardown(&f);
}

static void
test_round_trip(void **state)
{
	const struct flow in[] = {
		{ F(WEB, DB, 5432), .service = SERVICE, .service_port = 5433,
		    .seen_src = NODE, .protocol = FLOW_SCTP,
		    .outcome = OUTCOME_ONEWAY, .certainty = CERTAINTY_LISTENER,
		    .sides = 3, .connections = 7, .packets = 8, .bytes = 9,
		    .window_us = 60, .first_us = 61, .last_us = 62 },
		{ F(UNKNOWN, ANY_DB, 1) },
		{ F(OUTSIDE, WEB, 2) },
	};
	const struct endpoint *e;
	const struct flow *o;
	struct fixture f;

	(void)state;
	setup_cluster(&f);
	put(&f, in, NELEM(in));
	get(&f, NULL);
	assert_int_equal(f.set.n_flows, 3);
	/* Endpoints: by type, then workload (back/db, front/web), pod. */
	assert_int_equal(f.set.n_endpoints, 6);
	e = f.set.endpoints;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(e[i].type, ENDPOINT_WORKLOAD);
	assert_int_equal(e[0].pod, cluster_find_pod(f.c, "back", "db-0"));
	assert_int_equal(e[0].node, FLOW_NONE);
	assert_true(ip_equal(&e[0].ip, &endpoints[DB].ip));
	assert_int_equal(e[1].pod, FLOW_NONE);
	assert_true(ip_is_none(&e[1].ip));
	assert_int_equal(e[1].workload, e[0].workload);
	assert_int_equal(e[2].workload,
	    cluster_find_workload(f.c, "front", "Deployment", "web"));
	assert_int_equal(e[2].node, 0);
	assert_int_equal(e[3].type, ENDPOINT_NODE);
	assert_int_equal(e[3].node, 0);
	assert_int_equal(e[3].workload, FLOW_NONE);
	assert_int_equal(e[4].type, ENDPOINT_EXTERNAL);
	assert_int_equal(e[5].type, ENDPOINT_UNKNOWN);
	assert_int_equal(e[5].pod, FLOW_NONE);
	assert_int_equal(e[5].workload, FLOW_NONE);
	assert_int_equal(e[5].node, FLOW_NONE);
	o = &f.set.flows[0];
	assert_int_equal(o->src, 2);
	assert_int_equal(o->dst, 0);
	assert_int_equal(o->seen_src, 3);
	assert_int_equal(o->service, cluster_find_service(f.c, "back", "db"));
	assert_int_equal(o->service_port, 5433);
	assert_int_equal(o->port, 5432);
	assert_int_equal(o->protocol, FLOW_SCTP);
	assert_int_equal(o->outcome, OUTCOME_ONEWAY);
	assert_int_equal(o->certainty, CERTAINTY_LISTENER);
	assert_int_equal(o->sides, 3);
	assert_int_equal(o->connections, 7);
	assert_int_equal(o->packets, 8);
	assert_int_equal(o->bytes, 9);
	assert_int_equal(o->first_us, 61);
	assert_int_equal(o->last_us, 62);
	assert_int_equal(f.set.flows[1].service, FLOW_NONE);
	teardown(&f);
}

/* clang-format off */
static struct bad_case {
	const char *name;
	struct flow bad;
} bad_cases[] = {
	{ "connections over 63 bits",
	    { F(WEB, DB, 1), .connections = (uint64_t)INT64_MAX + 1 } },
	{ "packets over 63 bits", { F(WEB, DB, 1), .packets = UINT64_MAX } },
	{ "bytes over 63 bits", { F(WEB, DB, 1), .bytes = UINT64_MAX } },
	{ "sum over 63 bits", { F(WEB, DB, 80), .bytes = INT64_MAX } },
	{ "before the epoch", { F(WEB, DB, 1), .first_us = -1 } },
	{ "behind all clocks", { F(WEB, DB, 1), .last_us = INT64_MAX } },
	{ "no such source", { F(99, DB, 1) } },
	{ "no such destination", { F(WEB, FLOW_NONE, 1) } },
	{ "no such seen source", { F(WEB, DB, 1), .seen_src = 99 } },
	{ "no such service", { F(WEB, DB, 1), .service = SERVICE + 1 } },
	{ "not a policy protocol", { F(WEB, DB, 1), .protocol = 1 } },
	{ "no such outcome", { F(WEB, DB, 1), .outcome = OUTCOME_COUNT } },
	{ "no such certainty",
	    { F(WEB, DB, 1), .certainty = CERTAINTY_COUNT } },
	{ "no such side", { F(WEB, DB, 1), .sides = 4 } },
	{ "ends before it begins", { F(WEB, DB, 1), .first_us = 201 } },
};
/* clang-format on */

/* A bad flow undoes its call, and only that. */
static void
test_all_or_nothing(void **state)
{
	const struct bad_case *c = *state;
	const struct flow good = { F(WEB, DB, 80) };
	const struct flow mixed[] = { { F(WEB, DB, 22) }, c->bad,
		{ F(DB, WEB, 23) } };
	const struct want want = { 1, 1, 3, 100, 200, 1 };
	struct fixture f;

	for (int nested = 0; nested < 2; nested++) {
		setup_cluster(&f);
		put(&f, &good, 1);
		if (nested)
			OK(&f, store_begin(f.s, &f.err));
		assert_int_equal(try_put(&f, mixed, 3), RF_INVAL);
		assert_string_not_equal(f.err.msg, "");
		if (nested)
			OK(&f, store_commit(f.s, &f.err));
		get(&f, NULL);
		assert_totals(&f.set, &want);
		put(&f, &good, 1); /* the handle still works */
		teardown(&f);
	}
}

static void
test_bad_endpoint(void **state)
{
	const struct endpoint bad[] = {
		{ ENDPOINT_WORKLOAD, IP4(1, 1, 1, 1), 0, 2, FLOW_NONE },
		{ ENDPOINT_WORKLOAD, { { 0 } }, 2, FLOW_NONE, FLOW_NONE },
		{ ENDPOINT_NODE, IP4(1, 1, 1, 1), FLOW_NONE, FLOW_NONE, 1 },
		{ (enum endpoint_type)4, IP4(1, 1, 1, 1), 0, 0, 0 },
	};
	struct fixture f;

	(void)state;
	setup_cluster(&f);
	for (uint32_t i = 0; i < NELEM(bad); i++) {
		const struct flow flow = settle((struct flow){ F(i, i, 80) });

		assert_int_equal(
		    store_put_flows(f.s, bad, NELEM(bad), &flow, 1, &f.err),
		    RF_INVAL);
	}
	get(&f, NULL);
	assert_int_equal(f.set.n_flows, 0);
	assert_int_equal(f.set.n_endpoints, 0);
	teardown(&f);
}

static void
test_transaction(void **state)
{
	const struct flow one = { F(WEB, DB, 80) };
	struct fixture f;

	(void)state;
	setup_cluster(&f);
	OK(&f, store_begin(f.s, &f.err));
	assert_int_equal(store_begin(f.s, &f.err), RF_INVAL);
	put(&f, &one, 1);
	store_rollback(f.s);
	assert_int_equal(store_commit(f.s, &f.err), RF_INVAL);
	get(&f, NULL);
	assert_int_equal(f.set.n_flows, 0);
	/* A cluster that was put and rolled back is not there to refer to. */
	OK(&f, store_begin(f.s, &f.err));
	OK(&f, store_put_cluster(f.s, &cluster, &f.err));
	store_rollback(f.s);
	assert_int_equal(try_put(&f, &one, 1), RF_INVAL);
	OK(&f, store_put_cluster(f.s, &cluster, &f.err));
	put(&f, &one, 1);
	get(&f, NULL);
	assert_int_equal(f.set.n_flows, 1);
	teardown(&f);
}

/* clang-format off */
static struct filter_case {
	const char *name;
	const char *ns[2];
	size_t n_ns;
	int64_t since_us, until_us;
	const char *want; /* the ports of what is selected */
} filter_cases[] = {
	{ "everything", { 0 }, 0, 0, 0, "1 2 3 4 5 " },
	{ "front", { "front" }, 1, 0, 0, "1 3 5 " },
	{ "back", { "back" }, 1, 0, 0, "1 2 4 " },
	{ "both", { "front", "back" }, 2, 0, 0, "1 2 3 4 5 " },
	{ "no such namespace", { "fron" }, 1, 0, 0, "" },
	{ "since a flow's end", { 0 }, 0, 1100, 0, "1 2 3 4 5 " },
	{ "since behind it", { 0 }, 0, 1101, 0, "2 3 4 5 " },
	{ "until a flow's start", { 0 }, 0, 0, 4000, "1 2 3 5 " },
	{ "until behind it", { 0 }, 0, 0, 4001, "1 2 3 4 5 " },
	{ "one moment", { 0 }, 0, 2050, 2051, "2 5 " },
	{ "between two", { 0 }, 0, 3101, 3102, "5 " },
	{ "time and namespace", { "back" }, 1, 2050, 2051, "2 " },
	{ "before all", { 0 }, 0, 0, 1, "" },
};
/* clang-format on */

static void
test_filter(void **state)
{
	/* Windows of 1000; the last one lies about its window at both ends. */
	const struct flow in[] = {
		{ F(WEB, DB, 1), .window_us = 1000, .first_us = 1000,
		    .last_us = 1100 },
		{ F(DB, OUTSIDE, 2), .window_us = 2000, .first_us = 2000,
		    .last_us = 2100 },
		{ F(OUTSIDE, WEB, 3), .window_us = 3000, .first_us = 3000,
		    .last_us = 3100 },
		{ F(NODE, ANY_DB, 4), .window_us = 4000, .first_us = 4000,
		    .last_us = 4100 },
		{ F(WEB, NODE, 5), .window_us = 3000, .first_us = 1500,
		    .last_us = 5500 },
	};
	const struct filter_case *c = *state;
	const struct store_filter filter = { .namespaces = c->ns,
		.n_namespaces = c->n_ns,
		.since_us = c->since_us,
		.until_us = c->until_us };
	bool seen[6] = { false };
	char have[32] = "";
	struct fixture f;

	setup_cluster(&f);
	put(&f, in, NELEM(in));
	get(&f, &filter);
	for (size_t i = 0; i < f.set.n_flows; i++)
		seen[f.set.flows[i].port] = true;
	for (int p = 1; p <= 5; p++)
		if (seen[p])
			(void)snprintf(have + strlen(have),
			    sizeof(have) - strlen(have), "%d ", p);
	assert_string_equal(have, c->want);
	teardown(&f);
}

/* What the result is does not depend on the order of writing. */
static void
test_history_does_not_matter(void **state)
{
	struct flow in[40];
	struct fixture a, b;

	(void)state;
	for (uint32_t i = 0; i < NELEM(in); i++)
		in[i] = (struct flow){ F(i % 7 + 1, (i + 3) % 7 + 1,
					   (uint16_t)(i % 3)),
			.window_us = (int64_t)(i % 5) * 1000 };
	setup_cluster(&a);
	setup_cluster(&b);
	put(&a, in, NELEM(in));
	for (size_t i = NELEM(in); i-- > 0;)
		put(&b, &in[i], 1);
	get(&a, NULL);
	get(&b, NULL);
	assert_int_equal(a.set.n_endpoints, b.set.n_endpoints);
	assert_int_equal(a.set.n_flows, b.set.n_flows);
	assert_memory_equal(
	    a.set.flows, b.set.flows, a.set.n_flows * sizeof(*a.set.flows));
	for (size_t i = 0; i < a.set.n_endpoints; i++)
		assert_true(
		    ip_equal(&a.set.endpoints[i].ip, &b.set.endpoints[i].ip));
	teardown(&a);
	teardown(&b);
}

static void
test_foreign_cluster_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	setup_cluster(&f);
	assert_int_equal(
	    store_get_flows(f.s, &cluster, NULL, &f.arena, &f.set, &f.err),
	    RF_INVAL);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad_endpoint),
		cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_history_does_not_matter),
		cmocka_unit_test(test_foreign_cluster_is_refused),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_add, add_cases, name),
		CASE_TABLE(test_all_or_nothing, bad_cases, name),
		CASE_TABLE(test_filter, filter_cases, name),
	};

	return case_tables_run("flows", own, NELEM(own), tables, NELEM(tables));
}
