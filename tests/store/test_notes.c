/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with flows: DNS names, coverage, captures that were collected, and
 * what is no flow yet. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/store/memory_fixture.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static void
test_names(void **state)
{
	const struct dns_name in[] = {
		{ IP4(9, 9, 9, 9), "z.example", 10, 20 },
		{ IP4(1, 1, 1, 1), "b.example", 10, 20 },
		{ IP4(1, 1, 1, 1), "a.example", 10, 20 },
		{ IP4(9, 9, 9, 9), "z.example", 5, 15 },
		{ IP4(9, 9, 9, 9), "z.example", 12, 30 },
	};
	struct fixture f;

	(void)state;
	setup(&f);
	OK(&f, store_put_names(f.s, in, NELEM(in), &f.err));
	OK(&f, store_put_names(f.s, in, 1, &f.err));
	get(&f, NULL);
	assert_int_equal(f.set.n_names, 3);
	assert_string_equal(f.set.names[0].name, "a.example");
	assert_string_equal(f.set.names[1].name, "b.example");
	assert_string_equal(f.set.names[2].name, "z.example");
	assert_int_equal(f.set.names[2].first_us, 5);
	assert_int_equal(f.set.names[2].last_us, 30);
	assert_true(ip_equal(&f.set.names[2].ip, &in[0].ip));
	teardown(&f);
}

static void
test_coverage(void **state)
{
	const struct coverage in[] = {
		{ "n1", "eth0", 100, 200, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 7, 5 },
		{ "n1", "eth0", 100, 300, 2, 2, 3, 4, 5, 6, 7, 8, 9, 11, 9, 6 },
		{ "n1", "eth0", 500, 600, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "a0", "file", 100, 200, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	};
	const struct coverage bad = {
		.node = "n", .source = "s", .malformed = UINT64_MAX
	};
	const struct store_filter late = { .since_us = 400 };
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < NELEM(in); i++)
		OK(&f, store_put_coverage(f.s, &in[i], &f.err));
	assert_int_equal(store_put_coverage(f.s, &bad, &f.err), RF_INVAL);
	get(&f, NULL);
	assert_int_equal(f.set.n_coverage, 3);
	assert_string_equal(f.set.coverage[0].node, "a0");
	assert_string_equal(f.set.coverage[1].source, "eth0");
	assert_int_equal(f.set.coverage[1].to_us, 300);
	assert_memory_equal(&f.set.coverage[1].packets, &in[1].packets,
	    sizeof(in[1]) - offsetof(struct coverage, packets));
	get(&f, &late);
	assert_int_equal(f.set.n_coverage, 1);
	assert_int_equal(f.set.coverage[0].from_us, 500);
	teardown(&f);
}

static void
test_source(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	OK(&f,
	    store_put_source(
		f.s, UINT64_MAX, 12, "old.pcap", 1772442000000000, &f.err));
	assert_int_equal(
	    store_put_source(f.s, UINT64_MAX, 12, "new.pcap", 1, &f.err),
	    RF_EXISTS);
	assert_string_equal(f.err.msg,
	    "capture new.pcap (12 packets) was collected before, on "
	    "2026-03-02T09:00:00Z as old.pcap");
	OK(&f, store_put_source(f.s, 1, 12, "new.pcap", 1, &f.err));
	assert_int_equal(
	    store_put_source(f.s, 2, UINT64_MAX, "big.pcap", 1, &f.err),
	    RF_INVAL);
	/* Refused within a transaction, the rest of which lands. */
	OK(&f, store_begin(f.s, &f.err));
	OK(&f, store_put_source(f.s, 3, 1, "c.pcap", 1, &f.err));
	assert_int_equal(
	    store_put_source(f.s, 1, 12, "new.pcap", 1, &f.err), RF_EXISTS);
	OK(&f, store_commit(f.s, &f.err));
	assert_int_equal(
	    store_put_source(f.s, 3, 1, "c.pcap", 1, &f.err), RF_EXISTS);
	teardown(&f);
}

