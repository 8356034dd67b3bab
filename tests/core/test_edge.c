/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/edge.h"

static const struct endpoint ends[] = {
	{ .type = ENDPOINT_WORKLOAD, .workload = 1, .pod = 10, .node = 0 },
	{ .type = ENDPOINT_WORKLOAD, .workload = 1, .pod = 11, .node = 1 },
	{ .type = ENDPOINT_WORKLOAD, .workload = 2, .pod = 20, .node = 1 },
	{ .type = ENDPOINT_NODE, .ip = { { 1 } }, .node = 0 },
	{ .type = ENDPOINT_NODE, .ip = { { 2 } }, .node = 0 },
	{ .type = ENDPOINT_EXTERNAL, .ip = { { 3 } }, .node = FLOW_NONE },
	{ .type = ENDPOINT_EXTERNAL, .ip = { { 4 } }, .node = FLOW_NONE },
	{ .type = ENDPOINT_UNKNOWN, .ip = { { 4 } }, .node = FLOW_NONE },
};

static struct flow
flow_of(uint32_t src, uint32_t dst, uint16_t port, int64_t at)
{
	return (struct flow){ .src = src,
		.dst = dst,
		.seen_src = src,
		.service = FLOW_NONE,
		.port = port,
		.protocol = FLOW_TCP,
		.connections = 1,
		.packets = 10,
		.bytes = 100,
		.first_us = at,
		.last_us = at + 5 };
}

static void
roll_up(const struct flow *flows, size_t n, struct arena *arena,
    struct edge_set *out)
{
	struct flow_set fs = { .endpoints = ends,
		.n_endpoints = sizeof(ends) / sizeof(ends[0]),
		.flows = flows,
		.n_flows = n };

	assert_int_equal(edge_roll_up(out, &fs, arena, NULL), RF_OK);
}

static bool
same_face(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare_face(a, b) == 0;
}

/* Pods of one workload are one face; so are a node's addresses. */
static void
test_faces(void **state)
{
	(void)state;
	assert_true(same_face(&ends[0], &ends[1]));
	assert_false(same_face(&ends[0], &ends[2]));
	assert_true(same_face(&ends[3], &ends[4]));
	assert_false(same_face(&ends[5], &ends[6]));
	assert_false(same_face(&ends[6], &ends[7]));
}

static void
test_sums(void **state)
{
	const struct flow flows[] = {
		flow_of(0, 2, 80, 100),
		flow_of(1, 2, 80, 50),
		flow_of(0, 2, 81, 10),
		flow_of(0, 5, 80, 10),
		flow_of(0, 6, 80, 10),
	};
	struct edge_set es;
	struct arena arena;
	uint64_t connections = 0;

	(void)state;
	arena_init(&arena, 0);
	roll_up(flows, 5, &arena, &es);
	assert_int_equal(es.n_edges, 4);
	for (size_t i = 0; i < es.n_edges; i++)
		connections += es.edges[i].connections;
	assert_int_equal(connections, 5);
	assert_int_equal(es.edges[0].port, 80);
	assert_int_equal(es.edges[0].n_flows, 2);
	assert_int_equal(es.edges[0].first_us, 50);
	assert_int_equal(es.edges[0].last_us, 105);
	assert_int_equal(es.edges[0].bytes, 200);
	arena_release(&arena);
}

/* The order of what goes in does not matter. */
static void
test_stable(void **state)
{
	struct flow flows[] = { flow_of(0, 2, 80, 1), flow_of(2, 5, 443, 2),
		flow_of(3, 0, 8080, 3), flow_of(1, 2, 80, 4) };
	struct edge_set a, b;
	struct arena arena;
	struct flow t;

	(void)state;
	arena_init(&arena, 0);
	roll_up(flows, 4, &arena, &a);
	t = flows[0];
	flows[0] = flows[3];
	flows[3] = t;
	t = flows[1];
	flows[1] = flows[2];
	flows[2] = t;
	roll_up(flows, 4, &arena, &b);
	assert_int_equal(a.n_edges, b.n_edges);
	for (size_t i = 0; i < a.n_edges; i++) {
		assert_true(same_face(a.edges[i].src, b.edges[i].src));
		assert_true(same_face(a.edges[i].dst, b.edges[i].dst));
		assert_int_equal(
		    a.edges[i].connections, b.edges[i].connections);
	}
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faces),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_stable),
	};

	return cmocka_run_group_tests_name("edge", tests, NULL, NULL);
}
