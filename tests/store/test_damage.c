/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that hold what nothing wrote: each number out of its range, each text
 * and each address of another form, each id without end. What is read of such a
 * database is refused, or it is something that could have been written: never
 * one thing taken for another, and never memory by the size of a number.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/support/store_world.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* The table's column holds the value in all of its rows, or in one. Does what
 * is read then fail? */
static const struct lie {
	const char *table, *column, *value;
	bool is_refused;
} lies[] = {
	/* clang-format off */
	{ "namespace", "assumed", "2", true },
	{ "namespace", "labels", "'[]'", true },
	{ "namespace", "labels", "'{\"a\":1}'", true },
	{ "node", "labels", "'7'", true },
	{ "node", "addrs", "'[\"10.0.0.999\"]'", true },
	{ "node", "addrs", "'{}'", true },
	{ "node", "pod_cidrs", "'[\"10.0.0.0\"]'", true },
	{ "workload", "has_object", "-1", true },
	{ "workload", "selector", "'{}'", true },
	{ "workload", "suspended", "7", true },
	{ "pod", "phase", "5", true },
	{ "pod", "phase", "-1", true },
	{ "pod", "phase", "4294967296", true },
	{ "pod", "host_network", "2", true },
	{ "pod", "deleted", "256", true },
	{ "pod", "workload", "77", true },
	{ "pod", "workload", "4294967297", true },
	{ "pod", "node", "77", true },
	{ "pod", "namespace", "'nowhere'", true },
	{ "pod", "ips", "'[7]'", true },
	{ "pod", "ports", "'[{\"port\":65536}]'", true },
	{ "pod", "to_us", "from_us - 1", true },
	{ "service", "headless", "3", true },
	{ "service", "cluster_ips", "'[\"x\"]'", true },
	{ "service", "ports", "'[{}]'", true },
	{ "service", "gone", "2", true },
	{ "backend", "ip", "x'0a000001'", true },
	{ "backend", "ip", "x''", true },
	{ "backend", "port", "65536", true },
	{ "backend", "protocol", "0", true },
	{ "backend", "protocol", "262", true },
	{ "backend", "service", "9", false }, /* of no Service: in no list */
	{ "backend", "pod", "9", true },
	{ "endpoint", "type", "4", true },
	{ "endpoint", "type", "4294967296", true },
	{ "endpoint", "type", "-1", true },
	{ "endpoint", "type", "0", true }, /* a pod's, and no pod */
	{ "endpoint", "ip", "x'00'", true },
	{ "endpoint", "pod", "-3", true },
	{ "endpoint", "pod", "99", true },
	{ "endpoint", "workload", "4294967297", true },
	{ "flow", "src", "4294967297", true }, /* not the endpoint 1 */
	{ "flow", "dst", "-1", true },
	{ "flow", "seen_src", "77", true },
	{ "flow", "service", "4294967297", true },
	{ "flow", "service", "9", true },
	{ "flow", "service_port", "65536", true },
	{ "flow", "port", "73616", true }, /* not 8080 */
	{ "flow", "protocol", "262", true }, /* not TCP */
	{ "flow", "protocol", "1", true },
	{ "flow", "outcome", "6", true },
	{ "flow", "outcome", "256", true },
	{ "flow", "certainty", "3", true },
	{ "flow", "sides", "4", true },
	{ "flow", "connections", "-1", true },
	{ "flow", "packets", "-1", true },
	{ "flow", "bytes", "-9223372036854775808", true },
	{ "flow", "last_us", "first_us - 1", true },
	{ "coverage", "to_us", "from_us - 1", true },
	{ "coverage", "from_us", "-9223372036854775808", true },
	{ "coverage", "to_us", "9223372036854775807", true },
	{ "coverage", "known_us", "-1", true },
	{ "flow", "first_us", "-9223372036854775808", true },
	{ "flow", "last_us", "9223372036854775807", true },
	{ "coverage", "packets", "-1", true },
	{ "coverage", "dropped", "-1", true },
	{ "coverage", "unowned", "-1", true },
	{ "dns_name", "last_us", "first_us - 1", true },
	{ "dns_name", "ip", "x'0102'", true },
	{ "state", "has_policies", "2", true },
	{ "state", "lead_us", "-1", true },
	{ "state", "span_us", "-9223372036854775808", true },
	{ "waiting", "connections", "-1", true },
	{ "open", "connections", "-1", true },
	/* clang-format on */
};

