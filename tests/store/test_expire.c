/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: what goes, what stays, and that nothing dangles. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/internal.h"
#include "tests/store/cluster_fixture.h"

#define DAY ((int64_t)86400 * 1000000)

static const struct endpoint ends[] = {
	{ .type = ENDPOINT_EXTERNAL,
	    .ip = IP4(198, 51, 100, 1),
	    .workload = FLOW_NONE,
	    .pod = FLOW_NONE,
	    .node = FLOW_NONE },
	{ .type = ENDPOINT_EXTERNAL,
	    .ip = IP4(198, 51, 100, 2),
	    .workload = FLOW_NONE,
	    .pod = FLOW_NONE,
	    .node = FLOW_NONE },
};

static void
put(struct store *s, int64_t window, uint32_t src, uint16_t port)
{
	struct flow f = { .window_us = window,
		.src = src,
		.dst = !src,
		.seen_src = src,
		.service = FLOW_NONE,
		.port = port,
		.protocol = FLOW_TCP,
		.sides = SIDE_SRC,
		.connections = 1,
		.first_us = window + 1,
		.last_us = window + 2 };
	struct dns_name name = { ends[src].ip, "a.example.com", window,
		window + 5 };
	struct coverage cov = { .node = "n",
		.source = "any",
		.from_us = window,
		.to_us = window + 10,
		.packets = 1 };

	assert_int_equal(store_put_flows(s, ends, 2, &f, 1, NULL), RF_OK);
	assert_int_equal(store_put_names(s, &name, 1, NULL), RF_OK);
	assert_int_equal(store_put_coverage(s, &cov, NULL), RF_OK);
}

static void
count(struct store *s, size_t flows, size_t names, size_t coverage)
{
	struct store_filter all = { 0 };
	struct cluster *c = NULL;
	struct flow_set set;
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(store_get_cluster(s, &c, NULL), RF_OK);
	assert_int_equal(
	    store_get_flows(s, c, &all, &arena, &set, NULL), RF_OK);
	assert_int_equal(set.n_flows, flows);
	assert_int_equal(set.n_names, names);
	assert_int_equal(set.n_coverage, coverage);
	arena_release(&arena);
	cluster_free(c);
}

/* A row at a time, until nothing is left to do. */
static enum rf_status
expire(struct store *s, int64_t before_us)
{
	enum rf_status st;
	bool more = true;

	while (
	    (st = store_expire(s, before_us, 1, &more, NULL)) == RF_OK && more)
		;
	return st;
}

static void
test_expire(void **state)
{
	struct cluster *none = cluster_new();
	struct rf_error err;
	struct store *s;

	(void)state;
	assert_non_null(none);
	assert_int_equal(cluster_finish(none, &err), RF_OK);
	assert_int_equal(store_open(&s, ":memory:", STORE_WRITE, &err), RF_OK);
	assert_int_equal(store_put_cluster(s, none, &err), RF_OK);
	put(s, 1 * DAY, 0, 80);
	put(s, 2 * DAY, 0, 80);
	put(s, 3 * DAY, 1, 443);
	count(s, 2, 2, 3);
	assert_int_equal(expire(s, 1 * DAY), RF_OK);
	count(s, 2, 2, 3);
	assert_int_equal(expire(s, 3 * DAY), RF_OK);
	count(s, 1, 1, 1);
	/* what is left can be added to, and goes too in its time */
	assert_int_equal(store_put_cluster(s, none, &err), RF_OK);
	put(s, 3 * DAY, 0, 80);
	count(s, 2, 2, 1);
	assert_int_equal(expire(s, 9 * DAY), RF_OK);
	count(s, 0, 0, 0);
	store_close(s);
	cluster_free(none);
}

/* A pod that ended goes with the last flow that names it, not before. */
static void
test_pods(void **state)
{
	struct kube_namespace ns = { .name = "shop" };
	struct kube_workload w = { .kind = "Deployment",
		.namespace = "shop",
		.name = "web",
		.api_version = "apps/v1" };
	struct kube_pod both[2] = {
		{ .namespace = "shop",
		    .name = "old",
		    .uid = "u1",
		    .node = FLOW_NONE,
		    .ips = web_ips,
		    .n_ips = 1,
		    .from_us = 1,
		    .to_us = DAY },
		{ .namespace = "shop",
		    .name = "young",
		    .uid = "u2",
		    .node = FLOW_NONE,
		    .ips = web_ips,
		    .n_ips = 1,
		    .from_us = DAY,
		    .to_us = INT64_MAX },
	};
	struct cluster world = { .namespaces = &ns,
		.n_namespaces = 1,
		.workloads = &w,
		.n_workloads = 1,
		.pods = both,
		.n_pods = 2 };
	struct endpoint e[2] = { { .type = ENDPOINT_WORKLOAD,
				     .ip = web_ips[0],
				     .node = FLOW_NONE },
		ends[0] };
	struct flow f = { .window_us = 2 * DAY,
		.dst = 1,
		.service = FLOW_NONE,
		.port = 80,
		.protocol = FLOW_TCP,
		.connections = 1,
		.first_us = 2 * DAY,
		.last_us = 2 * DAY };
	struct cluster *c = NULL;
	struct rf_error err;
	struct store *s;

	(void)state;
	assert_int_equal(store_open(&s, ":memory:", STORE_WRITE, &err), RF_OK);
	assert_int_equal(store_put_cluster(s, &world, &err), RF_OK);
	assert_int_equal(store_put_flows(s, e, 2, &f, 1, &err), RF_OK);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(expire(s, (2 + round) * DAY), RF_OK);
		assert_int_equal(store_get_cluster(s, &c, &err), RF_OK);
		assert_int_equal(c->n_pods, 2 - round);
		assert_int_equal(
		    cluster_find_pod(c, "shop", "old") == FLOW_NONE, round);
		cluster_free(c);
	}
	store_close(s);
}

