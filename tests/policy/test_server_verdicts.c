/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the reader agree with every recorded verdict of a real API server:
 * the same refusals, each with the server's field and text, the same
 * warnings, and a decode problem where the server answered 400?
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/read.h"

#define VERDICTS "fixtures/policy/netpol-validation.jsonl"

struct reading_result {
	struct arena arena;
	struct policy_reader *reader;
	struct policy_set set;
	const struct policy_problem *problems;
	size_t n;
};

static void
read_text(struct reading_result *r, const char *text)
{
	struct rf_error err;

	arena_init(&r->arena, 0);
	assert_int_equal(
	    policy_reader_new(&r->reader, &r->arena, "shop", &err), RF_OK);
	assert_int_equal(policy_reader_text(r->reader, "request.json", text,
			     strlen(text), &err),
	    RF_OK);
	assert_int_equal(policy_reader_finish(r->reader, &r->set, &err), RF_OK);
	r->problems = policy_reader_problems(r->reader, &r->n);
}

static void
release(struct reading_result *r)
{
	policy_reader_free(r->reader);
	arena_release(&r->arena);
}

/* The object that the recorded case sent. */
static char *
request_of(const json_t *line)
{
	json_t *spec = json_incref(json_object_get(line, "request_spec"));
	const char *name =
	    json_string_value(json_object_get(line, "request_name"));
	json_t *object = json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion",
	    "networking.k8s.io/v1", "kind", "NetworkPolicy", "metadata", "name",
	    name == NULL ? "v" : name, "spec",
	    spec == NULL ? json_object() : spec);
	char *text = json_dumps(object, JSON_INDENT(1));

	assert_non_null(text);
	json_decref(object);
	return text;
}

/* Find the problem that says what one cause of the server's answer says. */
static void
assert_has_cause(const struct reading_result *r, const json_t *cause)
{
	const char *field = json_string_value(json_object_get(cause, "field"));
	const char *text = json_string_value(json_object_get(cause, "message"));

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->problems[i].field, field) == 0 &&
		    strncmp(r->problems[i].detail, text, 300) == 0)
			return;
	for (size_t i = 0; i < r->n; i++)
		print_error("we: %s: %s\n", r->problems[i].field,
		    r->problems[i].detail);
	fail_msg("the server also says %s: %s", field, text);
}

/* The Warning header is 299 - "field: text", quotes escaped. */
static void
assert_warning(const struct reading_result *r, const char *header)
{
	char want[1024], have[1024];
	size_t n = 0, warnings = 0;

	for (const char *c = header; *c != '\0' && n + 1 < sizeof(want); c++)
		if (*c != '\\')
			want[n++] = *c;
	want[n] = '\0';
	for (size_t i = 0; i < r->n; i++) {
		if (r->problems[i].type != PROBLEM_WARNING)
			continue;
		warnings++;
		(void)snprintf(have, sizeof(have), "299 - \"%s: %s\"",
		    r->problems[i].field, r->problems[i].detail);
		assert_string_equal(have, want);
	}
	assert_int_equal(warnings, header[0] == '\0' ? 0 : 1);
}

static void
check_line(const json_t *line)
{
	json_t *response = json_object_get(line, "response");
	json_t *causes =
	    json_object_get(json_object_get(response, "details"), "causes");
	json_int_t status = json_integer_value(json_object_get(line, "status"));
	const char *warning =
	    json_string_value(json_object_get(line, "warning"));
	char *text = request_of(line);
	struct reading_result r;

	read_text(&r, text);
	free(text);
	if (status == 201) {
		assert_int_equal(policy_reader_refusals(r.reader), 0);
		assert_int_equal(r.set.n_policies, 1);
	} else {
		assert_int_equal(r.set.n_policies, 0);
		assert_int_equal(policy_reader_refusals(r.reader),
		    status == 422 ? json_array_size(causes) : 1);
	}
	if (status == 400)
		assert_int_equal(r.problems[0].type, PROBLEM_DECODE);
	for (size_t i = 0; i < json_array_size(causes); i++)
		assert_has_cause(&r, json_array_get(causes, i));
	assert_warning(&r, warning == NULL ? "" : warning);
	release(&r);
}