/* Where the value makes two rows equal, it is one that has it. */
static void
put_lie(struct store *s, const char *table, const struct lie *l)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql), "UPDATE OR IGNORE %s SET %s = %s",
	    table, l->column, l->value);
	assert_int_equal(db_exec(s->db, sql, NULL), RF_OK);
	assert_int_not_equal(sqlite3_changes(s->db), 0);
}

static void
expect(struct store *s, const char *table, const struct lie *l)
{
	struct rf_error err = { 0 };
	enum rf_status st;

	assert_int_equal(db_exec(s->db, "SAVEPOINT lie", NULL), RF_OK);
	put_lie(s, table, l);
	st = store_world_read(s, &err);
	if (st != (l->is_refused ? RF_CORRUPT : RF_OK))
		fail_msg("%s.%s = %s: %d %s", table, l->column, l->value,
		    (int)st, err.msg);
	assert_int_equal(db_exec(s->db, "ROLLBACK TO lie", NULL), RF_OK);
	assert_int_equal(db_exec(s->db, "RELEASE lie", NULL), RF_OK);
}

static void
test_values(void **state)
{
	struct world w;
	struct store *s = store_world_new(&w);
	struct rf_error err;

	(void)state;
	store_world_spoil(s);
	assert_int_equal(store_world_read(s, &err), RF_OK);
	for (size_t i = 0; i < NELEM(lies); i++) {
		expect(s, lies[i].table, &lies[i]);
		if (strcmp(lies[i].table, "flow") == 0)
			expect(s, "flow_total", &lies[i]);
	}
	assert_int_equal(store_world_read(s, &err), RF_OK);
	store_close(s);
	world_release(&w);
}

/* What nobody can read is lost to the collector that goes on, and does not keep
 * it from starting. */
static void
test_rows(void **state)
{
	struct world w;
	struct store *s = store_world_new(&w);
	const struct store_waiting *v;
	struct rf_error err;
	struct arena arena;
	size_t n;

	(void)state;
	store_world_spoil(s);
	assert_int_equal(
	    db_exec(s->db, "UPDATE waiting SET connections = -1", NULL), RF_OK);
	arena_init(&arena, 0);
	assert_int_equal(store_get_waiting(s, &arena, &v, &n, &err), RF_OK);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].connections, 0);
	assert_int_equal(v[0].size, 0);
	arena_release(&arena);
	store_close(s);
	world_release(&w);
}

/* Ids only grow, and a damaged one may be any: the rows are as they were, and
 * take the memory that they took. */
static void
test_ids(void **state)
{
	static const char *const far[] = {
		"UPDATE pod SET id = id + 4000000000",
		"UPDATE backend SET pod = pod + 4000000000",
		"UPDATE endpoint SET pod = pod + 4000000000 WHERE pod != 0",
		"UPDATE endpoint SET id = id + 4000000000",
		"UPDATE flow SET src = src + 4000000000, dst = dst + "
		"4000000000, seen_src = seen_src + 4000000000",
		"UPDATE flow_total SET src = src + 4000000000, dst = dst + "
		"4000000000, seen_src = seen_src + 4000000000",
	};
	static const char *const beyond[] = {
		"UPDATE pod SET id = id + 4294967295",
		"UPDATE endpoint SET id = -id",
		"UPDATE workload SET id = 9223372036854775807 WHERE id = 1",
	};
	struct world w;
	struct store *s = store_world_new(&w);
	struct rf_error err;

	(void)state;
	store_world_spoil(s);
	assert_int_equal(db_exec(s->db, "SAVEPOINT far", NULL), RF_OK);
	for (size_t i = 0; i < NELEM(far); i++)
		assert_int_equal(db_exec(s->db, far[i], NULL), RF_OK);
	assert_int_equal(store_world_read(s, &err), RF_OK);
	assert_true(s->got.pods.cap <= 64);
	for (size_t i = 0; i < NELEM(beyond); i++) {
		assert_int_equal(
		    db_exec(s->db, "ROLLBACK TO far", NULL), RF_OK);
		assert_int_equal(db_exec(s->db, beyond[i], NULL), RF_OK);
		assert_int_equal(store_world_read(s, &err), RF_CORRUPT);
	}
	store_close(s);
	world_release(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
