/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters put one after the other: what unites, and what wins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/store/cluster_fixture.h"
#include "tests/support/case_table.h"

static void
assert_labels(const struct label_set *a, const struct label_set *b)
{
	assert_true(label_set_equal(a, b));
}

/* What a later cluster does not have stays. */
/* clang-format off */
static struct interval_case {
	const char *name;
	int64_t a[2], b[2], want[2];
} interval_cases[] = {
	{ "same", { 1, 2 }, { 1, 2 }, { 1, 2 } },
	{ "from is the earlier", { 5, 9 }, { 3, 9 }, { 3, 9 } },
	{ "from does not shrink", { 3, 9 }, { 5, 9 }, { 3, 9 } },
	{ "an end becomes known", { 1, TIME_MAX_US }, { 1, 7 }, { 1, 7 } },
	{ "an end stays known", { 1, 7 }, { 1, TIME_MAX_US }, { 1, 7 } },
	{ "the later of two ends", { 1, 7 }, { 1, 8 }, { 1, 8 } },
	{ "an end does not shrink", { 1, 8 }, { 1, 7 }, { 1, 8 } },
	{ "for ever", { TIME_MIN_US, TIME_MAX_US }, { 1, TIME_MAX_US },
	    { TIME_MIN_US, TIME_MAX_US } },
};
/* clang-format on */

static void
test_intervals(void **state)
{
	const struct interval_case *c = *state;
	struct world w;

	setup(&w);
	w.a->pods[2].from_us = c->a[0];
	w.a->pods[2].to_us = c->a[1];
	w.b->pods[2].from_us = c->b[0];
	w.b->pods[2].to_us = c->b[1];
	unite(&w);
	assert_int_equal(w.got->pods[2].from_us, c->want[0]);
	assert_int_equal(w.got->pods[2].to_us, c->want[1]);
	teardown(&w);
}

static void
test_pod_that_ended_stays_ended(void **state)
{
	struct kube_pod *old;
	struct world w;

	(void)state;
	setup(&w);
	old = &w.b->pods[1]; /* deleted, failed: an older state comes later */
	old->deleted = false;
	old->phase = POD_RUNNING;
	old->n_ips = 0;
	old->n_host_ips = 0;
	old->node = FLOW_NONE;
	unite(&w);
	ASSERT_SAME(say_pod, &w.got->pods[1], &w.a->pods[1]);
	teardown(&w);
}

static void
test_pod_changes(void **state)
{
	struct kube_pod *now;
	struct world w;

	(void)state;
	setup(&w);
	now = &w.b->pods[0]; /* pending: gets a node, an address, labels */
	now->phase = POD_RUNNING;
	now->node = 0;
	now->ips = node_ips;
	now->n_ips = 1;
	now->labels = (struct label_set)SET(web_labels);
	now->ports = ports;
	now->n_ports = 1;
	unite(&w);
	ASSERT_SAME(say_pod, &w.got->pods[0], now);
	teardown(&w);
}

/* Other labels are another identity: what was stored keeps its own. */
static void
test_pod_relabelled(void **state)
{
	static const struct label other[] = { { "app", "api" } };
	struct kube_pod *now;
	struct world w;

	(void)state;
	setup(&w);
	now = &w.b->pods[2];
	now->labels = (struct label_set)SET(other);
	now->from_us = 70;
	unite(&w);
	assert_int_equal(w.got->n_pods, w.a->n_pods + 1);
	now = &w.got->pods[2];
	assert_string_equal(now->uid, "u2");
	assert_labels(&now->labels, &(struct label_set)SET(other));
	assert_false(now->deleted);
	assert_int_equal(now->from_us, 70);
	now = &w.got->pods[3];
	assert_memory_equal(now->uid, "u2~", 3);
	assert_labels(&now->labels, &w.a->pods[2].labels);
	assert_true(now->deleted);
	assert_int_equal(now->from_us, w.a->pods[2].from_us);
	assert_int_equal(now->to_us, 70);
	teardown(&w);
}

/* So are other addresses, as after a node's new start: nobody had those
 * before. One that has none any more is who it was. */
static void
test_pod_moved(void **state)
{
	static const struct ip_addr other[] = { IP4(10, 0, 9, 9) };
	struct kube_pod *now;
	struct world w;

	(void)state;
	setup(&w);
	now = &w.b->pods[2];
	now->ips = other;
	now->n_ips = 1;
	now->from_us = 70;
	w.b->pods[1].n_ips = 0;
	unite(&w);
	assert_int_equal(w.got->n_pods, w.a->n_pods + 1);
	now = &w.got->pods[2];
	assert_string_equal(now->uid, "u2");
	assert_int_equal(now->n_ips, 1);
	assert_int_equal(now->from_us, 70);
	now = &w.got->pods[3];
	assert_memory_equal(now->uid, "u2~", 3);
	assert_int_equal(now->n_ips, w.a->pods[2].n_ips);
	assert_int_equal(now->to_us, 70);
	assert_true(now->deleted);
	assert_int_equal(w.got->pods[1].n_ips, w.a->pods[1].n_ips);
	teardown(&w);
}

static void
test_namespace_assumed(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	/* front was seen and is now only assumed; back the other way. */
	w.b->namespaces[1].assumed = true;
	w.b->namespaces[1].labels = (struct label_set){ 0 };
	w.b->namespaces[0].assumed = false;
	w.b->namespaces[0].labels = (struct label_set)SET(ns_labels);
	unite(&w);
	assert_false(w.got->namespaces[0].assumed);
	assert_labels(&w.got->namespaces[0].labels, &w.b->namespaces[0].labels);
	assert_false(w.got->namespaces[1].assumed);
	assert_labels(&w.got->namespaces[1].labels, &w.a->namespaces[1].labels);
	teardown(&w);
}

