/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules nothing used, which policies select nothing, and how long was
 * looked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/audit_scene.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND   INT64_C(1000000)

/* web dials api on 8080, is refused by db on 5432; an unanswered try of
 * other/tool to reach web; nobody talks to batch, which has no pod. */
static int
setup(void **state)
{
	struct audit_scene *s = calloc(1, sizeof(*s));
	struct world *w;
	uint32_t node, web, api, db, tool, agent;

	assert_non_null(s);
	w = &s->w;
	world_init(w);
	node = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	web = world_app(w, "shop", "web", "10.1.0.2", node);
	api = world_app(w, "shop", "api", "10.1.0.3", node);
	db = world_app(w, "shop", "db", "10.1.0.4", node);
	tool = world_app(w, "other", "tool", "10.1.0.5", node);
	world_workload(w, "shop", "CronJob", "batch", NULL, "app=batch");
	agent = world_workload(
	    w, "shop", "DaemonSet", "agent", "app=agent", "app=agent");
	world_pod(w, agent, "agent-0", "app=agent", NULL, node);
	world_finish(w);
	web = world_at_pod(w, web);
	db = world_at_pod(w, db);
	world_flow(w, web, world_at_pod(w, api), FLOW_TCP, 8080);
	world_flow(w, web, db, FLOW_TCP, 5432)->outcome = OUTCOME_REFUSED;
	world_flow(w, world_at_pod(w, tool), web, FLOW_TCP, 8080)->outcome =
	    OUTCOME_UNANSWERED;
	world_flow(w, world_at_node(w, node, "10.0.0.1"), db, FLOW_TCP, 9000);
	audit_scene_view(s);
	*state = s;
	return 0;
}

/* "policies|rules|idle", by name and number from 0. */
static const char *
describe(struct audit_scene *s, const struct usage *u)
{
	struct strbuf sb;
	const char *text;

	strbuf_init(&sb, 4096);
	for (size_t i = 0; i < u->n_policies; i++)
		strbuf_printf(
		    &sb, "%s ", s->set->policies[u->policies[i]].name);
	strbuf_puts(&sb, "| ");
	for (size_t i = 0; i < u->n_rules; i++)
		strbuf_printf(&sb, "%s/%c%u ",
		    s->set->policies[u->rules[i].policy].name,
		    u->rules[i].direction == POLICY_INGRESS ? 'i' : 'e',
		    (unsigned)u->rules[i].rule);
	strbuf_puts(&sb, "|");
	for (size_t i = 0; i < u->n_idle; i++) {
		strbuf_printf(
		    &sb, " %s: ", s->set->policies[u->idle[i].policy].name);
		usage_idle_text(&sb, &u->idle[i], s->w.c);
	}
	assert_false(strbuf_failed(&sb));
	text = arena_strdup(&s->arena, strbuf_str(&sb));
	strbuf_release(&sb);
	assert_non_null(text);
	return text;
}

#define WEB "{podSelector: {matchLabels: {app: web}}}"

/* clang-format off */
static const struct usage_case {
	const char *name, *yaml, *want;
} cases[] = {
	{ "no policies", "", "| |" },
	{ "a policy without rules has nothing to use",
	  HEAD "deny}\nspec: {podSelector: {}, "
	  "policyTypes: [Ingress, Egress]}\n", "| |" },
	{ "used", HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "
	  "ingress: [{from: [" WEB "], ports: [{port: 8080}]}]}\n", "| |" },
	{ "another port", HEAD "api}\nspec: {podSelector: "
	  "{matchLabels: {app: api}}, "
	  "ingress: [{from: [" WEB "], ports: [{port: 80}]}]}\n",
	  "api | api/i0 |" },
	{ "each rule for itself",
	  HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "
	  "policyTypes: [Ingress, Egress], ingress: [{}], "
	  "egress: [{ports: [{port: 53}]}, {ports: [{port: 8080}]}]}\n",
	  "| web/i0 web/e0 |" },
	{ "one of two that both allow does not make the other unused",
	  HEAD "a}\nspec: {podSelector: {}, ingress: [{}]}\n"
	  HEAD "b}\nspec: {podSelector: {}, ingress: [{from: [" WEB "]}]}\n",
	  "| |" },
	{ "used although the other side denies",
	  HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "
	  "policyTypes: [Egress], egress: [{}]}\n"
	  HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}}\n",
	  "| |" },
	{ "what never worked is no use",
	  HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "
	  "ingress: [{from: [{namespaceSelector: {}}]}]}\n"
	  HEAD "db}\nspec: {podSelector: {matchLabels: {app: db}}, "
	  "ingress: [{from: [" WEB "]}]}\n",
	  "web db | web/i0 db/i0 |" },
	{ "what is allowed anyway uses the rules that say so too",
	  HEAD "db}\nspec: {podSelector: {matchLabels: {app: db}}, ingress: "
	  "[{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]}\n", "| |" },
	{ "a rule against the policyTypes",
	  HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "
	  "policyTypes: [Ingress], ingress: [{}], egress: [{}]}\n",
	  "| api/e0 |" },
	{ "no pod", HEAD "api}\nspec: {podSelector: {matchLabels: {app: apy}}, "
	  "ingress: [{}]}\n",
	  "api | api/i0 | api: no pod that is known has such labels" },
	{ "no pod in that namespace",
	  HEAD "tool}\nspec: {podSelector: {matchLabels: {app: tool}}}\n",
	  "| | tool: no pod that is known has such labels" },
	{ "no namespace", HEAD "x, namespace: nowhere}\n"
	  "spec: {podSelector: {}}\n",
	  "| | x: no pod is known in its namespace" },
	{ "no pod yet",
	  HEAD "batch}\nspec: {podSelector: {matchLabels: {app: batch}}}\n",
	  "| | batch: CronJob batch has such labels, but no pod" },
	{ "hostNetwork",
	  HEAD "agent}\nspec: {podSelector: {matchLabels: {app: agent}}}\n",
	  "| | agent: only hostNetwork pods, which policies do not isolate" },
	{ "egress alone selects as well",
	  HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "
	  "policyTypes: [Egress]}\n", "| |" },
};
/* clang-format on */

