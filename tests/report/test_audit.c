/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts over one small world, and how edges are named and printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy/read.h"
#include "report/audit_print.h"
#include "report/edges.h"
#include "tests/support/world.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* The flows of the world below, one an edge, but for the two of DB. */
enum {
	API,
	DB,
	PROBE,
	NODES,
	OUT,
	STRANGER,
	HAIRPIN,
	REFUSED,
	GUESSED,
	SEVERAL,
	SELF,
	N_EDGES
};

struct scene {
	struct world w;
	struct arena arena;
	struct flow_set flows;
	struct view view;
	/* The edge of each flow, as an index into view. */
	size_t at[N_EDGES];
};

static void
add_several(struct world *w, uint32_t web, uint32_t api_pod, uint32_t service)
{
	uint32_t dst = world_at_pod(w, api_pod);
	struct flow *f;

	w->endpoints[dst].ip = (struct ip_addr){ 0 };
	w->endpoints[dst].pod = FLOW_NONE;
	w->endpoints[dst].node = FLOW_NONE;
	f = world_flow(w, web, dst, FLOW_TCP, 9090);
	f->service = service;
	f->service_port = 90;
}

static void
add_flows(struct world *w, const uint32_t pod[4], uint32_t service,
    const uint32_t node[2])
{
	uint32_t web = world_at_pod(w, pod[0]), api = world_at_pod(w, pod[1]);
	uint32_t db[2] = { world_at_pod(w, pod[2]), world_at_pod(w, pod[3]) };
	uint32_t own = world_at_node(w, node[0], "10.0.0.1");
	uint32_t far = world_at_node(w, node[1], "10.0.0.2");
	struct flow *f;

	f = world_flow(w, web, api, FLOW_TCP, 8080);
	f->connections = 5;
	f->service = service;
	f->service_port = 80;
	world_flow(w, api, db[0], FLOW_TCP, 5432)->connections = 3;
	world_flow(w, api, db[1], FLOW_TCP, 5432)->connections = 4;
	world_flow(w, own, web, FLOW_TCP, 8080);
	world_flow(w, own, far, FLOW_TCP, 6443);
	world_flow(w, web, world_at(w, ENDPOINT_EXTERNAL, "203.0.113.7"),
	    FLOW_TCP, 443);
	world_flow(
	    w, world_at(w, ENDPOINT_UNKNOWN, "10.1.9.9"), web, FLOW_TCP, 8080);
	f = world_flow(w, api, api, FLOW_TCP, 8080);
	f->service = service;
	f->service_port = 80;
	f->seen_src = far;
	f = world_flow(w, web, db[0], FLOW_TCP, 5432);
	f->outcome = OUTCOME_REFUSED;
	f = world_flow(w, db[0], web, FLOW_TCP, 9999);
	f->outcome = OUTCOME_MIDSTREAM;
	f->certainty = CERTAINTY_GUESSED;
	add_several(w, web, pod[1], service);
	world_flow(w, web, web, FLOW_TCP, 7000);
}