/* Known by owner references alone, a workload keeps what its object said. */
static void
test_workload_without_object(void **state)
{
	struct kube_workload *wl;
	struct world w;

	(void)state;
	setup(&w);
	wl = &w.b->workloads[1];
	wl->has_object = false;
	wl->has_selector = false;
	wl->selector = (struct label_selector){ 0 };
	wl->replicas = -1;
	wl->api_version = "";
	wl->labels = (struct label_set){ 0 };
	w.b->workloads[0] = *wl;
	w.b->workloads[0].kind = "CronJob";
	w.b->workloads[0].namespace = "back";
	w.b->workloads[0].name = "report";
	unite(&w);
	ASSERT_SAME(say_workload, &w.got->workloads[0], &w.a->workloads[0]);
	ASSERT_SAME(say_workload, &w.got->workloads[1], &w.a->workloads[1]);
	teardown(&w);
}

/* A workload's labels are those of all its pods, of whatever time. */
static void
test_workload_labels_are_common(void **state)
{
	static const struct label later[] = { { "app", "web" },
		{ "tier", "x" } };
	struct world w;

	(void)state;
	setup(&w);
	w.b->pods[2].uid = "u3";
	w.b->pods[2].labels = (struct label_set)SET(later);
	w.b->workloads[1].labels = (struct label_set)SET(later);
	unite(&w);
	assert_int_equal(w.got->n_pods, 4);
	assert_int_equal(w.got->workloads[1].n_pods, 3);
	assert_labels(
	    &w.got->workloads[1].labels, &(struct label_set)SET(web_stable));
	teardown(&w);
}

/* A bare pod finds company: its old group is history, its flows move. */
static void
test_bare_pods_regroup(void **state)
{
	const struct endpoint end = { ENDPOINT_WORKLOAD, IP4(1, 1, 1, 1), 2, 0,
		FLOW_NONE };
	const struct flow flow = {
		.service = FLOW_NONE, .protocol = FLOW_TCP, .connections = 1
	};
	struct arena arena = { 0 };
	struct flow_set set;
	struct world w;

	(void)state;
	setup(&w);
	OK(&w, store_put_cluster(w.s, w.a, &w.err));
	OK(&w, store_put_flows(w.s, &end, 1, &flow, 1, &w.err));
	w.b->workloads[2].name = "bare-*";
	OK(&w, store_put_cluster(w.s, w.b, &w.err));
	OK(&w, store_put_flows(w.s, &end, 1, &flow, 1, &w.err));
	OK(&w, store_get_cluster(w.s, &w.got, &w.err));
	assert_int_equal(w.got->n_workloads, 3);
	assert_string_equal(w.got->workloads[2].name, "bare-*");
	OK(&w, store_get_flows(w.s, w.got, NULL, &arena, &set, &w.err));
	assert_int_equal(set.n_flows, 1);
	assert_int_equal(set.flows[0].connections, 2);
	assert_int_equal(set.n_endpoints, 1);
	assert_int_equal(set.endpoints[0].workload, 2);
	assert_int_equal(set.endpoints[0].pod, 0);
	arena_release(&arena);
	teardown(&w);
}

static void
test_node_named_only(void **state)
{
	struct kube_node *n;
	struct world w;

	(void)state;
	setup(&w);
	n = &w.b->nodes[0];
	*n = (struct kube_node){ .name = "n1", .provider = "" };
	unite(&w);
	ASSERT_SAME(say_node, &w.got->nodes[0], &w.a->nodes[0]);
	teardown(&w);
}

static void
test_service_changes(void **state)
{
	struct kube_service *svc;
	struct world w;

	(void)state;
	setup(&w);
	svc = &w.b->services[1];
	*svc = w.a->services[0];
	svc->name = "web";
	unite(&w);
	ASSERT_SAME(say_service, &w.got->services[1], svc);
	teardown(&w);
}

static void
test_backends_unite(void **state)
{
	struct kube_backend *b;
	struct world w;

	(void)state;
	setup(&w);
	/* Only Service web has backends now: one anew, one forgets its pod. */
	b = w.b->backends;
	b[0] = w.a->backends[1];
	b[0].pod = FLOW_NONE;
	b[1] = w.a->backends[2];
	b[1].port = 9000;
	b[1].ready = true;
	w.b->n_backends = 2;
	unite(&w);
	assert_int_equal(w.got->n_backends, 5);
	for (size_t i = 0; i < 3; i++)
		ASSERT_SAME(
		    say_backend, &w.got->backends[i], &w.a->backends[i]);
	assert_int_equal(w.got->backends[3].port, 9000);
	assert_true(w.got->backends[3].ready);
	assert_string_equal(w.got->backends[4].port_name, "other");
	assert_false(w.got->backends[4].ready); /* no longer named */
	teardown(&w);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_pod_that_ended_stays_ended),
		cmocka_unit_test(test_pod_changes),
		cmocka_unit_test(test_pod_relabelled),
		cmocka_unit_test(test_pod_moved),
		cmocka_unit_test(test_namespace_assumed),
		cmocka_unit_test(test_workload_without_object),
		cmocka_unit_test(test_workload_labels_are_common),
		cmocka_unit_test(test_bare_pods_regroup),
		cmocka_unit_test(test_node_named_only),
		cmocka_unit_test(test_service_changes),
		cmocka_unit_test(test_backends_unite),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_intervals, interval_cases, name),
	};

	return case_tables_run("unite", own, NELEM(own), tables, NELEM(tables));
}
