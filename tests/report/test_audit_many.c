/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More edges than are asked together, with more rules that allow than have
 * room: each is what the judge of single flows says of its flows one by one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/audit_judge.h"
#include "tests/support/audit_scene.h"

#define FIRST_PORT 1000
#define PORTS      12000

/* Six rules that allow the same, up to port 8000, and one up to 10000. */
#define SAME "{ports: [{port: 1, endPort: 8000}]}"
#define OVERLAP                                                                \
	HEAD "many}\nspec: {podSelector: {}, "                                 \
	     "policyTypes: [Ingress, Egress], "                                \
	     "ingress: [" SAME "," SAME "," SAME "," SAME "," SAME "," SAME    \
	     "], "                                                             \
	     "egress: [" SAME "," SAME "," SAME "," SAME "," SAME              \
	     ", {ports: [{port: 1, endPort: 10000}]}]}\n"

/* Every flow of the scene on each of many ports. */
static void
make_many(struct audit_scene *s)
{
	struct flow_set flows = s->flows;
	size_t n = flows.n_flows;
	struct flow *v = arena_calloc(&s->arena, n * PORTS, sizeof(*v));

	assert_non_null(v);
	for (size_t i = 0; i < n * PORTS; i++) {
		v[i] = s->flows.flows[i % n];
		v[i].port = (uint16_t)(FIRST_PORT + i / n);
		v[i].connections = 1 + i % 5;
	}
	flows.flows = v;
	flows.n_flows = n * PORTS;
	audit_scene_view_flows(s, flows);
	assert_int_equal(s->view.n_edges, N_EDGES * PORTS);
}

static void
check_side(const struct audit_side *side, const struct audit_judgement *j,
    enum policy_direction d)
{
	assert_int_equal(side->verdict == EVAL_DENY, j->is_denied[d]);
	if (!j->is_denied[d])
		return;
	assert_int_equal(side->n_policies, j->n_policies[d]);
	for (size_t i = 0; i < side->n_policies; i++)
		assert_int_equal(side->policies[i], j->policies[d][i]);
}

/* Does the one flow's judge say the same, now and then also why? */
static void
check_single(struct audit_judge *judge, const struct audit_scene *s,
    const struct audit_edge *e, bool asks_why)
{
	const struct flow *f = e->view->edge->flows[0];
	struct audit_judgement j;
	struct strbuf why, told;

	audit_judge_flow(judge, s->flows.endpoints, f, &j);
	assert_int_equal(e->verdict, j.verdict);
	assert_int_equal(e->reason, j.reason);
	check_side(&e->sides[0], &j, POLICY_INGRESS);
	check_side(&e->sides[1], &j, POLICY_EGRESS);
	if (!asks_why)
		return;
	strbuf_init(&why, 4096);
	strbuf_init(&told, 4096);
	assert_int_equal(
	    audit_judge_why(judge, s->flows.endpoints, f, &why, NULL), RF_OK);
	for (int d = 1; d >= 0; d--)
		if (e->sides[d].nearest_miss[0] != '\0')
			strbuf_printf(&told, "%s%s: %s",
			    told.len > 0 ? "; " : "",
			    d == POLICY_EGRESS ? "egress" : "ingress",
			    e->sides[d].nearest_miss);
	assert_string_equal(strbuf_str(&why), strbuf_str(&told));
	strbuf_release(&why);
	strbuf_release(&told);
}

/* Several flows: the worst of them, and how many it is of. */
static void
check_several(struct audit_judge *judge, const struct audit_scene *s,
    const struct audit_edge *e)
{
	const struct edge *edge = e->view->edge;
	enum audit_verdict worst = AUDIT_NOT_ENFORCEABLE;
	uint64_t connections = 0;
	size_t dropped = 0;

	for (size_t i = 0; i < edge->n_flows; i++) {
		struct audit_judgement j;

		audit_judge_flow(judge, s->flows.endpoints, edge->flows[i], &j);
		worst = j.verdict < worst ? j.verdict : worst;
		if (j.verdict != AUDIT_WOULD_DROP)
			continue;
		dropped++;
		connections += edge->flows[i]->connections;
	}
	assert_int_equal(e->verdict, worst);
	assert_int_equal(e->pairs, edge->n_flows);
	assert_int_equal(e->pairs_dropped, dropped);
	assert_int_equal(e->connections_dropped, connections);
}

/* Which rules allow web's egress to api, by port. */
static void
check_rules(const struct audit_edge *e)
{
	const struct audit_side *side = &e->sides[POLICY_EGRESS];
	uint16_t port = e->view->edge->port;
	size_t n = port <= 8000 ? 6 : port <= 10000 ? 1 : 0;

	if (e->view->src->type != ENDPOINT_WORKLOAD || side->flags != 0 ||
	    e->pairs != 1 || side->verdict == EVAL_NOT_SUBJECT)
		return;
	assert_int_equal(side->n_rules, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(side->rules[i].policy, 1);
		assert_int_equal(side->rules[i].rule, n == 6 ? i : 5);
	}
}

static void
test_many(void **state)
{
	struct audit_scene *s = *state;
	struct audit_judge *judge;
	struct audit a;

	make_many(s);
	audit_scene_run(s, DENY_ALL OVERLAP, &a);
	assert_int_equal(audit_judge_new(&judge, a.set, s->w.c, NULL), RF_OK);
	for (size_t i = 0; i < a.n_edges; i++) {
		check_rules(&a.edges[i]);
		if (a.edges[i].pairs == 1)
			check_single(judge, s, &a.edges[i], i % 64 == 0);
		else
			check_several(judge, s, &a.edges[i]);
	}
	assert_int_equal(a.usage.n_rules, 0);
	assert_true(a.counts[AUDIT_WOULD_DROP] > PORTS / 10);
	assert_true(a.counts[AUDIT_ALLOWED] > PORTS);
	audit_judge_free(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_many, audit_scene_setup, audit_scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
