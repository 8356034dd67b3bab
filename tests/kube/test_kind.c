/* SPDX-License-Identifier: Apache-2.0 */
/* What people call a kind, as kubectl understands it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kube/kind.h"

static void
test_words(void **state)
{
	static const struct {
		const char *kind, *word;
		bool is_meant;
	} rows[] = {
		{ "Deployment", "Deployment", true },
		{ "Deployment", "dePLOY", true },
		{ "Deployment", "deployments", true },
		{ "StatefulSet", "sts", true },
		{ "DaemonSet", "ds", true },
		{ "ReplicaSet", "rs", true },
		{ "ReplicationController", "rc", true },
		{ "ReplicationController", "ReplicationControllers", true },
		{ "CronJob", "cj", true },
		{ "Job", "jobs", true },
		{ "Pod", "po", true },
		{ "Rollout", "rollout", true },
		{ "Job", "cj", false },
		{ "Deployment", "deploymen", false },
		{ "Deployment", "", false },
		{ "Pod", "p", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kind_is_meant(rows[i].kind, rows[i].word,
			strlen(rows[i].word)) != rows[i].is_meant)
			fail_msg("%s for %s", rows[i].word, rows[i].kind);
	assert_true(kind_is_meant("Pod", "po/x", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("kind", tests, NULL, NULL);
}
