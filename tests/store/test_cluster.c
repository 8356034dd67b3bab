/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster: put and got back field by field, or refused whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/store/cluster_fixture.h"

static void
test_round_trip(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	unite(&w); /* twice the same */
	assert_cluster(w.got, w.a);
	/* It is finished: names are found, addresses have owners. */
	assert_int_equal(cluster_find_pod(w.got, "front", "web-1"), 2);
	assert_int_equal(cluster_find_node(w.got, "n2"), 1);
	/* What came back is as good as what went in. */
	cluster_free(w.b);
	w.b = w.got;
	w.got = NULL;
	unite(&w);
	assert_cluster(w.got, w.a);
	teardown(&w);
}

static void
test_empty(void **state)
{
	const struct cluster empty = { 0 };
	struct world w;

	(void)state;
	setup(&w);
	OK(&w, store_put_cluster(w.s, &empty, &w.err));
	OK(&w, store_get_cluster(w.s, &w.got, &w.err));
	assert_cluster(w.got, &empty);
	teardown(&w);
}

static void
test_nothing_is_forgotten(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	memset(&w.b->namespaces, 0,
	    offsetof(struct cluster, index) -
		offsetof(struct cluster, namespaces));
	w.b->has_policies = false;
	unite(&w);
	assert_cluster(w.got, w.a);
	teardown(&w);
}

static void
test_policies_are_a_set(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	w.b->policies[0] = (struct kube_policy_text){ "front", "new", "{}" };
	w.b->n_policies = 1;
	unite(&w);
	assert_int_equal(w.got->n_policies, 1);
	assert_string_equal(w.got->policies[0].name, "new");
	cluster_free(w.got);
	w.b->n_policies = 0; /* read, and there are none */
	OK(&w, store_put_cluster(w.s, w.b, &w.err));
	OK(&w, store_get_cluster(w.s, &w.got, &w.err));
	assert_int_equal(w.got->n_policies, 0);
	assert_true(w.got->has_policies);
	teardown(&w);
}

/* clang-format off */
static const struct label bad_text[] = { { "a", "\xff" } };
/* clang-format on */

static void
test_bad_clusters(void **state)
{
	struct world w;

	(void)state;
	for (int i = 0; i < 7; i++) {
		setup(&w);
		OK(&w, store_put_cluster(w.s, w.a, &w.err));
		w.b->nodes[1].provider = "changed";
		if (i == 0)
			w.b->pods[0].ns = 2;
		if (i == 1)
			w.b->pods[0].workload = FLOW_NONE;
		if (i == 2)
			w.b->pods[0].node = 2;
		if (i == 3)
			w.b->backends[3].service = 2;
		if (i == 4)
			w.b->backends[3].pod = 3;
		if (i == 5)
			w.b->pods[2].labels = (struct label_set)SET(bad_text);
		if (i == 6)
			w.b->workloads[0].replicas = -2;
		assert_int_equal(store_put_cluster(w.s, w.b, &w.err), RF_INVAL);
		OK(&w, store_get_cluster(w.s, &w.got, &w.err));
		assert_cluster(w.got, w.a); /* nothing of it landed */
		teardown(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nothing_is_forgotten),
		cmocka_unit_test(test_policies_are_a_set),
		cmocka_unit_test(test_bad_clusters),
	};

	return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