static void
find_edges(struct scene *s)
{
	static const struct {
		uint16_t port;
		uint8_t outcome;
		enum endpoint_type src, dst;
		const char *src_name;
	} keys[N_EDGES] = {
		[API] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[DB] = { 5432, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "api" },
		[PROBE] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_NODE,
		    ENDPOINT_WORKLOAD, "n1" },
		[NODES] = { 6443, OUTCOME_ESTABLISHED, ENDPOINT_NODE,
		    ENDPOINT_NODE, "n1" },
		[OUT] = { 443, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_EXTERNAL, "web" },
		[STRANGER] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_UNKNOWN,
		    ENDPOINT_WORKLOAD, "" },
		[HAIRPIN] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "api" },
		[REFUSED] = { 5432, OUTCOME_REFUSED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[GUESSED] = { 9999, OUTCOME_MIDSTREAM, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "db" },
		[SEVERAL] = { 9090, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[SELF] = { 7000, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
	};

	assert_int_equal(s->view.n_edges, N_EDGES);
	for (size_t k = 0; k < N_EDGES; k++) {
		s->at[k] = SIZE_MAX;
		for (size_t i = 0; i < s->view.n_edges; i++) {
			const struct view_edge *v = &s->view.edges[i];

			if (v->edge->port == keys[k].port &&
			    v->edge->outcome == keys[k].outcome &&
			    v->src.type == keys[k].src &&
			    v->dst.type == keys[k].dst &&
			    strcmp(v->src.name, keys[k].src_name) == 0)
				s->at[k] = i;
		}
		assert_true(s->at[k] != SIZE_MAX);
	}
}

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct world *w = &s->w;
	uint32_t node[2], pod[4], db, service, api2;
	struct edge_set edges;

	world_init(w);
	node[0] = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	node[1] = world_node(w, "n2", "10.0.0.2", "10.1.1.0/24");
	pod[0] = world_app(w, "shop", "web", "10.1.0.2", node[0]);
	pod[1] = world_app(w, "shop", "api", "10.1.1.3", node[1]);
	db = world_workload(w, "shop", "StatefulSet", "db", "app=db", "app=db");
	pod[2] =
	    world_pod(w, db, "db-0", "app=db,shard=a", "10.1.0.4", node[0]);
	pod[3] =
	    world_pod(w, db, "db-1", "app=db,shard=b", "10.1.1.4", node[1]);
	api2 = world_pod(w, w->c->pods[pod[1]].workload, "api-2",
	    "app=api,canary=yes", "10.1.0.9", node[0]);
	service = world_service(w, "shop", "api", "10.96.0.9", "app=api");
	world_service_port(w, service, "http", FLOW_TCP, 80, 8080);
	world_backend(w, service, "10.1.1.3", 8080, pod[1]);
	world_service_port(w, service, "admin", FLOW_TCP, 90, 9090);
	world_backend(w, service, "10.1.1.3", 9090, pod[1]);
	world_backend(w, service, "10.1.0.9", 9090, api2);
	world_finish(w);
	add_flows(w, pod, service, node);
	world_name(w, "203.0.113.7", "pay.example");
	arena_init(&s->arena, 0);
	s->flows = world_flows(w);
	assert_int_equal(
	    edge_roll_up(&edges, &s->flows, &s->arena, NULL), RF_OK);
	assert_int_equal(
	    view_make(&s->view, &edges, &s->flows, w->c, &s->arena, NULL),
	    RF_OK);
	find_edges(s);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	arena_release(&s->arena);
	world_release(&s->w);
	free(s);
	return 0;
}

static void
run(struct scene *s, const char *yaml, struct audit *out)
{
	struct policy_reader *r;
	struct policy_set *set = arena_alloc(&s->arena, sizeof(*set));

	assert_non_null(set);
	assert_int_equal(policy_reader_new(&r, &s->arena, "shop", NULL), RF_OK);
	assert_int_equal(
	    policy_reader_text(r, "t.yaml", yaml, strlen(yaml), NULL), RF_OK);
	assert_int_equal(policy_reader_finish(r, set, NULL), RF_OK);
	assert_int_equal(policy_reader_refusals(r), 0);
	policy_reader_free(r);
	assert_int_equal(
	    audit_run(out, &s->view, s->w.c, set, &s->arena, NULL), RF_OK);
	assert_int_equal(out->n_edges, N_EDGES);
}

#define HEAD                                                                   \
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"         \
	"metadata: {name: "
#define DENY_ALL                                                               \
	HEAD "deny-all}\nspec: {podSelector: {}, "                             \
	     "policyTypes: [Ingress, Egress]}\n"
/* All egress, so that the ingress side decides. */
#define OPEN_EGRESS                                                            \
	HEAD "open}\nspec: {podSelector: {}, policyTypes: [Egress], "          \
	     "egress: [{}]}\n"
#define ONLY_SHARD_A                                                           \
	HEAD "db}\nspec: {podSelector: {matchLabels: {shard: b}}, "            \
	     "ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]"   \
	     "}\n"
#define CANARY                                                                 \
	HEAD "canary}\nspec: {podSelector: {matchLabels: {canary: 'yes'}}}\n"
#define API_SELF                                                               \
	HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "           \
	     "policyTypes: [Ingress, Egress], "                                \
	     "ingress: [{from: [{podSelector: {}}, "                           \
	     "{ipBlock: {cidr: 10.0.0.2/32}}]}], "                             \
	     "egress: [{to: [{podSelector: {}}]}]}\n"

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
	struct scene *s = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		size_t counts[AUDIT_VERDICT_COUNT] = { 0 };
		struct audit a;

		run(s, cases[i].yaml, &a);
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
	struct scene *s = *state;
	struct audit a;

	run(s, DENY_ALL, &a);
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
	struct scene *s = *state;
	const struct audit_side *side;
	const struct audit_edge *e;
	struct audit a;

	run(s, DENY_ALL OPEN_EGRESS ONLY_SHARD_A, &a);
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

	run(s, ONLY_SHARD_A, &a);
	e = &a.edges[s->at[DB]];
	assert_int_equal(e->pairs, 2);
	assert_int_equal(e->pairs_dropped, 1);
	assert_int_equal(e->sides[POLICY_EGRESS].verdict, EVAL_NOT_ISOLATED);
}

