/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts over one small world, and how edges are named. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/audit_scene.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

#define W AUDIT_WOULD_DROP
#define U AUDIT_UNKNOWN
#define A AUDIT_ALLOWED
#define N AUDIT_NOT_ENFORCEABLE

/* clang-format off */
static const struct audit_case {
	const char *name, *yaml;
	enum audit_verdict want[N_EDGES];
	uint64_t dropped;
} cases[] = {
	{ "no policies", "",
	  { A, A, A, N, A, U, A, A, A, A, A }, 0 },
	{ "everything closed", DENY_ALL,
	  { W, W, A, N, W, U, U, W, U, W, A }, 5 + 7 + 1 + 1 },
	{ "egress opened, ingress closed", DENY_ALL OPEN_EGRESS,
	  { W, W, A, N, A, U, U, W, U, W, A }, 5 + 7 + 1 },
	{ "one of two pods closed", ONLY_SHARD_A,
	  { A, W, A, N, A, U, A, A, A, A, A }, 4 },
	{ "one of two backends closed", CANARY,
	  { A, A, A, N, A, U, A, A, A, W, A }, 1 },
	{ "hairpin by rule", DENY_ALL API_SELF,
	  { W, W, A, N, W, U, A, W, U, W, A }, 5 + 7 + 1 + 1 },
};
/* clang-format on */

static void
test_verdicts(void **state)
{
	struct audit_scene *s = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		size_t counts[AUDIT_VERDICT_COUNT] = { 0 };
		struct audit a;

		audit_scene_run(s, cases[i].yaml, &a);
		for (size_t k = 0; k < N_EDGES; k++) {
			const struct audit_edge *e = &a.edges[s->at[k]];

			if (e->verdict != cases[i].want[k])
				fail_msg("%s: edge %zu is %s", cases[i].name, k,
				    audit_verdict_name(e->verdict));
			if (k != REFUSED)
				counts[e->verdict]++;
		}
		assert_memory_equal(counts, a.counts, sizeof(counts));
		assert_int_equal(a.n_not_traffic, 1);
		assert_int_equal(a.connections_dropped, cases[i].dropped);
	}
}

static void
test_reasons(void **state)
{
	struct audit_scene *s = *state;
	struct audit a;

	audit_scene_run(s, DENY_ALL, &a);
	assert_int_equal(
	    a.edges[s->at[STRANGER]].reason, AUDIT_UNKNOWN_ADDRESS);
	assert_int_equal(a.edges[s->at[HAIRPIN]].reason, AUDIT_HAIRPIN);
	assert_int_equal(a.edges[s->at[GUESSED]].reason, AUDIT_GUESSED);
	assert_int_equal(a.edges[s->at[API]].reason, AUDIT_CLEAR);
	assert_false(a.edges[s->at[REFUSED]].is_traffic);
}

static void
test_sides(void **state)
{
	struct audit_scene *s = *state;
	const struct audit_side *side;
	const struct audit_edge *e;
	struct audit a;

	audit_scene_run(s, DENY_ALL OPEN_EGRESS ONLY_SHARD_A, &a);
	e = &a.edges[s->at[DB]];
	assert_int_equal(e->pairs, 2);
	assert_int_equal(e->pairs_dropped, 2);
	side = &e->sides[POLICY_EGRESS];
	assert_int_equal(side->verdict, EVAL_ALLOW);
	assert_int_equal(side->n_policies, 1);
	assert_int_equal(side->policies[0], 1);
	assert_int_equal(side->n_rules, 1);
	assert_int_equal(side->rules[0].policy, 1);
	assert_int_equal(side->rules[0].rule, 0);
	side = &e->sides[POLICY_INGRESS];
	assert_int_equal(side->verdict, EVAL_DENY);
	assert_int_equal(side->n_policies, 2);
	assert_int_equal(side->policies[0], 0);
	assert_int_equal(side->policies[1], 2);
	assert_int_equal(side->n_rules, 0);
	assert_true(strlen(side->nearest_miss) > 0);

	e = &a.edges[s->at[PROBE]];
	side = &e->sides[POLICY_INGRESS];
	assert_int_equal(side->verdict, EVAL_ALLOW);
	assert_int_equal(side->flags, EVAL_NODE_LOCAL);
	assert_int_equal(side->n_policies, 0);
	assert_int_equal(e->sides[POLICY_EGRESS].verdict, EVAL_NOT_SUBJECT);
	e = &a.edges[s->at[SELF]];
	assert_int_equal(e->sides[POLICY_INGRESS].flags, EVAL_SELF);

	audit_scene_run(s, ONLY_SHARD_A, &a);
	e = &a.edges[s->at[DB]];
	assert_int_equal(e->pairs, 2);
	assert_int_equal(e->pairs_dropped, 1);
	assert_int_equal(e->sides[POLICY_EGRESS].verdict, EVAL_NOT_ISOLATED);
}

