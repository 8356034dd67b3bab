/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene_table: one row asks one question of one policy set; the cmocka
 * includes stand before this one.
 */
#ifndef TESTS_POLICY_SCENE_TABLE_H
#define TESTS_POLICY_SCENE_TABLE_H

#include <string.h>

#include "core/strbuf.h"
#include "tests/support/case_table.h"
#include "tests/support/naive_scene.h"

/* specs are namespace, name and spec of each policy, in flow style. */
struct scene_spec {
	const char *ns, *name, *spec;
};

struct scene_row {
	const char *name; /* begins with the number in SEMANTICS */
	struct scene_spec specs[4];
	const char *query;            /* naive_query */
	const char *egress, *ingress; /* naive_side_text; NULL: not asked */
};

/* The cluster of a table; each file defines its own. */
extern const char scene_cluster[];

static inline void
scene_row_test(void **state)
{
	const struct scene_row *row = *state;
	struct evaluator_answer a;
	struct evaluator_query q;
	struct naive_scene s;
	struct strbuf sb;
	char text[128];

	strbuf_init(&sb, 65536);
	for (size_t i = 0; i < 4 && row->specs[i].name != NULL; i++)
		strbuf_printf(&sb,
		    "---\napiVersion: networking.k8s.io/v1\n"
		    "kind: NetworkPolicy\n"
		    "metadata: {name: %s, namespace: %s}\nspec: %s\n",
		    row->specs[i].name, row->specs[i].ns, row->specs[i].spec);
	naive_scene_open(&s, scene_cluster, strbuf_str(&sb));
	strbuf_release(&sb);
	q = naive_query(s.cluster, row->query);
	evaluator_ask(s.evaluator, &q, &a);
	if (row->egress != NULL)
		assert_string_equal(
		    naive_side_text(&s, &a.egress, text, sizeof(text)),
		    row->egress);
	if (row->ingress != NULL)
		assert_string_equal(
		    naive_side_text(&s, &a.ingress, text, sizeof(text)),
		    row->ingress);
	assert_int_equal(a.allowed,
	    a.egress.verdict != EVAL_DENY && a.ingress.verdict != EVAL_DENY);
	naive_scene_close(&s);
}

static inline int
scene_table_run(const char *group, const struct scene_row *rows, size_t n)
{
	const struct case_table table = { scene_row_test, rows, &rows->name, n,
		sizeof(*rows) };

	return case_table_run(group, &table);
}

#endif