static void
test_usage(void **state)
{
	struct audit_scene *s = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct audit a;
		const char *got;

		audit_scene_run(s, cases[i].yaml, &a);
		got = describe(s, &a.usage);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: got '%s', not '%s'", cases[i].name, got,
			    cases[i].want);
	}
}

static void
test_ended_pods(void **state)
{
	struct audit_scene *s = *state;
	struct audit a;

	for (size_t i = 0; i < s->w.c->n_pods; i++)
		s->w.c->pods[i].deleted = true;
	audit_scene_run(s,
	    HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "
		 "ingress: [{}]}\n",
	    &a);
	assert_string_equal(describe(s, &a.usage), "| |");
}

static void
test_namespaces(void **state)
{
	static const char *const shop[] = { "shop", "none" };
	struct audit_scene *s = *state;
	struct audit a;

	audit_scene_run(s,
	    HEAD "a, namespace: other}\nspec: {podSelector: {}, "
		 "ingress: [{}]}\n" HEAD
		 "b, namespace: other}\nspec: {podSelector: {matchLabels: {x: "
		 "z}}}\n" HEAD
		 "c}\nspec: {podSelector: {}, policyTypes: [Egress], "
		 "egress: [{ports: [{port: 1}]}]}\n",
	    &a);
	assert_string_equal(describe(s, &a.usage),
	    "a c | a/i0 c/e0 | b: no pod that is known has such labels");
	usage_keep_namespaces(&a.usage, s->set, shop, 2);
	assert_string_equal(describe(s, &a.usage), "c | c/e0 |");
	usage_keep_namespaces(&a.usage, s->set, shop, 0);
	assert_string_equal(describe(s, &a.usage), "| |");
}

/* What a filter hides still uses its rule. */
static void
test_narrow(void **state)
{
	struct audit_scene *s = *state;
	struct view_filter f = { .port = 9000 };
	struct audit a;

	audit_scene_run(s,
	    HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "
		 "ingress: [{}]}\n",
	    &a);
	assert_int_equal(a.n_edges, 4);
	assert_int_equal(a.n_not_traffic, 2);
	assert_int_equal(audit_narrow(&a, &f, &s->arena, NULL), RF_OK);
	assert_int_equal(a.n_edges, 1);
	assert_int_equal(a.n_not_traffic, 0);
	assert_int_equal(a.counts[AUDIT_ALLOWED], 1);
	assert_string_equal(describe(s, &a.usage), "| |");
}