/* A Service, Deployment and node of one name, without pods. */
struct trio {
	struct kube_service service;
	struct kube_workload workload;
	struct kube_node node;
	struct cluster c;
};

static void
make_trio(struct trio *t, const char *name)
{
	*t = (struct trio){
		.service = { .namespace = "shop", .name = name, .type = "" },
		.workload = { .kind = "Deployment",
		    .namespace = "shop",
		    .name = name,
		    .api_version = "apps/v1" },
		.node = { .name = name, .provider = "" },
	};
	t->service.external_traffic_policy = "";
	t->c = (struct cluster){ .services = &t->service,
		.n_services = 1,
		.workloads = &t->workload,
		.n_workloads = 1,
		.nodes = &t->node,
		.n_nodes = 1 };
}

/* So many of each are there: Services, workloads, nodes. */
static void
count_objects(
    struct store *s, size_t n_services, size_t n_workloads, size_t n_nodes)
{
	struct cluster *c = NULL;

	assert_int_equal(store_get_cluster(s, &c, NULL), RF_OK);
	assert_int_equal(c->n_services, n_services);
	assert_int_equal(c->n_workloads, n_workloads);
	assert_int_equal(c->n_nodes, n_nodes);
	cluster_free(c);
}

/* A collector finds this cluster on that day, and keeps a week. */
static void
live(struct store *s, const struct trio *t, int day)
{
	assert_int_equal(store_put_cluster(s, &t->c, NULL), RF_OK);
	assert_int_equal(store_put_written(s, day * DAY, NULL), RF_OK);
	assert_int_equal(expire(s, (day - 7) * DAY), RF_OK);
}

/* What no cluster has had for a week goes, unless a flow speaks of it; what is
 * there again in time stays. */
static void
test_gone(void **state)
{
	struct flow f = { .window_us = 22 * DAY,
		.dst = 1,
		.service_port = 80,
		.port = 80,
		.protocol = FLOW_TCP,
		.connections = 1,
		.first_us = 22 * DAY,
		.last_us = 22 * DAY };
	struct cluster nothing = { .n_nodes = 0 };
	struct endpoint e[2] = { ends[0],
		{ .type = ENDPOINT_NODE, .ip = ends[1].ip } };
	struct trio old, young;
	struct store *s;

	(void)state;
	e[1].workload = e[1].pod = FLOW_NONE;
	make_trio(&old, "old");
	make_trio(&young, "young");
	assert_int_equal(store_open(&s, ":memory:", STORE_WRITE, NULL), RF_OK);
	live(s, &old, 10);
	live(s, &young, 11);
	live(s, &young, 15);
	live(s, &old, 16); /* there again */
	live(s, &young, 17);
	live(s, &young, 22);
	count_objects(s, 2, 2, 2);
	/* A late flow to the old node, by the old Service. */
	assert_int_equal(store_put_cluster(s, &old.c, NULL), RF_OK);
	assert_int_equal(store_put_flows(s, e, 2, &f, 1, NULL), RF_OK);
	assert_int_equal(store_put_cluster(s, &young.c, NULL), RF_OK);
	live(s, &young, 26);
	count_objects(s, 2, 1, 2);
	/* When nothing could be read nothing is missed. */
	assert_int_equal(store_put_cluster(s, &nothing, NULL), RF_OK);
	assert_int_equal(store_put_written(s, 28 * DAY, NULL), RF_OK);
	assert_int_equal(expire(s, 21 * DAY), RF_OK);
	count_objects(s, 2, 1, 2);
	live(s, &young, 30);
	count_objects(s, 1, 1, 1);
	assert_int_equal(
	    sqlite3_exec(s->db, "SELECT 1 / (SELECT count(*) = 0 FROM missed)",
		NULL, NULL, NULL),
	    SQLITE_OK);
	store_close(s);
}

/* Who puts no flows adds up what waits, too, a little each time, before it
 * looks through all of it for what is named no more. */
static void
test_idle(void **state)
{
	struct cluster *none = cluster_new();
	unsigned calls = 0;
	struct store *s;
	bool more;

	(void)state;
	assert_non_null(none);
	assert_int_equal(cluster_finish(none, NULL), RF_OK);
	assert_int_equal(store_open(&s, ":memory:", STORE_WRITE, NULL), RF_OK);
	assert_int_equal(store_put_cluster(s, none, NULL), RF_OK);
	for (uint32_t i = 1; i <= 8; i++)
		put(s, i * DAY, i % 2, 80);
	/* As after a migration: the totals hold nothing yet. */
	assert_int_equal(
	    sqlite3_exec(s->db,
		"DELETE FROM flow_total; UPDATE state SET rolled_us ="
		" -9223372036854775808",
		NULL, NULL, NULL),
	    SQLITE_OK);
	s->roll_max = 1;
	do {
		assert_int_equal(
		    store_expire(s, 1 * DAY, 100, &more, NULL), RF_OK);
		assert_int_equal(s->caught_up, !more);
		calls++;
	} while (more && calls < 100);
	assert_in_range(calls, 3, 8);
	count(s, 2, 2, 8);
	store_close(s);
	cluster_free(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests_name("expire", tests, NULL, NULL);
}