static void
test_recorded_verdicts(void **state)
{
	FILE *f = fopen(VERDICTS, "r");
	json_error_t why;
	json_t *line;
	size_t n = 0;

	(void)state;
	assert_non_null(f);
	while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why)) != NULL) {
		print_message(
		    "%s\n", json_string_value(json_object_get(line, "case")));
		check_line(line);
		json_decref(line);
		n++;
	}
	(void)fclose(f);
	assert_int_equal(n, 48);
}

/* What defaulting leaves must be what the server stored (8 to 13). */
static void
test_recorded_types(void **state)
{
	FILE *f = fopen(VERDICTS, "r");
	json_error_t why;
	json_t *line;

	(void)state;
	assert_non_null(f);
	while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why)) != NULL) {
		json_t *types = json_object_get(
		    json_object_get(json_object_get(line, "response"), "spec"),
		    "policyTypes");
		bool want[2] = { false, false };
		struct reading_result r;
		char *text = request_of(line);

		read_text(&r, text);
		free(text);
		for (size_t i = 0; i < json_array_size(types); i++)
			want[strcmp(json_string_value(json_array_get(types, i)),
				 "Egress") == 0] = true;
		if (types != NULL) {
			assert_int_equal(r.set.policies[0].types[0], want[0]);
			assert_int_equal(r.set.policies[0].types[1], want[1]);
		}
		release(&r);
		json_decref(line);
	}
	(void)fclose(f);
}

static struct strict_case {
	const char *path, *field, *word;
} strict_cases[] = {
	{ "fixtures/policy/dryrun-duplicate-field-strict.request.json",
	    "spec.podSelector", "duplicate field" },
	{ "fixtures/policy/dryrun-unknown-field-strict.request.json",
	    "spec.ingres", "unknown field" },
};

/* 67: both are refused under strict field validation. */
static void
test_strict(void **state)
{
	const struct strict_case *c = *state;
	struct policy_reader *reader;
	const struct policy_problem *p;
	struct arena arena;
	struct rf_error err;
	size_t n;

	arena_init(&arena, 0);
	assert_int_equal(
	    policy_reader_new(&reader, &arena, "shop", &err), RF_OK);
	assert_int_equal(
	    policy_reader_path(reader, c->path, false, &err), RF_OK);
	p = policy_reader_problems(reader, &n);
	assert_int_equal(n, 1);
	assert_int_equal(p[0].type, PROBLEM_DECODE);
	assert_string_equal(p[0].field, c->field);
	assert_non_null(strstr(p[0].detail, c->word));
	assert_string_equal(p[0].file, c->path);
	policy_reader_free(reader);
	arena_release(&arena);
}

/* Lists from the server: items without kind, server-side fields. */
static void
test_recorded_list(void **state)
{
	struct policy_reader *reader;
	struct policy_set set;
	struct arena arena;
	struct rf_error err;
	size_t n;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(
	    policy_reader_new(&reader, &arena, "default", &err), RF_OK);
	assert_int_equal(
	    policy_reader_path(reader,
		"fixtures/policy/list-networkpolicies.json", false, &err),
	    RF_OK);
	assert_int_equal(policy_reader_finish(reader, &set, &err), RF_OK);
	(void)policy_reader_problems(reader, &n);
	assert_int_equal(n, 0);
	assert_int_equal(set.n_policies, 4);
	assert_string_equal(set.policies[0].name, "db-only-web");
	assert_string_equal(
	    set.policies[0].rules[POLICY_INGRESS][0].ports[0].name, "pg");
	policy_reader_free(reader);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_verdicts),
		cmocka_unit_test(test_recorded_types),
		cmocka_unit_test_prestate(test_strict, &strict_cases[0]),
		cmocka_unit_test_prestate(test_strict, &strict_cases[1]),
		cmocka_unit_test(test_recorded_list),
	};

	return cmocka_run_group_tests_name(
	    "policy against recorded verdicts", tests, NULL, NULL);
}