/* What a collector leaves to the next one, of two kinds. */
struct kept {
	enum rf_status (*put)(struct store *s, const struct store_rows *rows,
	    struct rf_error *err);
	enum rf_status (*get)(struct store *s, struct arena *arena,
	    const struct store_waiting **out, size_t *n, struct rf_error *err);
	bool is_open;
};

static enum rf_status
put_kept(struct fixture *f, const struct kept *k, const struct store_waiting *v,
    size_t n, const int64_t *ended, size_t n_ended)
{
	return k->put(
	    f->s, &(struct store_rows){ v, n, ended, n_ended }, &f->err);
}

static void
assert_kept(struct fixture *f, const struct kept *k,
    const struct store_waiting *want, size_t n)
{
	const struct store_waiting *v;
	uint64_t sum = 0;
	size_t n_have;

	OK(f, k->get(f->s, &f->arena, &v, &n_have, &f->err));
	assert_int_equal(n_have, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].id, want[i].id);
		assert_int_equal(v[i].connections, want[i].connections);
		assert_int_equal(v[i].first_us, want[i].first_us);
		assert_int_equal(v[i].since_us, want[i].since_us);
		assert_int_equal(v[i].size, want[i].size);
		assert_memory_equal(v[i].content, want[i].content, v[i].size);
		sum += v[i].connections;
	}
	get(f, NULL);
	assert_int_equal(f->set.waiting, k->is_open ? 0 : sum);
	assert_int_equal(f->set.open, k->is_open ? sum : 0);
	assert_int_equal(f->set.n_flows, 0);
}

/* It is put, replaced and forgotten, all of a call or nothing, and counted as
 * what it is. */
static void
test_kept(void **state)
{
	const struct kept *k = *state;
	static const int64_t ended[] = { 3, 9 }, first[] = { 1 };
	struct store_waiting v[] = {
		{ .id = 1,
		    .connections = 4,
		    .first_us = -5,
		    .since_us = 7,
		    .content = "a\0b",
		    .size = 3 },
		{ .id = 2,
		    .connections = 5,
		    .first_us = 6,
		    .since_us = 8,
		    .content = "",
		    .size = 0 },
		{ .id = 3,
		    .connections = 0,
		    .first_us = 7,
		    .since_us = 9,
		    .content = "cd",
		    .size = 2 },
	};
	const struct store_waiting bad = {
		.id = 4, .connections = UINT64_MAX, .content = "", .size = 0
	};
	struct fixture f;

	setup(&f);
	assert_kept(&f, k, v, 0);
	OK(&f, put_kept(&f, k, v, 3, NULL, 0));
	assert_kept(&f, k, v, 3);
	v[1].connections = 50;
	v[1].content = "xyz";
	v[1].size = 3;
	OK(&f, put_kept(&f, k, &v[1], 1, ended, 2));
	assert_kept(&f, k, v, 2);
	/* What fails changes nothing, what is rolled back neither. */
	assert_int_equal(put_kept(&f, k, &bad, 1, first, 1), RF_INVAL);
	OK(&f, store_begin(f.s, &f.err));
	OK(&f, put_kept(&f, k, NULL, 0, first, 1));
	store_rollback(f.s);
	assert_kept(&f, k, v, 2);
	teardown(&f);
}

/* How far a collector came. */
static void
test_written(void **state)
{
	struct fixture f;
	int64_t us;

	(void)state;
	setup(&f);
	OK(&f, store_get_written(f.s, &us, &f.err));
	assert_true(us == INT64_MIN);
	OK(&f, store_put_written(f.s, 7, &f.err));
	OK(&f, store_put_written(f.s, -5, &f.err));
	OK(&f, store_get_written(f.s, &us, &f.err));
	assert_int_equal(us, -5);
	teardown(&f);
}

int
main(void)
{
	static struct kept waiting = { store_put_waiting, store_get_waiting,
		false },
			   open = { store_put_open, store_get_open, true };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_source),
		cmocka_unit_test_prestate(test_kept, &waiting),
		cmocka_unit_test_prestate(test_kept, &open),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
