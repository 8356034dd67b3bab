/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge of more questions than are asked together, hairpins among its flows:
 * its verdict, and why, are those of the same flows as many edges.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/audit_scene.h"
#include "tests/support/case_table.h"

/* Each calls the Service, of which any of them may answer, and itself. */
#define PODS     280
#define PER_EDGE 20   /* of the flows that are parted */
#define SELF_0   1000 /* Service ports of the hairpins that are parted */

static const struct large_case {
	const char *name, *yaml;
	enum audit_verdict want;
} cases[] = {
	{ "no policies", "", AUDIT_ALLOWED },
	{ "some by some",
	    HEAD
	    "a}\nspec: {podSelector: {matchLabels: {shard: s3}}, "
	    "ingress: [{from: [{podSelector: {matchLabels: {shard: s1}}}]}"
	    ", {from: [{podSelector: {matchLabels: {shard: s4}}}]}]}\n" HEAD
	    "b}\nspec: {podSelector: {matchLabels: {shard: s5}}, "
	    "policyTypes: [Egress], egress: [{to: [{podSelector: "
	    "{matchLabels: {shard: s5}}}]}]}\n",
	    AUDIT_WOULD_DROP },
	{ "all by six rules, but none by its own",
	    HEAD "c}\nspec: {podSelector: {}, ingress: [{}, {}, {}, {}, {}, {},"
		 " {from: [{namespaceSelector: {matchLabels: {a: b}}}]}]}\n",
	    AUDIT_ALLOWED },
	{ "but themselves",
	    HEAD "d}\nspec: {podSelector: {matchLabels: {shard: s2}}, "
		 "ingress: [{from: [{podSelector: {matchExpressions: [{key: "
		 "shard, operator: NotIn, values: [s2]}]}}]}]}\n",
	    AUDIT_WOULD_DROP },
	{ "but one, itself",
	    HEAD "e}\nspec: {podSelector: {matchLabels: {one: 'yes'}}, "
		 "ingress: [{from: [{podSelector: {matchExpressions: [{key: "
		 "one, operator: DoesNotExist}]}}]}]}\n",
	    AUDIT_UNKNOWN },
};

static void
make_pods(struct world *w, uint32_t node, uint32_t pods[PODS])
{
	uint32_t x =
	    world_workload(w, "shop", "StatefulSet", "ring", "app=r", "app=r");
	uint32_t s = world_service(w, "shop", "ring", "10.96.0.9", "app=r");
	char ip[32], name[32], labels[64];

	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	for (unsigned i = 0; i < PODS; i++) {
		(void)snprintf(name, sizeof(name), "ring-%u", i);
		(void)snprintf(labels, sizeof(labels), "app=r,shard=s%u%s",
		    i % 7, i == 99 ? ",one=yes" : "");
		(void)snprintf(
		    ip, sizeof(ip), "10.1.%u.%u", i / 200, 2 + i % 200);
		pods[i] = world_pod(w, x, name, labels, ip, node);
		world_backend(w, s, ip, 8080, pods[i]);
	}
}

/* All flows as one edge; or parted by what no question depends on. */
static void
make_flows(struct world *w, const uint32_t pods[PODS], bool is_parted)
{
	uint32_t far = world_at_node(w, 1, "10.0.0.2");
	uint32_t all = world_at_pod(w, pods[0]);
	struct flow *f;

	w->endpoints[all].ip = (struct ip_addr){ 0 };
	w->endpoints[all].pod = FLOW_NONE;
	for (unsigned i = 0; i < PODS; i++) {
		uint32_t src = world_at_pod(w, pods[i]);

		f = world_flow(w, src, all, FLOW_TCP, 8080);
		f->service = 0;
		f->service_port = (uint16_t)(is_parted ? 1 + i / PER_EDGE : 80);
		f->connections = 1 + i % 5;
		f = world_flow(w, src, src, FLOW_TCP, 8080);
		f->seen_src = far;
		f->service = 0;
		f->service_port =
		    (uint16_t)(is_parted ? SELF_0 + i / PER_EDGE : 80);
	}
}

static void
ring_init(struct audit_scene *s, bool is_parted)
{
	struct world *w = &s->w;
	uint32_t pods[PODS], node;

	*s = (struct audit_scene){ 0 };
	world_init(w);
	node = world_node(w, "n1", "10.0.0.1", "10.1.0.0/16");
	(void)world_node(w, "n2", "10.0.0.2", "10.2.0.0/16");
	make_pods(w, node, pods);
	world_finish(w);
	make_flows(w, pods, is_parted);
	audit_scene_view(s);
}

