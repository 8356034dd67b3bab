/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint, rule by rule: every file RFnnn-*.yaml of fixtures/lint says in its
 * first lines what must be found in it, all of it and nothing else, and with
 * what. The folder's README explains the lines.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "kube/snapshot.h"
#include "policy/lint.h"
#include "core/distance.h"
#include "tests/support/policy_text.h"

#define FOLDER    "fixtures/lint/"
#define FILES_MAX 256
#define TEXT_MAX  ((size_t)1 << 20)

static void
read_objects(struct snapshot_builder *sb, const char *name)
{
	char path[512];
	struct rf_error err;
	FILE *f;

	(void)snprintf(path, sizeof(path), FOLDER "%s", name);
	f = fopen(path, "re");
	assert_non_null(f);
	if (snapshot_read(sb, f, path, &err) != RF_OK)
		fail_msg("%s", err.msg);
	(void)fclose(f);
}

/* objects.json, and what the file says "# with: ". */
static struct cluster *
make_cluster(const char *text)
{
	const char *with = strstr(text, "# with: ");
	struct snapshot_builder *sb;
	struct snapshot_stats stats;
	struct cluster *c = NULL;
	char name[64] = "";

	if (strstr(text, "# without a cluster\n") != NULL)
		return NULL;
	assert_int_equal(snapshot_builder_new(&sb, NULL), RF_OK);
	read_objects(sb, "objects.json");
	if (with != NULL) {
		assert_int_equal(sscanf(with, "# with: %63s", name), 1);
		read_objects(sb, name);
	}
	assert_int_equal(snapshot_finish(sb, &c, &stats, NULL), RF_OK);
	snapshot_builder_free(sb);
	return c;
}

static void
read_text(struct strbuf *out, const char *path)
{
	char buf[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(out, buf, n);
	(void)fclose(f);
}

/* The findings, a line each, as the files' first lines write them. */
static void
write_findings(struct strbuf *out, const struct lint_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct lint_finding *f = &r->findings[i];

		strbuf_printf(out, "# expect: %s %s %u %s\n", f->rule->id,
		    lint_severity_name(f->severity), f->line, f->field);
		assert_true(strlen(f->reason) > 20 && strlen(f->mend) > 10);
		assert_string_not_equal(f->object, "");
		assert_true(f->severity <= f->rule->severity);
	}
}

static size_t
expected_length(const char *text)
{
	size_t n = 0;

	while (strncmp(text + n, "# expect: ", 10) == 0)
		n += strcspn(text + n, "\n") + 1;
	return n;
}

static void
lint_text_of(struct lint_result *out, const char *text, const char *path,
    struct cluster *c, struct arena *arena)
{
	struct policy_set *set = arena_alloc(arena, sizeof(*set));
	struct lint_input in = { .set = set, .cluster = c };

	assert_non_null(set);
	*set = policy_text_read(arena, "default", path, text);
	assert_true(set->n_policies > 0);
	assert_int_equal(lint_run(out, &in, arena, NULL), RF_OK);
}

static void
test_file(void **state)
{
	char path[512], id[6] = "", want[8192];
	struct strbuf text, found;
	struct lint_result result;
	struct cluster *c;
	struct arena arena;
	size_t n;

	(void)snprintf(path, sizeof(path), FOLDER "%s", (const char *)*state);
	memcpy(id, *state, 5);
	arena_init(&arena, 0);
	strbuf_init(&text, TEXT_MAX);
	strbuf_init(&found, TEXT_MAX);
	read_text(&text, path);
	c = make_cluster(strbuf_str(&text));
	lint_text_of(&result, strbuf_str(&text), path, c, &arena);
	write_findings(&found, &result);
	n = expected_length(strbuf_str(&text));
	assert_true(n < sizeof(want));
	memcpy(want, strbuf_str(&text), n);
	want[n] = '\0';
	assert_string_equal(strbuf_str(&found), want);
	/* A bad one shows its own rule, a good one at least not that. */
	assert_int_equal(strstr(path, "-bad") != NULL,
	    strstr(strbuf_str(&found), id) != NULL);
	strbuf_release(&found);
	strbuf_release(&text);
	arena_release(&arena);
	cluster_free(c);
}

static bool
has_file(char *const *names, size_t n, const char *id, const char *kind)
{
	char want[32];

	(void)snprintf(want, sizeof(want), "%s-%s.yaml", id, kind);
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], want) == 0)
			return true;
	return false;
}

static char *files[FILES_MAX];
static size_t n_files;

/* Every rule has a good and a bad file, but those that need flows, which
 * test_lint_flows.c is about. */
static void
test_complete(void **state)
{
	size_t n;
	const struct lint_rule *rules = lint_rules(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char id[16];

		(void)snprintf(
		    id, sizeof(id), "RF%03u", (unsigned)(i + 1) % 1000);
		assert_string_equal(rules[i].id, id);
		assert_ptr_equal(lint_rule_find(id), &rules[i]);
		assert_string_not_equal(
		    rules[i].lesson->wrong, rules[i].lesson->right);
		assert_true(strlen(rules[i].lesson->why) > 60);
		if (rules[i].needs == LINT_NEEDS_FLOWS)
			continue;
		assert_true(has_file(files, n_files, id, "bad"));
		assert_true(has_file(files, n_files, id, "good"));
	}
	assert_null(lint_rule_find("RF999"));
	assert_non_null(lint_rule_find("rf001"));
}

