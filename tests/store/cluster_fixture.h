/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_fixture: a cluster by hand with every field in use, in the order
 * in which the store gives it back, and how to compare two. Included after
 * cmocka.h; inline, so that a test may use part of it.
 */
#ifndef TESTS_STORE_CLUSTER_FIXTURE_H
#define TESTS_STORE_CLUSTER_FIXTURE_H

#include <string.h>

#include "core/rfc3339.h"
#include "core/strbuf.h"
#include "store/store.h"
#include "tests/support/cluster_say.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define IP4(a, b, c, d)                                                        \
	{                                                                      \
		{                                                              \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d   \
		}                                                              \
	}
#define IP6(a, b)                                                              \
	{                                                                      \
		{                                                              \
			0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b      \
		}                                                              \
	}
#define SET(v)                                                                 \
	{                                                                      \
		(v), NELEM(v)                                                  \
	}

static const struct label ns_labels[] = {
	{ "a", "" },
	{ "kubernetes.io/metadata.name", "front" },
	{ "z", "\"quoted\" \\ \xc3\xa9 \xe6\xbc\xa2\n" },
};
static const struct label back_labels[] = {
	{ "kubernetes.io/metadata.name", "back" },
};
static const struct label web_labels[] = {
	{ "app", "web" },
	{ "pod-template-hash", "5d4" },
};
static const struct label web_stable[] = { { "app", "web" } };
static const struct ip_addr node_ips[] = { IP4(192, 168, 0, 1), IP6(0, 1) };
static const struct ip_addr web_ips[] = { IP4(10, 0, 0, 1), IP6(1, 1) };
static const struct ip_addr svc_ips[] = { IP4(10, 96, 0, 1), IP6(2, 1) };
static const struct ip_addr lb_ips[] = { IP4(203, 0, 113, 1) };
static const char *const tiers[] = { "z", "a", "" };

/* clang-format off */
static const struct ip_prefix cidrs[] = {
	{ IP4(10, 0, 0, 0), 96 + 24 }, { IP6(0, 0), 64 },
};
static const struct selector_requirement requirements[] = {
	{ "tier", SELECTOR_IN, tiers, 3, NULL },
	{ "tier", SELECTOR_NOT_IN, tiers, 1, NULL },
	{ "gone", SELECTOR_DOES_NOT_EXIST, NULL, 0, NULL },
	{ "app", SELECTOR_EXISTS, NULL, 0, NULL },
};
static const struct kube_port ports[] = {
	{ "http", 80, FLOW_TCP, false, false },
	{ "", 65535, FLOW_SCTP, true, false },
	{ "mesh", 1, FLOW_UDP, false, true },
};
static const struct kube_service_port service_ports[] = {
	{ "http", 80, 30080, 8080, "", FLOW_TCP },
	{ "", 53, 0, 0, "dns", FLOW_UDP },
};
static const struct kube_namespace namespaces[] = {
	{ "back", SET(back_labels), true },
	{ "front", SET(ns_labels), false },
};
static const struct kube_node nodes[] = {
	{ "n1", "aws", SET(web_labels), node_ips, 2, cidrs, 2 },
	{ "n2", "", { 0 }, NULL, 0, NULL, 0 },
};
static const struct kube_workload workloads[] = {
	{ .kind = "CronJob", .namespace = "back", .name = "report",
	  .api_version = "batch/v1", .has_object = true, .replicas = -1,
	  .suspended = true, .labels = SET(web_stable) },
	{ .kind = "Deployment", .namespace = "front", .name = "web",
	  .api_version = "apps/v1", .has_object = true, .has_selector = true,
	  .selector = { SET(web_stable), requirements, 4 },
	  .labels = SET(web_stable), .replicas = INT64_MAX, .n_pods = 2 },
	{ .kind = "Pod", .namespace = "front", .name = "bare",
	  .api_version = "", .replicas = -1, .n_pods = 1 },
};
static const struct kube_pod pods[] = {
	{ .namespace = "front", .name = "bare", .uid = "", .ns = 1,
	  .workload = 2, .node = FLOW_NONE, .phase = POD_PENDING,
	  .from_us = TIME_MIN_US, .to_us = TIME_MAX_US },
	{ .namespace = "front", .name = "web-1", .uid = "u1", .ns = 1,
	  .workload = 1, .node = 1, .labels = SET(web_labels),
	  .phase = POD_FAILED, .host_network = true, .deleted = true,
	  .ips = web_ips, .n_ips = 2, .host_ips = node_ips, .n_host_ips = 2,
	  .ports = ports, .n_ports = 3, .from_us = -5, .to_us = 5 },
	{ .namespace = "front", .name = "web-1", .uid = "u2", .ns = 1,
	  .workload = 1, .node = 0, .labels = SET(web_labels),
	  .phase = POD_RUNNING, .ips = web_ips, .n_ips = 2, .from_us = 5,
	  .to_us = TIME_MAX_US },
};
static const struct kube_service services[] = {
	{ .namespace = "front", .name = "none", .type = "ClusterIP",
	  .external_traffic_policy = "", .headless = true,
	  .from_us = 5, .to_us = 7, .gone = true },
	{ .namespace = "front", .name = "web", .type = "LoadBalancer",
	  .external_traffic_policy = "Local", .has_selector = true,
	  .selector = { SET(web_stable), NULL, 0 }, .labels = SET(ns_labels),
	  .cluster_ips = svc_ips, .n_cluster_ips = 2, .lb_ips = lb_ips,
	  .n_lb_ips = 1, .ports = service_ports, .n_ports = 2,
	  .from_us = INT64_MIN, .to_us = TIME_MAX_US },
};
static const struct kube_backend backends[] = {
	{ 0, IP4(10, 0, 0, 9), 0, FLOW_TCP, "", FLOW_NONE, false },
	{ 1, IP4(10, 0, 0, 1), 8080, FLOW_TCP, "http", 2, true },
	{ 1, IP4(10, 0, 0, 1), 8081, FLOW_TCP, "http", 2, false },
	{ 1, IP4(10, 0, 0, 1), 8080, FLOW_TCP, "other", 2, true },
};
static const struct kube_policy_text policies[] = {
	{ "back", "b", "{}" }, { "front", "a", "{\"kind\":\"x\"}" },
};
/* clang-format on */

