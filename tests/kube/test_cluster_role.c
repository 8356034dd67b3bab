/* SPDX-License-Identifier: Apache-2.0 */
/* deploy/base/clusterrole.yaml grants what the client asks for, and no more. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kube/client_resource.h"
#include "kube/value.h"

#define PATH "deploy/base/clusterrole.yaml"

static const char *const verbs[] = { "list", "watch" };

static const struct value *
read_role(struct arena *arena)
{
	static char text[16384];
	struct value_docs docs;
	struct rf_error err;
	FILE *f = fopen(PATH, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	assert_true(n < sizeof(text));
	if (value_read(&docs, arena, text, n, NULL, NULL, &err) != RF_OK)
		fail_msg("%s: %s", PATH, err.msg);
	assert_int_equal(docs.n, 1);
	return docs.docs[0];
}

static bool
is_asked_for(const char *group, const char *resource)
{
	size_t i = client_resource_find(resource);

	return i < CLIENT_RESOURCE_COUNT &&
	    strcmp(client_resources[i].group, group) == 0;
}

static size_t
check_rule(const struct value *rule, bool granted[CLIENT_RESOURCE_COUNT])
{
	const struct value *groups = value_get(rule, "apiGroups"),
			   *resources = value_get(rule, "resources"),
			   *allowed = value_get(rule, "verbs");

	/* Neither nonResourceURLs nor resourceNames. */
	assert_int_equal(rule->n, 3);
	assert_int_equal(groups->n, 1);
	assert_int_equal(allowed->n, sizeof(verbs) / sizeof(verbs[0]));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		assert_string_equal(allowed->items[i]->text, verbs[i]);
	for (size_t i = 0; i < resources->n; i++) {
		const char *name = resources->items[i]->text;

		if (!is_asked_for(groups->items[0]->text, name))
			fail_msg("%s:%u: nobody asks for %s of \"%s\"", PATH,
			    (unsigned)resources->items[i]->line, name,
			    groups->items[0]->text);
		granted[client_resource_find(name)] = true;
	}
	return resources->n;
}

static void
test_cluster_role(void **state)
{
	struct arena arena;
	bool granted[CLIENT_RESOURCE_COUNT] = { false };
	const struct value *rules;
	size_t n = 0;

	(void)state;
	arena_init(&arena, 1 << 20);
	rules = value_get(read_role(&arena), "rules");
	assert_non_null(rules);
	for (size_t i = 0; i < rules->n; i++)
		n += check_rule(rules->items[i], granted);
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		if (!granted[i])
			fail_msg("%s lacks %s", PATH, client_resources[i].name);
	assert_int_equal(n, CLIENT_RESOURCE_COUNT); /* none twice */
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster_role),
	};

	return cmocka_run_group_tests_name("cluster_role", tests, NULL, NULL);
}