/* Everything that print writes, as one string to be freed. */
static char *
print_json(const struct audit *a)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(audit_print_json(f, a, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void
test_json(void **state)
{
	struct scene *s = *state;
	const char *verdict, *miss, *name, *rule;
	json_t *root, *edge;
	struct audit a;
	json_int_t n, drop, pods;
	char *text;

	run(s, DENY_ALL OPEN_EGRESS, &a);
	text = print_json(&a);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(
	    json_array_size(json_object_get(root, "edges")), N_EDGES);
	assert_int_equal(json_unpack(root, "{s:{s:I, s:I}}", "summary",
			     "wouldDrop", &drop, "wouldDropConnections", &n),
	    0);
	assert_int_equal(drop, 3);
	assert_int_equal(n, 13);
	edge = json_array_get(json_object_get(root, "edges"), s->at[API]);
	assert_int_equal(
	    json_unpack(edge, "{s:s, s:{s:[s]}, s:{s:s}, s:{s:s, s:I}}",
		"verdict", &verdict, "egress", "rules", &rule, "ingress",
		"nearestMiss", &miss, "dst", "name", &name, "pods", &pods),
	    0);
	assert_string_equal(verdict, "would-drop");
	assert_string_equal(rule, "shop/open egress[0]");
	assert_string_equal(name, "api");
	assert_int_equal(pods, 1);
	json_decref(root);
	free(text);
}

static void
test_table(void **state)
{
	struct scene *s = *state;
	struct audit a;
	char *text, *line;
	size_t len;
	FILE *f;

	run(s, DENY_ALL OPEN_EGRESS, &a);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(
	    audit_print_table(
		f, &a, &(struct audit_style){ .with_headers = true }, NULL),
	    RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_ptr_equal(strstr(text, "VERDICT   "), text);
	line = strchr(text, '\n') + 1;
	assert_ptr_equal(strstr(line, "would-drop   "), line);
	assert_non_null(strstr(text, "deny: shop/deny-all"));
	assert_non_null(strstr(text,
	    "\n10 edges under 2 policies: 3 would be dropped "
	    "(13 connections), 3 allowed, 3 unknown, 1 not enforceable.\n"));
	assert_non_null(strstr(text, "Not counted: 1 edge that never"));
	free(text);
}

static void
test_edges(void **state)
{
	struct scene *s = *state;
	const struct view_edge *v = &s->view.edges[s->at[OUT]];
	struct strbuf sb;

	strbuf_init(&sb, 1000);
	view_end_text(&sb, &v->src);
	strbuf_putc(&sb, '|');
	view_end_text(&sb, &v->dst);
	assert_string_equal(strbuf_str(&sb),
	    "shop/deployment/web|external/203.0.113.7 (pay.example)");
	strbuf_clear(&sb);
	v = &s->view.edges[s->at[HAIRPIN]];
	view_service_text(&sb, v);
	assert_string_equal(strbuf_str(&sb), "shop/api:80");
	strbuf_release(&sb);
	assert_int_equal(v->n_seen_from, 1);
	assert_int_equal(s->view.edges[s->at[API]].n_seen_from, 0);
	assert_int_equal(s->view.edges[s->at[DB]].dst.pods, 2);
	assert_int_equal(s->view.edges[s->at[SEVERAL]].dst.pods, 0);
	for (size_t i = 1; i < s->view.n_edges; i++)
		assert_true(view_edge_compare(
				&s->view.edges[i - 1], &s->view.edges[i]) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verdicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sides, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edges, setup, teardown),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