/* A cluster over copies of the fixture's arrays, for tests to change. */
static inline struct cluster *
make_cluster(void)
{
	struct cluster *c = cluster_new();

	assert_non_null(c);
#define COPY(field)                                                            \
	do {                                                                   \
		c->field = arena_alloc(&c->arena, sizeof(field));              \
		assert_non_null(c->field);                                     \
		memcpy(c->field, field, sizeof(field));                        \
		c->n_##field = NELEM(field);                                   \
	} while (0)
	COPY(namespaces);
	COPY(nodes);
	COPY(workloads);
	COPY(pods);
	COPY(services);
	COPY(backends);
	COPY(policies);
#undef COPY
	c->has_policies = true;
	return c;
}

#define ASSERT_SAME(say, x, y)                                                 \
	do {                                                                   \
		struct strbuf sb_x, sb_y;                                      \
                                                                               \
		strbuf_init(&sb_x, 65536);                                     \
		strbuf_init(&sb_y, 65536);                                     \
		say(&sb_x, (x));                                               \
		say(&sb_y, (y));                                               \
		assert_false(strbuf_failed(&sb_x));                            \
		assert_string_equal(strbuf_str(&sb_x), strbuf_str(&sb_y));     \
		strbuf_release(&sb_x);                                         \
		strbuf_release(&sb_y);                                         \
	} while (0)

/* NOLINTBEGIN(readability-function-cognitive-complexity): assertion macros */
static inline void
assert_cluster(const struct cluster *a, const struct cluster *b)
{
#define EACH(field, say)                                                       \
	do {                                                                   \
		assert_int_equal(a->n_##field, b->n_##field);                  \
		for (size_t i = 0; i < a->n_##field; i++)                      \
			ASSERT_SAME(say, &a->field[i], &b->field[i]);          \
	} while (0)
	EACH(namespaces, say_namespace);
	EACH(nodes, say_node);
	EACH(workloads, say_workload);
	EACH(pods, say_pod);
	EACH(services, say_service);
	EACH(backends, say_backend);
	EACH(policies, say_policy);
#undef EACH
	assert_int_equal(a->has_policies, b->has_policies);
}
/* NOLINTEND(readability-function-cognitive-complexity) */

/* Two clusters, put one after the other; what comes back. */
struct world {
	struct store *s;
	struct cluster *a, *b, *got;
	struct rf_error err;
};

#define OK(w, call)                                                            \
	do {                                                                   \
		if ((call) != RF_OK)                                           \
			fail_msg("%s: %s", #call, (w)->err.msg);               \
	} while (0)

static inline void
setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	OK(w, store_open(&w->s, ":memory:", STORE_WRITE, &w->err));
	w->a = make_cluster();
	w->b = make_cluster();
}

static inline void
unite(struct world *w)
{
	OK(w, store_put_cluster(w->s, w->a, &w->err));
	OK(w, store_put_cluster(w->s, w->b, &w->err));
	OK(w, store_get_cluster(w->s, &w->got, &w->err));
}

static inline void
teardown(struct world *w)
{
	cluster_free(w->a);
	cluster_free(w->b);
	cluster_free(w->got);
	store_close(w->s);
}

#endif
