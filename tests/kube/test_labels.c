/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets and selectors, by the numbers of SEMANTICS 15 to 23. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kube/labels.h"
#include "tests/support/case_table.h"

#define LABELS_MAX  4
#define REQUIRE_MAX 2

/* Lists end with an empty entry. */
struct requirement {
	const char *key;
	enum selector_op op;
	const char *values[3];
};

static const struct selector_case {
	const char *name;
	struct label labels[LABELS_MAX], match[LABELS_MAX];
	struct requirement expressions[REQUIRE_MAX];
	bool want;
} selector_cases[] = {
	/* clang-format off */
	{ "15 all of matchLabels",
	    { { "a", "1" }, { "b", "2" } }, { { "a", "1" }, { "b", "2" } },
	    { { 0 } }, true },
	{ "15 one of matchLabels fails",
	    { { "a", "1" }, { "b", "2" } }, { { "a", "1" }, { "b", "3" } },
	    { { 0 } }, false },
	{ "15 labels hold, expression fails",
	    { { "a", "1" } }, { { "a", "1" } },
	    { { "a", SELECTOR_IN, { "2" } } }, false },
	{ "16 empty matches labels", { { "a", "1" } }, { { 0 } }, { { 0 } },
	    true },
	{ "16 empty matches none", { { 0 } }, { { 0 } }, { { 0 } }, true },
	{ "17 empty value needs the key", { { "b", "" } }, { { "a", "" } },
	    { { 0 } }, false },
	{ "17 empty value equals empty", { { "a", "" } }, { { "a", "" } },
	    { { 0 } }, true },
	{ "18 In, in the list", { { "a", "2" } }, { { 0 } },
	    { { "a", SELECTOR_IN, { "1", "2" } } }, true },
	{ "18 In, not in the list", { { "a", "3" } }, { { 0 } },
	    { { "a", SELECTOR_IN, { "1", "2" } } }, false },
	{ "18 In, key absent", { { "b", "1" } }, { { 0 } },
	    { { "a", SELECTOR_IN, { "1" } } }, false },
	{ "19 NotIn, key absent", { { "b", "1" } }, { { 0 } },
	    { { "a", SELECTOR_NOT_IN, { "1" } } }, true },
	{ "19 NotIn, in the list", { { "a", "1" } }, { { 0 } },
	    { { "a", SELECTOR_NOT_IN, { "1" } } }, false },
	{ "19 NotIn, not in the list", { { "a", "2" } }, { { 0 } },
	    { { "a", SELECTOR_NOT_IN, { "1" } } }, true },
	{ "20 Exists with an empty value", { { "a", "" } }, { { 0 } },
	    { { "a", SELECTOR_EXISTS, { 0 } } }, true },
	{ "20 Exists, absent", { { "b", "" } }, { { 0 } },
	    { { "a", SELECTOR_EXISTS, { 0 } } }, false },
	{ "21 DoesNotExist, absent", { { "b", "" } }, { { 0 } },
	    { { "a", SELECTOR_DOES_NOT_EXIST, { 0 } } }, true },
	{ "21 DoesNotExist, there", { { "a", "" } }, { { 0 } },
	    { { "a", SELECTOR_DOES_NOT_EXIST, { 0 } } }, false },
	{ "22 case of keys counts", { { "App", "x" } }, { { "app", "x" } },
	    { { 0 } }, false },
	{ "22 case of values counts", { { "app", "X" } }, { { "app", "x" } },
	    { { 0 } }, false },
	{ "22 prefixes are not enough", { { "app", "xy" } },
	    { { "app", "x" } }, { { 0 } }, false },
	{ "23 contradictions just fail", { { "a", "1" } }, { { 0 } },
	    { { "a", SELECTOR_IN, { "1" } },
		{ "a", SELECTOR_NOT_IN, { "1" } } }, false },
	{ "23 the same twice holds", { { "a", "1" } }, { { 0 } },
	    { { "a", SELECTOR_IN, { "1" } },
		{ "a", SELECTOR_EXISTS, { 0 } } }, true },
	/* clang-format on */
};

static size_t
count_labels(const struct label *v)
{
	size_t n = 0;

	while (n < LABELS_MAX && v[n].key != NULL)
		n++;
	return n;
}