static void
test_edges(void **state)
{
	struct audit_scene *s = *state;
	const struct view_edge *v = &s->view.edges[s->at[OUT]];
	struct strbuf sb;

	strbuf_init(&sb, 1000);
	view_end_text(&sb, v->src);
	strbuf_putc(&sb, '|');
	view_end_text(&sb, v->dst);
	assert_string_equal(strbuf_str(&sb),
	    "shop/deployment/web|external/203.0.113.7 (pay.example)");
	strbuf_clear(&sb);
	v = &s->view.edges[s->at[HAIRPIN]];
	view_service_text(&sb, v);
	assert_string_equal(strbuf_str(&sb), "shop/api:80");
	strbuf_release(&sb);
	assert_int_equal(v->n_seen_from, 1);
	assert_int_equal(s->view.edges[s->at[API]].n_seen_from, 0);
	assert_int_equal(s->view.edges[s->at[DB]].dst_pods, 2);
	assert_int_equal(s->view.edges[s->at[SEVERAL]].dst_pods, 0);
	for (size_t i = 1; i < s->view.n_edges; i++)
		assert_true(view_edge_compare(
				&s->view.edges[i - 1], &s->view.edges[i]) < 0);
}

/* Why an edge would be dropped is not what its hairpins lack. */
static void
test_hairpin_beside_dropped(void **state)
{
	struct audit_scene s = { 0 };
	struct world *w = &s.w;
	uint32_t node, far, pods[2], service, a, b;
	const struct audit_edge *e;
	struct audit out;
	struct flow *f;

	(void)state;
	world_init(w);
	node = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	far = world_node(w, "n2", "10.0.0.2", "10.1.1.0/24");
	pods[0] = world_app(w, "shop", "api", "10.1.0.3", node);
	pods[1] = world_pod(w, w->c->pods[pods[0]].workload, "api-2", "app=api",
	    "10.1.0.4", node);
	service = world_service(w, "shop", "api", "10.96.0.9", "app=api");
	world_service_port(w, service, "http", FLOW_TCP, 80, 8080);
	world_backend(w, service, "10.1.0.3", 8080, pods[0]);
	world_backend(w, service, "10.1.0.4", 8080, pods[1]);
	world_finish(w);
	a = world_at_pod(w, pods[0]);
	b = world_at_pod(w, pods[1]);
	for (unsigned i = 0; i < 2; i++) {
		f = world_flow(w, a, i == 0 ? a : b, FLOW_TCP, 8080);
		f->service = service;
		f->service_port = 80;
		if (i == 0)
			f->seen_src = world_at_node(w, far, "10.0.0.2");
	}
	audit_scene_view(&s);
	/* Its pods may come in, and call nobody. */
	audit_scene_run(&s,
	    HEAD "api}\nspec: {podSelector: {}, policyTypes: [Ingress, "
		 "Egress], ingress: [{from: [{podSelector: {}}]}]}\n",
	    &out);
	assert_int_equal(out.n_edges, 1);
	e = &out.edges[0];
	assert_int_equal(e->verdict, AUDIT_WOULD_DROP);
	assert_int_equal(e->pairs_dropped, 1);
	assert_int_equal(e->pairs_unknown, 1);
	assert_int_equal(e->sides[POLICY_EGRESS].verdict, EVAL_DENY);
	assert_string_equal(e->sides[POLICY_EGRESS].nearest_miss,
	    "api isolates the pod and no policy has an egress rule for it");
	assert_int_equal(e->sides[POLICY_INGRESS].verdict, EVAL_ALLOW);
	audit_scene_release(&s);
}