/* What the parts come to together. */
struct sum {
	enum audit_verdict verdict;
	size_t pairs, pairs_dropped, pairs_unknown;
	uint64_t connections_dropped;
	struct side_sum {
		enum evaluator_verdict verdict;
		unsigned flags, policies, rules; /* bits */
		const char *nearest_miss;
	} sides[2];
};

/* Of how many sides which verdict hides which, as audit.h has it. */
static const int weight[] = {
	[EVAL_NOT_SUBJECT] = 0,
	[EVAL_NOT_ISOLATED] = 1,
	[EVAL_ALLOW] = 2,
	[EVAL_DENY] = 3,
};

static void
add_side(struct side_sum *sum, const struct audit_side *side)
{
	if (weight[side->verdict] > weight[sum->verdict]) {
		sum->verdict = side->verdict;
		sum->policies = sum->rules = 0;
	}
	sum->flags |= side->flags;
	if (sum->nearest_miss[0] == '\0')
		sum->nearest_miss = side->nearest_miss;
	if (side->verdict != sum->verdict)
		return;
	for (size_t i = 0; i < side->n_policies; i++)
		sum->policies |= 1u << side->policies[i];
	for (size_t i = 0; i < side->n_rules; i++)
		sum->rules |= 1u << side->rules[i].rule;
}

/* Sides of hairpins count only where nothing else would be dropped. */
static void
add_up(struct sum *sum, const struct audit *a)
{
	*sum = (struct sum){ .verdict = AUDIT_NOT_ENFORCEABLE };
	for (int d = 0; d < 2; d++)
		sum->sides[d] = (struct side_sum){ .verdict = EVAL_NOT_SUBJECT,
			.nearest_miss = "" };
	for (size_t i = 0; i < a->n_edges; i++) {
		const struct audit_edge *e = &a->edges[i];

		sum->pairs += e->pairs;
		sum->pairs_dropped += e->pairs_dropped;
		sum->pairs_unknown += e->pairs_unknown;
		sum->connections_dropped += e->connections_dropped;
		if (e->verdict < sum->verdict)
			sum->verdict = e->verdict;
	}
	for (size_t i = 0; i < a->n_edges; i++) {
		const struct audit_edge *e = &a->edges[i];
		bool is_self = e->view->edge->service_port >= SELF_0;

		for (int d = 0; d < 2; d++)
			if (!is_self || sum->verdict != AUDIT_WOULD_DROP)
				add_side(&sum->sides[d], &e->sides[d]);
	}
}

static void
compare_sides(const struct side_sum *a, const struct side_sum *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->policies, b->policies);
	assert_int_equal(a->rules, b->rules);
	assert_int_equal(
	    a->nearest_miss[0] == '\0', b->nearest_miss[0] == '\0');
}

static void
test_large(void **state)
{
	const struct large_case *lc = *state;
	struct audit_scene one, many;
	struct audit a, b;
	struct sum whole, parts;

	ring_init(&one, false);
	ring_init(&many, true);
	audit_scene_run(&one, lc->yaml, &a);
	audit_scene_run(&many, lc->yaml, &b);
	assert_int_equal(a.n_edges, 1);
	assert_int_equal(b.n_edges, 2 * PODS / PER_EDGE);
	add_up(&whole, &a);
	add_up(&parts, &b);
	assert_int_equal(whole.verdict, lc->want);
	assert_int_equal(parts.verdict, lc->want);
	assert_int_equal(whole.pairs, 2 * PODS);
	assert_int_equal(whole.pairs, parts.pairs);
	assert_int_equal(whole.pairs_dropped, parts.pairs_dropped);
	assert_int_equal(whole.pairs_unknown, parts.pairs_unknown);
	assert_int_equal(whole.connections_dropped, parts.connections_dropped);
	for (int d = 0; d < 2; d++)
		compare_sides(&whole.sides[d], &parts.sides[d]);
	assert_int_equal(a.usage.n_rules, b.usage.n_rules);
	audit_scene_release(&one);
	audit_scene_release(&many);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_large, cases, name);

	return case_table_run("audit of a large edge", &table);
}