static void
test_span(void **state)
{
	static const struct {
		const char *name;
		struct {
			int64_t from, to;
		} v[3];
		size_t n;
		int64_t from, to, observed;
	} spans[] = {
		{ "none", { { 0, 0 } }, 0, 0, 0, 0 },
		{ "one", { { 10, 30 } }, 1, 10, 30, 20 },
		{ "side by side", { { 10, 30 }, { 12, 28 } }, 2, 10, 30, 20 },
		{ "overlap", { { 20, 40 }, { 10, 30 } }, 2, 10, 40, 30 },
		{ "gap", { { 100, 110 }, { 10, 30 }, { 25, 35 } }, 3, 10, 110,
		    35 },
		{ "empty ones", { { 5, 5 }, { 10, 30 }, { 90, 90 } }, 3, 5, 90,
		    20 },
		{ "no packet", { { 0, 0 }, { 10, 30 } }, 2, 10, 30, 20 },
		{ "no packet at all", { { 0, 0 } }, 1, 0, 0, 0 },
	};
	struct audit_scene *s = *state;

	for (size_t i = 0; i < NELEM(spans); i++) {
		struct coverage c[3] = { { 0 } };
		struct audit a;

		for (size_t k = 0; k < spans[i].n; k++) {
			c[k].from_us = spans[i].v[k].from * SECOND;
			c[k].to_us = spans[i].v[k].to * SECOND;
		}
		s->flows.coverage = c;
		s->flows.n_coverage = spans[i].n;
		audit_scene_run(s, "", &a);
		if (a.usage.span.from_us != spans[i].from * SECOND ||
		    a.usage.span.to_us != spans[i].to * SECOND ||
		    a.usage.span.observed_us != spans[i].observed * SECOND)
			fail_msg("%s", spans[i].name);
	}
}

static void
test_span_clipped(void **state)
{
	static const struct {
		int64_t since, until, from, to, observed;
	} rows[] = { { 0, 0, 10, 60, 40 }, { 20, 0, 20, 60, 30 },
		{ 0, 55, 10, 55, 35 }, { 35, 45, 35, 45, 5 },
		{ 31, 39, 31, 39, 0 }, { 25, 52, 25, 52, 17 } };
	const struct coverage c[] = {
		{ .from_us = 10 * SECOND, .to_us = 30 * SECOND },
		{ .from_us = 40 * SECOND, .to_us = 60 * SECOND },
	};
	const struct flow_set fs = { .coverage = c, .n_coverage = 2 };

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct usage_span s;

		assert_int_equal(
		    usage_span_make(&s, &fs, rows[i].since * SECOND,
			rows[i].until * SECOND, NULL),
		    RF_OK);
		if (s.observed_us != rows[i].observed * SECOND ||
		    s.from_us < rows[i].from * SECOND ||
		    s.to_us > rows[i].to * SECOND)
			fail_msg("row %zu: %lld", i, (long long)s.observed_us);
	}
}

static void
test_duration(void **state)
{
	static const struct {
		int64_t s;
		const char *want;
	} rows[] = { { 0, "0s" }, { 59, "59s" }, { 60, "1m00s" },
		{ 572, "9m32s" }, { 3600, "1h00m" }, { 7500, "2h05m" },
		{ 172799, "47h59m" }, { 532800, "6d4h" } };
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, 100);
	for (size_t i = 0; i < NELEM(rows); i++) {
		strbuf_clear(&sb);
		usage_duration(&sb, rows[i].s * SECOND + 999999);
		assert_string_equal(strbuf_str(&sb), rows[i].want);
	}
	strbuf_release(&sb);
}

static void
test_filter(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} names[] = { { "shop/web", 1 }, { "shop/deployment/web", 1 },
		{ "shop/DEPLOYMENT/web", 1 }, { "shop/statefulset/web", 0 },
		{ "shop/we", 0 }, { "sho/web", 0 }, { "web", 0 },
		{ "shop/", 0 }, { "shop//web", 0 }, { "/web", 0 },
		{ "shop/Deployment/Web", 0 }, { "shop/deploy/web", 1 },
		{ "shop/deployments/web", 1 }, { "shop/deplo/web", 0 },
		{ "shop/sts/web", 0 }, { "other/tool", 1 } };
	struct audit_scene *s = *state;
	struct view_filter f = { 0 };
	struct view v = s->view;
	size_t n;

	for (size_t i = 0; i < NELEM(names); i++) {
		struct view_filter g = { 0 };

		assert_int_equal(view_filter_add_workload(
				     &g, s->w.c, names[i].text, &s->arena, &n),
		    RF_OK);
		if (n != names[i].want || g.n_workloads != n)
			fail_msg("%s: %zu", names[i].text, n);
	}
	assert_int_equal(
	    view_filter_add_workload(&f, s->w.c, "shop/db", &s->arena, &n),
	    RF_OK);
	assert_int_equal(view_narrow(&v, &f, &s->arena, NULL), RF_OK);
	assert_int_equal(v.n_edges, 2);
	f.outcomes = 1u << OUTCOME_REFUSED;
	assert_int_equal(view_narrow(&v, &f, &s->arena, NULL), RF_OK);
	assert_int_equal(v.n_edges, 1);
	assert_int_equal(v.edges[0].edge->port, 5432);
	f.port = 5433;
	assert_int_equal(view_narrow(&v, &f, &s->arena, NULL), RF_OK);
	assert_int_equal(v.n_edges, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_usage, setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_ended_pods, setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_namespaces, setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_narrow, setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_span, setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_filter, setup, audit_scene_teardown),
		cmocka_unit_test(test_span_clipped),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