/* By its own node, which is always let in: what counts is the client. */
static void
test_rewritten(void **state)
{
	static const struct {
		const char *rules;
		enum audit_verdict want;
	} rules[] = {
		{ "ingress: [{from: [{ipBlock: {cidr: 203.0.113.7/32}}]}]", A },
		{ "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]", U },
		{ "ingress: []", U },
	};
	struct audit_scene s = { 0 };
	struct world *w = &s.w;
	uint32_t node, pod;

	(void)state;
	world_init(w);
	node = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	pod = world_app(w, "shop", "api", "10.1.0.3", node);
	world_finish(w);
	world_flow(w, world_at(w, ENDPOINT_EXTERNAL, "203.0.113.7"),
	    world_at_pod(w, pod), FLOW_TCP, 8080)
	    ->seen_src = world_at_node(w, node, "10.0.0.1");
	audit_scene_view(&s);
	for (size_t i = 0; i < NELEM(rules); i++) {
		char yaml[512];
		struct audit out;

		(void)snprintf(yaml, sizeof(yaml),
		    HEAD "api}\nspec: {podSelector: {}, policyTypes: "
			 "[Ingress], %s}\n",
		    rules[i].rules);
		audit_scene_run(&s, yaml, &out);
		assert_int_equal(out.edges[0].verdict, rules[i].want);
		assert_int_equal(out.edges[0].reason,
		    rules[i].want == U ? AUDIT_REWRITTEN : AUDIT_CLEAR);
		assert_int_equal(
		    out.edges[0].sides[POLICY_INGRESS].verdict == EVAL_DENY,
		    rules[i].want == U);
	}
	audit_scene_release(&s);
}

/* Of a Service of both families only those of the client's are its ends. */
static void
test_family_of_backends(void **state)
{
	struct audit_scene s = { 0 };
	struct world *w = &s.w;
	uint32_t node, pods[2], service, src, dst;
	struct audit out;
	struct flow *f;

	(void)state;
	world_init(w);
	node = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	pods[0] = world_app(w, "shop", "web", "fd00:1::9", node);
	pods[1] = world_app(w, "shop", "api", "10.1.0.3", node);
	service = world_service(w, "shop", "api", "fd00:96::9", "app=api");
	world_service_port(w, service, "http", FLOW_TCP, 80, 8080);
	world_backend(w, service, "10.1.0.3", 8080, pods[1]);
	world_backend(w, service, "fd00:1::3", 8080, pods[1]);
	world_finish(w);
	src = world_at_pod(w, pods[0]);
	dst = world_at_pod(w, pods[1]);
	w->endpoints[dst].ip = (struct ip_addr){ 0 };
	w->endpoints[dst].pod = FLOW_NONE;
	f = world_flow(w, src, dst, FLOW_TCP, 8080);
	f->service = service;
	f->service_port = 80;
	audit_scene_view(&s);
	audit_scene_run(&s,
	    HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "
		 "policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "
		 "'fd00:1::/64'}}]}]}\n",
	    &out);
	assert_int_equal(out.n_edges, 1);
	assert_int_equal(out.edges[0].verdict, AUDIT_ALLOWED);
	assert_int_equal(out.edges[0].pairs, 1);
	audit_scene_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family_of_backends),
		cmocka_unit_test(test_hairpin_beside_dropped),
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test_setup_teardown(
		    test_verdicts, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_reasons, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_sides, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_edges, audit_scene_setup, audit_scene_teardown),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
