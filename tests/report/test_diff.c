/* SPDX-License-Identifier: Apache-2.0 */
/* Do two versions of a policy have the same effect, and which pairs change? */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/diff.h"
#include "tests/support/case_table.h"
#include "tests/support/policy_text.h"
#include "tests/support/world.h"

#define HEAD                                                                   \
	"apiVersion: networking.k8s.io/v1\n"                                   \
	"kind: NetworkPolicy\n"                                                \
	"metadata: {name: web, namespace: shop}\n"                             \
	"spec:\n"                                                              \
	"  podSelector: {matchLabels: {app: web}}\n"                           \
	"  policyTypes: [Ingress]\n"

#define NOBODY   HEAD
#define ALIKE    HEAD "  ingress: [{from: [{podSelector: {}}]}]\n"
#define OWN_NODE HEAD "  ingress: [{from: [{ipBlock: {cidr: 192.0.2.1/32}}]}]\n"
#define BY_LABEL                                                               \
	HEAD "  ingress: [{from: [{podSelector: {matchExpressions: "           \
	     "[{key: app, operator: Exists}]}}]}]\n"
#define BY_BLOCK HEAD "  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}]\n"
#define NAMED    HEAD "  ingress: [{ports: [{port: web}]}]\n"
#define NUMBER   HEAD "  ingress: [{ports: [{port: 8080}]}]\n"

struct made {
	struct world w;
	uint32_t nodes[2];
};

/* n pods of web, in turn on two nodes, or all on the first. */
static void
make_pods(struct made *m, unsigned n, bool spread)
{
	uint32_t web;
	char name[16], ip[32];

	world_init(&m->w);
	m->nodes[0] = world_node(&m->w, "n1", "192.0.2.1", NULL);
	m->nodes[1] = world_node(&m->w, "n2", "192.0.2.2", NULL);
	web = world_workload(
	    &m->w, "shop", "Deployment", "web", "app=web", "app=web");
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "web-%u", i);
		(void)snprintf(
		    ip, sizeof(ip), "10.0.%u.%u", i / 250, i % 250 + 1);
		(void)world_pod(&m->w, web, name, "app=web", ip,
		    m->nodes[spread ? i % 2 : 0]);
	}
	world_finish(&m->w);
}

/* clang-format off */
static struct effect_case {
	const char *name, *a, *b;
	unsigned n_pods;
	bool spread;
	enum diff_effect want;
} cases[] = {
	{ "of many pods that look alike two are asked", ALIKE, BY_LABEL,
	  1500, true, DIFF_EFFECT_SAME },
	{ "one that looks alike may come in by one version", ALIKE, NOBODY,
	  2, false, DIFF_EFFECT_DIFFERS },
	{ "the pod itself always may", ALIKE, NOBODY,
	  1, false, DIFF_EFFECT_SAME },
	{ "and its own node", OWN_NODE, NOBODY, 2, false, DIFF_EFFECT_SAME },
	{ "but not that of another one", OWN_NODE, NOBODY, 2, true,
	  DIFF_EFFECT_DIFFERS },
	{ "addresses part what looks alike", ALIKE, BY_BLOCK, 600, false,
	  DIFF_EFFECT_DIFFERS },
	{ "a name that no pod has", NAMED, NUMBER, 2, false,
	  DIFF_EFFECT_DIFFERS },
};
/* clang-format on */

static void
test_effect(void **state)
{
	const struct effect_case *c = *state;
	struct policy_set a, b;
	struct arena arena;
	struct diff d;
	struct made m;

	arena_init(&arena, 0);
	make_pods(&m, c->n_pods, c->spread);
	a = policy_text_read(&arena, "default", "a.yaml", c->a);
	b = policy_text_read(&arena, "default", "b.yaml", c->b);
	assert_int_equal(diff_make(&d, &a, &b, &arena, NULL), RF_OK);
	assert_int_equal(d.counts[DIFF_CHANGED], 1);
	assert_int_equal(diff_find_effects(&d, m.w.c, &arena, NULL), RF_OK);
	assert_int_equal(d.policies[0].effect, c->want);
	world_release(&m.w);
	arena_release(&arena);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_effect, cases, name);

	return case_table_run("diff", &table);
}