static const struct {
	const char *a, *b;
	unsigned distance;
} distances[] = {
	{ "", "", 0 },
	{ "abc", "", 3 },
	{ "cart", "carts", 1 },
	{ "front-end", "frontend", 1 },
	{ "wbe", "web", 1 }, /* neighbours swapped */
	{ "cortex", "carts", 3 },
	{ "kitten", "sitting", 3 },
};

static void
test_distance(void **state)
{
	char longer[80];

	(void)state;
	for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
		assert_int_equal(name_distance(distances[i].a, distances[i].b),
		    distances[i].distance);
		assert_int_equal(name_distance(distances[i].b, distances[i].a),
		    distances[i].distance);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(name_distance(longer, "x"), UINT_MAX);
}

/* Nothing to lint: no finding, and no look at what is not there. */
static void
test_empty(void **state)
{
	struct policy_set set = { 0 };
	struct lint_input in = { .set = &set };
	struct lint_result r;
	struct cluster *c = make_cluster("");
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(lint_run(&r, &in, &arena, NULL), RF_OK);
	assert_int_equal(r.n, 0);
	in.cluster = c;
	assert_int_equal(lint_run(&r, &in, &arena, NULL), RF_OK);
	assert_int_equal(r.n, 0);
	arena_release(&arena);
	cluster_free(c);
}

/* RF028 does not say of one range that it is all of them. */
static void
test_one_range(void **state)
{
	static const char text[] =
	    "apiVersion: networking.k8s.io/v1\n"
	    "kind: NetworkPolicy\n"
	    "metadata: {name: out, namespace: shop}\n"
	    "spec:\n"
	    "  podSelector: {}\n"
	    "  policyTypes: [Egress]\n"
	    "  egress:\n"
	    "  - to:\n"
	    "    - ipBlock:\n"
	    "        cidr: 0.0.0.0/0\n"
	    "        except: [10.0.0.0/8, 172.16.0.0/12, 169.254.0.0/16]\n";
	struct lint_result r;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	lint_text_of(&r, text, "p.yaml", NULL, &arena);
	assert_int_equal(r.n, 1);
	assert_non_null(
	    strstr(r.findings[0].reason, "private addresses (192.168.0.0/16)"));
	assert_non_null(strstr(r.findings[0].mend, "[192.168.0.0/16]"));
	arena_release(&arena);
}

/* Memory that runs out is an error, not a short list. */
static void
test_memory(void **state)
{
	static const char text[] =
	    "apiVersion: networking.k8s.io/v1\n"
	    "kind: NetworkPolicy\n"
	    "metadata: {name: a, namespace: shop}\n"
	    "spec: {podSelector: {matchLabels: {app: wbe}}}\n";
	struct policy_set set;
	struct lint_input in = { .set = &set };
	struct lint_result result;
	struct arena arena, small;
	struct rf_error err;
	struct cluster *c = make_cluster("");
	enum rf_status st = RF_NOMEM;
	size_t failures = 0;

	(void)state;
	in.cluster = c;
	arena_init(&arena, 0);
	set = policy_text_read(&arena, "default", "p", text);
	for (size_t max = 64; st != RF_OK && max < ((size_t)1 << 24);
	     max += max / 2) {
		arena_init(&small, max);
		st = lint_run(&result, &in, &small, &err);
		if (st != RF_OK) {
			assert_int_equal(st, RF_NOMEM);
			failures++;
		} else {
			assert_int_equal(result.n, 1);
		}
		arena_release(&small);
	}
	assert_int_equal(st, RF_OK);
	assert_true(failures > 3);
	arena_release(&arena);
	cluster_free(c);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
list_files(void)
{
	DIR *dir = opendir(FOLDER);
	const struct dirent *e;

	if (dir == NULL)
		return false;
	while ((e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);

		if (strncmp(e->d_name, "RF", 2) == 0 && len > 10 &&
		    strcmp(e->d_name + len - 5, ".yaml") == 0 &&
		    n_files < FILES_MAX)
			files[n_files++] = strdup(e->d_name);
	}
	(void)closedir(dir);
	qsort(files, n_files, sizeof(*files), compare_names);
	return n_files > 0;
}

int
main(void)
{
	struct CMUnitTest tests[FILES_MAX + 5];
	size_t n = 0;
	int rc;

	if (!list_files()) {
		fputs("no files in " FOLDER "\n", stderr);
		return 1;
	}
	for (; n < n_files; n++)
		tests[n] = (struct CMUnitTest){ .name = files[n],
			.test_func = test_file,
			.initial_state = files[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_complete);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_distance);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_empty);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_one_range);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_memory);
	rc = _cmocka_run_group_tests("lint", tests, n, NULL, NULL);
	for (size_t i = 0; i < n_files; i++)
		free(files[i]);
	return rc;
}
