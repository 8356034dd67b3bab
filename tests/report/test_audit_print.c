/* SPDX-License-Identifier: Apache-2.0 */
/* The formats in which an audit, and flows with verdicts, are printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "report/edges.h"
#include "tests/support/audit_scene.h"

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
	struct audit_scene *s = *state;
	const char *verdict, *miss, *name, *rule;
	json_t *root, *edge;
	struct audit a;
	json_int_t n, drop, pods;
	char *text;

	audit_scene_run(s, DENY_ALL OPEN_EGRESS, &a);
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
	struct audit_scene *s = *state;
	struct audit a;
	char *text, *line;
	size_t len;
	FILE *f;

	audit_scene_run(s, DENY_ALL OPEN_EGRESS, &a);
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

#define UNUSED                                                                 \
	HEAD "web}\nspec: {podSelector: {matchLabels: {app: web}}, "           \
	     "policyTypes: [Egress], egress: [{ports: [{port: 1}]}]}\n"
#define IDLE HEAD "a}\nspec: {podSelector: {matchLabels: {app: apo}}}\n"

static void
test_json_unused(void **state)
{
	struct audit_scene *s = *state;
	const char *policy, *rule, *idle;
	struct audit a;
	json_int_t seconds;
	json_t *root;
	char *text;

	audit_scene_run(s, API_SELF UNUSED IDLE, &a);
	text = print_json(&a);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(
	    json_unpack(root, "{s:{s:[s!], s:[s!], s:{s:n, s:n, s:I}}, s:[s!]}",
		"unused", "policies", &policy, "rules", &rule, "observed",
		"from", "to", "seconds", &seconds, "selectsNothing", &idle),
	    0);
	assert_string_equal(policy, "shop/web");
	assert_string_equal(rule, "shop/web egress[0]");
	assert_string_equal(idle, "shop/a");
	assert_int_equal(seconds, 0);
	json_decref(root);
	free(text);
}

static void
test_table_unused(void **state)
{
	struct coverage c = { .node = "n1",
		.source = "n1.pcap",
		.from_us = 1000000,
		.to_us = 3661000000 };
	struct audit_scene *s = *state;
	struct audit a;
	char *text;
	size_t len;
	FILE *f;

	s->flows.coverage = &c;
	s->flows.n_coverage = 1;
	audit_scene_run(s, DENY_ALL UNUSED IDLE, &a);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(
	    audit_print_table(f, &a, &(struct audit_style){ 0 }, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text,
	    "\nRules that nothing used in 1h01m of observation (what happens "
	    "rarely may need them):\n  shop/web: its only rule (t.yaml:"));
	assert_non_null(strstr(text,
	    "\nPolicies that select no pod:\n  shop/a: no pod that is known "
	    "has such labels (t.yaml:"));
	free(text);
}

/* The rules of a policy that selects no pod need no words of their own. */
static void
test_idle_only(void **state)
{
	struct audit_scene *s = *state;
	struct audit a;
	char *text;
	size_t len;
	FILE *f;

	audit_scene_run(s,
	    DENY_ALL HEAD "b}\nspec: {podSelector: {matchLabels: {app: apo}}, "
			  "ingress: [{}]}\n",
	    &a);
	assert_true(a.usage.n_idle > 0 && a.usage.n_rules > 0);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(
	    audit_print_table(f, &a, &(struct audit_style){ 0 }, NULL), RF_OK);
	assert_int_equal(audit_print_markdown(f, &a, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_null(strstr(text, "nothing used"));
	assert_non_null(strstr(text, "\nPolicies that select no pod:\n"));
	assert_non_null(strstr(text, "Policies that select no pod: 1"));
	free(text);
}

/* Both sides deny: both say what came closest. */
static void
test_markdown(void **state)
{
	struct audit_scene *s = *state;
	struct audit a;
	char *text, *row;
	size_t len;
	FILE *f;

	s->w.c->workloads[s->view.edges[s->at[API]].edge->dst->workload].name =
	    "a|p<i>\n`x`";
	audit_scene_view_flows(s, s->flows);
	audit_scene_run(s, DENY_ALL UNUSED IDLE, &a);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(audit_print_markdown(f, &a, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_ptr_equal(strstr(text,
			     "### NetworkPolicy audit: 4 of 10 observed edges "
			     "would be dropped\n"),
	    text);
	row = strstr(text,
	    "| <code>shop/deployment/web</code> | <code>shop/deployment/"
	    "a&#124;p&#60;i&#62;&#92;x0a&#96;x&#96;</code> | TCP/8080 | "
	    "<code>shop/api:80</code> | 5 of 5 | "
	    "egress <code>shop/deny-all</code><br>egress <code>shop/web</code>"
	    "<br>ingress <code>shop/deny-all</code> | <code>web, egress rule ");
	assert_non_null(row);
	assert_true(
	    strstr(row, "</code><br><code>deny-all") < strchr(row, '\n'));
	assert_non_null(strstr(text, "<summary>Unknown: 3</summary>"));
	assert_non_null(strstr(text, "- <code>shop/web</code>: its only rule"));
	assert_non_null(strstr(text, "- <code>shop/a</code>: no pod that is"));
	free(text);
}

static void
test_sarif(void **state)
{
	struct audit_scene *s = *state;
	size_t counts[4] = { 0 }, left_out, len, i;
	struct audit a;
	json_t *root, *results, *result;
	char *text;
	FILE *f;

	audit_scene_run(s, DENY_ALL UNUSED IDLE, &a);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(
	    audit_print_sarif(f, &a, NULL, &left_out, &s->arena, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(left_out, 0);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(
	    json_unpack(root, "{s:[{s:o}]}", "runs", "results", &results), 0);
	json_array_foreach(results, i, result)
	{
		const char *id, *uri;
		json_int_t line;

		assert_int_equal(
		    json_unpack(result, "{s:s, s:[{s:{s:{s:s}, s:{s:I}}}]}",
			"ruleId", &id, "locations", "physicalLocation",
			"artifactLocation", "uri", &uri, "region", "startLine",
			&line),
		    0);
		assert_string_equal(uri, "t.yaml");
		assert_true(line > 1);
		assert_int_equal(strncmp(id, "RFA0", 4), 0);
		counts[id[4] - '1']++;
	}
	/* Would be dropped: web to api (2 + 1), api to db (1 + 1), out (2),
	 * web to several (2 + 1). Unknown: the stranger (1), the hairpin
	 * (1 + 1), guessed (1 + 1). */
	assert_int_equal(counts[0], 10);
	assert_int_equal(counts[1], 5);
	assert_int_equal(counts[2], 1);
	assert_int_equal(counts[3], 1);
	json_decref(root);
	free(text);
}

/* Policies of no file have no place; they are counted. */
static void
test_sarif_no_file(void **state)
{
	struct audit_scene *s = *state;
	struct policy *copy;
	struct policy_set set;
	size_t left_out, len;
	struct audit a;
	char *text;
	FILE *f;

	audit_scene_run(s, DENY_ALL UNUSED IDLE, &a);
	set = *a.set;
	copy = arena_calloc(&s->arena, set.n_policies, sizeof(*copy));
	assert_non_null(copy);
	memcpy(copy, set.policies, set.n_policies * sizeof(*copy));
	copy[0].file = NULL; /* deny-all */
	set.policies = copy;
	a.set = &set;
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(
	    audit_print_sarif(f, &a, NULL, &left_out, &s->arena, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(left_out, 12);
	free(text);
}

static char *
print_csv(struct audit_scene *s, const struct audit *a)
{
	const struct edges e = { .view = &s->view, .audit = a };
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(edges_print_csv(f, &e, true, NULL), RF_OK);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* What flows prints: with a verdict only where policies were asked. */
static void
test_flows_verdict(void **state)
{
	struct audit_scene *s = *state;
	struct audit a;
	char *text;

	audit_scene_run(s, DENY_ALL, &a);
	text = print_csv(s, NULL);
	assert_null(strstr(text, "verdict"));
	free(text);
	text = print_csv(s, &a);
	assert_non_null(strstr(text, ",lastSeen,verdict,reason\r\n"));
	assert_non_null(strstr(text, "Z,would-drop,\r\n"));
	assert_non_null(strstr(text, "Z,unknown,guessed-direction\r\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_json, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_table, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_json_unused, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_table_unused, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_idle_only, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_markdown, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_sarif, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(test_sarif_no_file,
		    audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(test_flows_verdict,
		    audit_scene_setup, audit_scene_teardown),
	};

	return cmocka_run_group_tests_name("audit_print", tests, NULL, NULL);
}