static void
test_selector(void **state)
{
	const struct selector_case *c = *state;
	struct label_set labels = { c->labels, count_labels(c->labels) };
	struct selector_requirement r[REQUIRE_MAX] = { { 0 } };
	struct label_selector s = { .match_labels = { c->match,
					count_labels(c->match) },
		.match_expressions = r };

	for (size_t i = 0; i < REQUIRE_MAX && c->expressions[i].key; i++) {
		r[i].key = c->expressions[i].key;
		r[i].op = c->expressions[i].op;
		r[i].values = c->expressions[i].values;
		while (c->expressions[i].values[r[i].n_values] != NULL)
			r[i].n_values++;
		s.n_match_expressions++;
	}
	assert_int_equal(selector_matches(&s, &labels), c->want);
	assert_int_equal(selector_is_empty(&s),
	    s.match_labels.n + s.n_match_expressions == 0);
}

static void
test_sort_keeps_the_last(void **state)
{
	struct label v[] = { { "b", "1" }, { "a", "2" }, { "b", "3" },
		{ "c", "4" }, { "a", "5" } };
	struct label_set set = { v, label_sort(v, NELEM(v)) };

	(void)state;
	assert_int_equal(set.n, 3);
	assert_string_equal(label_get(&set, "a"), "5");
	assert_string_equal(label_get(&set, "b"), "3");
	assert_string_equal(label_get(&set, "c"), "4");
	assert_null(label_get(&set, "d"));
	assert_null(label_get(&set, ""));
}

static void
test_compare(void **state)
{
	const struct label v[] = { { "a", "1" }, { "b", "2" } };
	const struct label w[] = { { "a", "1" }, { "b", "3" } };
	struct label_set full = { v, 2 }, less = { v, 1 }, other = { w, 2 };

	(void)state;
	assert_true(label_set_equal(&full, &full));
	assert_false(label_set_equal(&full, &less));
	assert_false(label_set_equal(&full, &other));
	assert_true(label_set_compare(&less, &full) < 0);
	assert_true(label_set_compare(&full, &less) > 0);
	assert_true(label_set_compare(&full, &other) < 0);
}

/* Many values, in any order and some twice, are found as few are. */
static void
test_many_values(void **state)
{
	static const char *const values[] = { "k", "b", "j", "a", "b", "", "z",
		"c", "i", "b", "d" };
	struct selector_requirement r = { .key = "x", .values = values };
	struct label_selector s = { .match_expressions = &r,
		.n_match_expressions = 1 };
	char text[2] = { 0 };
	struct label label = { "x", text };
	struct label_set set = { &label, 1 };
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t n = 1; n <= NELEM(values); n++) {
		r.n_values = n;
		assert_true(selector_sort_values(&r, &arena));
		assert_ptr_equal(r.values, values);
		for (int c = 'a' - 1; c <= 'z'; c++) {
			bool is_there = false;

			text[0] = (char)(c < 'a' ? '\0' : c);
			for (size_t i = 0; i < n; i++)
				is_there |= strcmp(values[i], text) == 0;
			r.op = SELECTOR_IN;
			assert_int_equal(selector_matches(&s, &set), is_there);
			r.op = SELECTOR_NOT_IN;
			assert_int_equal(selector_matches(&s, &set), !is_there);
		}
	}
	assert_non_null(r.sorted);
	arena_release(&arena);
}

static void
test_volatile(void **state)
{
	static const struct {
		const char *key;
		bool want;
	} keys[] = {
		{ "pod-template-hash", true },
		{ "rollouts-pod-template-hash", true },
		{ "controller-revision-hash", true },
		{ "pod-template-generation", true },
		{ "statefulset.kubernetes.io/pod-name", true },
		{ "apps.kubernetes.io/pod-index", true },
		{ "job-name", true },
		{ "batch.kubernetes.io/job-completion-index", true },
		{ "controller-uid", true },
		{ "app.kubernetes.io/version", true },
		{ "helm.sh/chart", true },
		{ "topology.kubernetes.io/zone", true },
		{ "version", false },
		{ "app", false },
		{ "app.kubernetes.io/name", false },
		{ "app.kubernetes.io/instance", false },
		{ "batch.kubernetes.io", false },
		{ "my-job-name", false },
		{ "serving.knative.dev/revisionUID", true },
		{ "workflows.argoproj.io/workflow", true },
		{ "cnpg.io/instanceName", true },
		{ "cnpg.io/cluster", false },
		{ "acme.cert-manager.io/http-token", true },
		{ "acme.cert-manager.io/http01-solver", false },
		{ "kubernetes.io/hostname", true },
		{ "velero.io/data-upload", true },
		{ "velero.io/repo-name", false },
		{ "pkg.crossplane.io/revision", true },
		{ "pkg.crossplane.io/provider", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(keys); i++)
		if (label_is_volatile(keys[i].key) != keys[i].want)
			fail_msg("%s", keys[i].key);
}

static void
test_names_one(void **state)
{
	static const struct {
		const char *key;
		bool want;
	} keys[] = {
		{ "tekton.dev/pipelineRunUID", true },
		{ "tekton.dev/taskRun", true },
		{ "hub.jupyter.org/username", true },
		{ "example.org/podName", true },
		{ "POD_NAME", true },
		{ "run_id", true },
		{ "try_number", true },
		{ "shard-index", true },
		{ "config-hash", true },
		{ "pod", true },
		{ "user", true },
		{ "a-b-c-d-e-f-g-h-hash", false }, /* the ninth word */
		{ "a-very-long-wordwordwordword-uid", true },
		{ "podium", false },
		{ "user-service", false },
		{ "username.example.org/app", false },
		{ "tekton.dev/pipeline", false },
		{ "run", false },
		{ "hashicorp", false },
		{ "app.kubernetes.io/name", false },
		{ "app.kubernetes.io/instance", false },
		{ "--", false },
		{ "x/", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(keys); i++)
		if (label_names_one(keys[i].key) != keys[i].want)
			fail_msg("%s", keys[i].key);
}

static void
test_made_up(void **state)
{
	static const struct {
		const char *value;
		bool is_id, is_generated;
	} values[] = {
		{ "pvc-0f1e2d3c-aaaa-4bbb-8ccc-0123456789ab", true, false },
		{ "0a1b2c3d4e5f", true, false },
		{ "0a1b2c3d4e5", false, false },
		{ "x0a1b2c3d4e5-f0", false, false },
		{ "123456789012", false, false },
		{ "deadbeefcafe", false, false },
		{ "fleet-x7k2p", false, true },
		{ "x7k2p", false, false },
		{ "orders-pgsql", false, false },
		{ "web-a7k2p", false, false },
		{ "web-x7k2pp", false, false },
		{ "", false, false },
		{ "-", false, false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(values); i++) {
		if (label_value_is_id(values[i].value) != values[i].is_id)
			fail_msg("id: %s", values[i].value);
		if (label_value_is_generated(values[i].value) !=
		    values[i].is_generated)
			fail_msg("generated: %s", values[i].value);
	}
}

/* What repeats a rollout's name goes with it. */
static void
test_repeated(void **state)
{
	const struct label knative[] = { { "app", "hello-00001" },
		{ "serving.knative.dev/revision", "hello-00001" },
		{ "serving.knative.dev/service", "hello" } };
	const struct label config[] = { { "deployment", "web-3" },
		{ "deploymentconfig", "web" } };
	const struct label plain[] = { { "deployment", "web" },
		{ "run_id", "7" } };
	const struct label osd[] = { { "app", "rook-ceph-osd" },
		{ "ceph_daemon_id", "0" }, { "device-class", "ssd" },
		{ "mon", "1" }, { "osd", "0" },
		{ "topology-location-host", "h1" } };
	struct label_set s = { knative, NELEM(knative) };
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	s = label_stable(&s, &arena);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].key, "serving.knative.dev/service");
	s = (struct label_set){ config, NELEM(config) };
	s = label_stable(&s, &arena);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].key, "deploymentconfig");
	s = (struct label_set){ plain, NELEM(plain) };
	assert_int_equal(label_stable(&s, &arena).n, 2);
	s = label_lasting(&s, &arena);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].key, "deployment");
	s = (struct label_set){ osd, NELEM(osd) };
	s = label_stable(&s, &arena);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.v[0].key, "app");
	assert_string_equal(s.v[1].key, "mon");
	s = (struct label_set){ &osd[2], 4 };
	assert_int_equal(label_stable(&s, &arena).n, 4);
	arena_release(&arena);
}

static void
test_stable(void **state)
{
	const struct label v[] = { { "app", "x" }, { "job-name", "y" },
		{ "pod-template-hash", "z" }, { "tier", "w" } };
	const struct label_set all = { v, NELEM(v) }, hash = { &v[1], 2 };
	struct label_set stable;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	stable = label_stable(&all, &arena);
	assert_int_equal(stable.n, 2);
	assert_string_equal(label_get(&stable, "app"), "x");
	assert_string_equal(label_get(&stable, "tier"), "w");
	assert_int_equal(label_stable(&hash, &arena).n, 0);
	arena_release(&arena);
	arena_init(&arena, 1);
	stable = label_stable(&all, &arena);
	assert_int_equal(stable.n, 2);
	assert_null(stable.v);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_sort_keeps_the_last),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_volatile),
		cmocka_unit_test(test_names_one),
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_stable),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_selector, selector_cases, name),
	};

	return case_tables_run(
	    "labels", own, NELEM(own), tables, NELEM(tables));
}
